"""SQLite: reads in line on the loop, writes grouped on one writer thread."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from troth.model.change import Change, Outcome
from troth.patience import Deadlines
from troth.store import StoreUnavailable
from troth.store.batches import give_up
from troth.store.engine import DEADLINE, Step
from troth.store.rows import Row
from troth.store.sqlite_writer import SQL, Work, Writer, apply_whole, connect, run_steps

# Seconds after which the revision's row is looked at although nothing of ours has moved it.
_ASK_EVERY = 0.5


class SQLite:
    """The engine over one file, migrated before. A process has one."""

    # The revision that a request sees is that of the last commit.
    current = True

    def __init__(self, path: Path) -> None:
        self._db = connect(path, write=False)
        self._writer = Writer(path)
        self._deadlines = Deadlines(DEADLINE, give_up)
        self._row = 0
        self._asked_at = float("-inf")

    async def revision(self) -> int:
        marked = self._writer.mark.revision
        now = time.monotonic()
        if marked is None or now >= self._asked_at + _ASK_EVERY:
            # Somebody else's tool may have moved the row: it only grows, and it is the truth.
            self._row = self._read("revision", {})[0][0]
            self._asked_at = now
        return self._row if marked is None else max(marked, self._row)

    async def row(self, name: str, values: Mapping[str, Any]) -> Row | None:
        return next(iter(self._read(name, values)), None)

    async def rows(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        return self._read(name, values)

    def _read(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        try:
            return self._db.execute(SQL[name], values).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from None

    async def commit(self, change: Change, steps: Sequence[Step]) -> Outcome:
        outcome: Outcome = await self._written(lambda db: apply_whole(db, change, steps))
        return outcome

    async def taken(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        found: Sequence[Row] = await self._written(
            lambda db: db.execute(SQL[name], values).fetchall()
        )
        return found

    async def run(self, steps: Sequence[Step]) -> int:
        changed: int = await self._written(lambda db: run_steps(db, steps))
        return changed

    async def _written(self, work: Work) -> Any:
        """Wait for the writer, but not for ever: what has not begun by then never will."""
        future = self._writer.submit(work)
        self._deadlines.watch(future)
        return await future

    async def close(self) -> None:
        self._writer.close()
        self._db.close()
