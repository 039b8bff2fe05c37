"""The one writer of a process: changes that wait together are committed together.

Processes queue on a file lock around the write transaction; SQLite's own waiting would poll.
A change is answered only after its transaction is durable.
"""

import asyncio
import contextlib
import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, TypeVar

from troth.model.change import Change, Done, Outcome
from troth.store import StoreUnavailable, rows, statements
from troth.store.apply import apply, at_once
from troth.store.batches import MOST_IN_BATCH, MOST_WAITING
from troth.store.engine import Step
from troth.store.sqlite_revision import Mark
from troth.value import frozen_positional

SQL: Mapping[str, str] = statements.load("sqlite")

# Full, read-only, busy, damaged: the whole transaction is in doubt, not one change. (What derives
# from them is about one change.)
_IN_DOUBT = (sqlite3.OperationalError, sqlite3.DatabaseError)

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Result = tuple[Any, BaseException | None]


@frozen_positional
class _Job:
    """Work for the writer, and the request that waits for it on its own loop."""

    work: Work
    future: asyncio.Future[Any]


class _Undo(Exception):
    """A change that lost after it had done something: its outcome, and all of it goes back."""


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """A connection with the safe settings; the file is created readable by its owner only."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2.0)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("pragma foreign_keys = on")
    db.execute("pragma trusted_schema = off")
    db.execute("pragma secure_delete = fast")
    if not write:
        db.execute("pragma query_only = on")
    return db


def lock_file(path: Path) -> BinaryIO:
    """What every process that writes queues on first, with `flock`."""
    lock = path.with_name(path.name + ".lock")
    lock.touch(mode=0o600, exist_ok=True)
    return lock.open("wb")


class Writer:
    """A thread with its own connection that applies what `submit` hands it, in groups."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, write=True)
        self._lock = lock_file(path)
        self.mark = Mark(path.with_name(path.name + ".revision"))
        self.mark.unsettle()  # the word may be older than a file that was put in its place
        # Gathered on the loop; handed over turn by turn; None at the end.
        self._gathered: list[_Job] = []
        self._turns: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._waiting = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        """Run `work` in the next transaction; the future is done when it is durable.

        A future that is done before its turn takes its work with it.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._gathered, self._waiting = loop, [], 0
        if self._stopping or self._waiting >= MOST_WAITING:
            raise StoreUnavailable("too many changes are waiting")
        if not self._gathered:
            loop.call_soon(self._hand_over)
        job = _Job(work, loop.create_future())
        self._gathered.append(job)
        self._waiting += 1
        return job.future

    def _hand_over(self) -> None:
        """What came in one turn of the loop goes to the thread together, which is woken once."""
        gathered, self._gathered = self._gathered, []
        self._turns.put(gathered)

    def close(self) -> None:
        self._stopping = True
        self._hand_over()
        self._turns.put(None)
        self._thread.join(timeout=10)
        self._db.close()
        self._lock.close()
        self.mark.close()

    def _run(self) -> None:
        while (jobs := self._turns.get()) is not None:
            while len(jobs) < MOST_IN_BATCH and not self._turns.empty():
                more = self._turns.get()
                if more is None:
                    self._turns.put(None)
                    break
                jobs += more
            for first in range(0, len(jobs), MOST_IN_BATCH):
                self._transact(jobs[first : first + MOST_IN_BATCH])

    def _transact(self, batch: list[_Job]) -> None:
        try:
            results = self._results(batch)
        except Exception as error:  # whatever it was: nothing is durable, and the thread lives on
            failure = StoreUnavailable(f"{type(error).__name__}: {error}")
            results = [(None, failure)] * len(batch)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop = batch[0].future.get_loop()
            loop.call_soon_threadsafe(self._settle, batch, results)

    def _settle(self, batch: list[_Job], results: list[Result]) -> None:
        self._waiting -= len(batch)
        for job, (result, error) in zip(batch, results, strict=True):
            if job.future.done():
                continue
            if error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(result)

    def _results(self, batch: list[_Job]) -> list[Result]:
        return self._locked(lambda: self._commit(batch))

    def _locked(self, work: Callable[[], T]) -> T:
        """One process at a time, in the order in which they came."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            return work()
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _commit(self, batch: list[_Job]) -> list[Result]:
        results = self._together(batch) or self._each(batch)
        revision = self._revision()
        if revision == self.mark.revision:
            self._db.execute("commit")
        else:
            self.mark.unsettle()
            self._db.execute("commit")
            self.mark.settle(revision)
        return results

    def _together(self, batch: list[_Job]) -> list[Result] | None:
        """The batch as one; None, and nothing done, where one of them has to be undone alone."""
        self._db.execute("begin immediate")
        try:
            return [(None if job.future.done() else job.work(self._db), None) for job in batch]
        except Exception as error:
            if type(error) in _IN_DOUBT:
                raise
            self._db.execute("rollback")
            return None

    def _each(self, batch: list[_Job]) -> list[Result]:
        """The batch again, so that a bad change does not take the others with it."""
        self._db.execute("begin immediate")
        return [_attempt(job, self._db) for job in batch]

    def _revision(self) -> int:
        found: int = self._db.execute(SQL["revision"]).fetchone()[0]
        return found


class _Statements:
    """Statements in the writer's transaction: `apply.Statements` without any waiting."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    async def execute(self, name: str, values: Mapping[str, Any]) -> int:
        return self._db.execute(SQL[name], values).rowcount

    async def row(self, name: str, values: Mapping[str, Any]) -> rows.Row | None:
        found: rows.Row | None = self._db.execute(SQL[name], values).fetchone()
        return found


def apply_whole(db: sqlite3.Connection, change: Change, steps: Sequence[Step]) -> Outcome:
    """A change and what rides along: all of it, or nothing. Raises where some is to be undone."""
    before = db.total_changes
    outcome = at_once(apply(_Statements(db), change, int(time.time())))
    if isinstance(outcome, Done):
        run_steps(db, steps)
    elif db.total_changes != before:
        raise _Undo(outcome)
    return outcome


def run_steps(db: sqlite3.Connection, steps: Sequence[Step]) -> int:
    """Statements in order; how many rows the last one changed."""
    changed = 0
    for name, values in steps:
        changed = db.execute(SQL[name], values).rowcount
    return changed


def _attempt(job: _Job, db: sqlite3.Connection) -> Result:
    if job.future.done():  # its request was told that nothing was done
        return None, None
    db.execute("savepoint job")
    result: Result
    try:
        result = job.work(db), None
    except _Undo as lost:
        db.execute("rollback to job")
        result = lost.args[0], None
    except Exception as error:
        if type(error) in _IN_DOUBT:
            raise
        db.execute("rollback to job")
        result = None, error
    db.execute("release job")
    return result
