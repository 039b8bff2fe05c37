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
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from troth.model.change import Change, Done, Outcome
from troth.store import StoreUnavailable, rows, statements
from troth.store.apply import apply, at_once
from troth.store.engine import Step
from troth.store.sqlite_revision import Mark

SQL: Mapping[str, str] = statements.load("sqlite")

MOST_IN_BATCH = 128
MOST_WAITING = 4096

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
Result = tuple[Any, BaseException | None]


@dataclass(frozen=True, slots=True)
class _Job:
    """Work for the writer, and the request that waits for it on its own loop."""

    work: Work
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop

    def finish(self, result: Result) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(_settle, self.future, *result)


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


class Writer:
    """A thread with its own connection that applies what `submit` hands it, in groups."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, write=True)
        lock = path.with_name(path.name + ".lock")
        lock.touch(mode=0o600, exist_ok=True)
        self._lock = lock.open("wb")
        self.mark = Mark(path.with_name(path.name + ".revision"))
        self.mark.unsettle()  # the word may be older than a file that was put in its place
        self._jobs: list[_Job] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> asyncio.Future[Any]:
        """Run `work` in the next transaction; the future is done when it is durable.

        A future that is done before its turn takes its work with it.
        """
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future(), loop)
        with self._wake:
            if len(self._jobs) >= MOST_WAITING or self._stopping:
                raise StoreUnavailable("too many changes are waiting")
            self._jobs.append(job)
            self._wake.notify()
        return job.future

    def close(self) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout=10)
        self._db.close()
        self._lock.close()
        self.mark.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._jobs and not self._stopping:
                    self._wake.wait()
                batch, self._jobs = self._jobs[:MOST_IN_BATCH], self._jobs[MOST_IN_BATCH:]
            if not batch:
                return
            self._transact(batch)

    def _transact(self, batch: list[_Job]) -> None:
        try:
            results = self._results(batch)
        except Exception as error:  # whatever it was: nothing is durable, and the thread lives on
            failure = StoreUnavailable(f"{type(error).__name__}: {error}")
            results = [(None, failure)] * len(batch)
        for job, result in zip(batch, results, strict=True):
            job.finish(result)

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
        self._db.execute("begin immediate")
        results = [_attempt(job, self._db) for job in batch]
        revision = self._revision()
        if revision == self.mark.revision:
            self._db.execute("commit")
        else:
            self.mark.unsettle()
            self._db.execute("commit")
            self.mark.settle(revision)
        return results

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
    """A change and what rides along inside the savepoint of its job: all of it, or nothing."""
    outcome = at_once(apply(_Statements(db), change, int(time.time())))
    if isinstance(outcome, Done):
        run_steps(db, steps)
    else:
        db.execute("rollback to job")
    return outcome


def run_steps(db: sqlite3.Connection, steps: Sequence[Step]) -> int:
    """Statements in order; how many rows the last one changed."""
    changed = 0
    for name, values in steps:
        changed = db.execute(SQL[name], values).rowcount
    return changed


# Full, read-only, busy, damaged: the whole transaction is in doubt, not one change.
_IN_DOUBT = (sqlite3.OperationalError, sqlite3.DatabaseError)


def _attempt(job: _Job, db: sqlite3.Connection) -> Result:
    if job.future.done():  # its request was told that nothing was done
        return None, None
    db.execute("savepoint job")
    try:
        result = job.work(db)
    except Exception as error:  # one bad change must not take the others with it
        if type(error) in _IN_DOUBT:
            raise
        db.execute("rollback to job")
        db.execute("release job")
        return None, error
    db.execute("release job")
    return result, None


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
