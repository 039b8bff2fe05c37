"""SQLite: reads in line on the loop, writes grouped on one writer thread."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from troth.model.change import Change, Outcome
from troth.store import StoreUnavailable
from troth.store.rows import Row
from troth.store.sql_store import Step
from troth.store.sqlite_writer import SQL, Writer, apply_whole, connect, run_steps


class SQLite:
    """The engine over one file, migrated before. A process has one."""

    # The revision is read anew for each request.
    current = True

    def __init__(self, path: Path) -> None:
        self._db = connect(path, write=False)
        self._writer = Writer(path)

    async def revision(self) -> int:
        found: int = self._read("revision", {}).fetchone()[0]
        return found

    async def row(self, name: str, values: Mapping[str, Any]) -> Row | None:
        found: Row | None = self._read(name, values).fetchone()
        return found

    async def rows(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        return self._read(name, values).fetchall()

    def _read(self, name: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
        try:
            return self._db.execute(SQL[name], values)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from None

    async def commit(self, change: Change, steps: Sequence[Step]) -> Outcome:
        outcome: Outcome = await self._writer.submit(lambda db: apply_whole(db, change, steps))
        return outcome

    async def run(self, steps: Sequence[Step]) -> int:
        changed: int = await self._writer.submit(lambda db: run_steps(db, steps))
        return changed

    async def close(self) -> None:
        self._writer.close()
        self._db.close()
