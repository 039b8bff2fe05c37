"""The schema of a SQLite file: every command brings it up to date before anything else."""

import fcntl
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from troth.store import StoreUnavailable, migrate
from troth.store.sqlite_writer import connect, lock_file

_PATIENCE = 2.0
_COLUMNS = ["number", "name", "checksum"]


def applied(path: Path) -> dict[int, str]:
    """Number to checksum of what the file has, which stays as it is; nothing where there is none.

    Raises `SchemaError` for another program's file, `StoreUnavailable` where it cannot be read.
    """
    try:
        if not path.exists() or not path.stat().st_size:
            return {}
        url = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(url, uri=True, timeout=_PATIENCE)) as connection:
            return _applied(connection, path)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from None


def up(path: Path) -> Sequence[int]:
    """Create the file (mode 0600) and apply what is pending; the numbers of it.

    Raises `SchemaError` for a schema that is not ours, `StoreUnavailable` where the file cannot
    be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        if path.stat().st_mode & 0o007:
            raise StoreUnavailable(f"the database {path} is open to all; run chmod 600 on it")
        return _patiently(path)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from None


def _patiently(path: Path) -> Sequence[int]:
    """Changing to WAL is refused at once while another that starts looks at the file."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _up(path) if _pending(path) else []
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _unusable(path: Path, error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"the database {path} cannot be used: {error}")


def _applied(connection: sqlite3.Connection, path: Path) -> dict[int, str]:
    tables = {row[0] for row in connection.execute("select name from sqlite_master")}
    columns = [row[1] for row in connection.execute("pragma table_info(migration)")]
    have: dict[int, str] = {}
    if columns == _COLUMNS:
        have = dict(connection.execute("select number, checksum from migration"))
    if columns not in ([], _COLUMNS) or (tables - {"migration"} and not have):
        raise migrate.SchemaError(
            f"{path} is another program's database: name a file of Troth's own in TROTH_DATABASE"
        )
    return have


def _pending(path: Path) -> Sequence[migrate.Migration]:
    """What most commands find empty: they pass without waiting for those who write.

    Looked for before WAL is set, too: the file may be another's.
    """
    with closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection:
        return migrate.pending("sqlite", _applied(connection, path))


def _up(path: Path) -> Sequence[int]:
    """When it is our turn to write; SQLite's own waiting finds no gap beside a busy server."""
    with lock_file(path) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with closing(connect(path, write=True)) as connection:
            return _apply(connection, path)


def _apply(connection: sqlite3.Connection, path: Path) -> Sequence[int]:
    """All in one exclusive transaction; who comes second finds it done."""
    connection.execute("begin exclusive")
    try:
        connection.execute(migrate.TABLE)
        pending = migrate.pending("sqlite", _applied(connection, path))
        for migration in pending:
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
    return [migration.number for migration in pending]


def _statements(sql: str) -> Sequence[str]:
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [piece.strip() for piece in "\n".join(lines).split(";") if piece.strip()]
