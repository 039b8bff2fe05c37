"""The schema of a SQLite file: every command brings it up to date before anything else."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from troth.store import StoreUnavailable, migrate
from troth.store.sqlite_writer import connect

_PATIENCE = 2.0


def applied(path: Path) -> dict[int, str]:
    """Number to checksum of what the file has; nothing where there is no file yet."""
    if not path.exists() or not path.stat().st_size:
        return {}
    try:
        connection = connect(path, write=True)
        try:
            return _applied(connection)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from None


def up(path: Path) -> None:
    """Create the file (mode 0600) and apply what is pending.

    Raises `SchemaError` for a schema that is not ours, `StoreUnavailable` where the file cannot
    be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        if path.stat().st_mode & 0o007:
            raise StoreUnavailable(f"the database {path} is open to all; run chmod 600 on it")
        _patiently(path)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from None


def _patiently(path: Path) -> None:
    """Where several start together, changing to WAL is refused at once to all but the first."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection = connect(path, write=True)
            try:
                _up(connection)
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _unusable(path: Path, error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"the database {path} cannot be used: {error}")


def _applied(connection: sqlite3.Connection) -> dict[int, str]:
    connection.execute(migrate.TABLE)
    return dict(connection.execute("select number, checksum from migration"))


def _up(connection: sqlite3.Connection) -> None:
    """All in one exclusive transaction; two starters wait for each other."""
    connection.execute("begin exclusive")
    try:
        for migration in migrate.pending("sqlite", _applied(connection)):
            for statement in _statements(migration.sql):
                connection.execute(statement)
            connection.execute(
                "insert into migration values (?, ?, ?)",
                (migration.number, migration.name, migration.checksum),
            )
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _statements(sql: str) -> Sequence[str]:
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [piece.strip() for piece in "\n".join(lines).split(";") if piece.strip()]
