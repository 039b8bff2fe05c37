"""Numbered migrations: each a file with a checksum, marked *expand* or *contract* in its name."""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "migrations"

_TABLE = """create table if not exists migration (
  number integer primary key, name text not null, checksum text not null
)"""


class SchemaError(Exception):
    """The database's schema is not one this version can work with; says how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of the `migrations` folder."""

    number: int
    name: str
    checksum: str
    sql: str


def available(dialect: str) -> Sequence[Migration]:
    """The migrations that this version brings, in order."""
    found = []
    for file in sorted((_FOLDER / dialect).glob("*.sql")):
        sql = file.read_text("utf-8")
        digest = hashlib.sha256(sql.encode()).hexdigest()
        found.append(
            Migration(number=int(file.name[:4]), name=file.stem[5:], checksum=digest, sql=sql)
        )
    return found


def applied(connection: sqlite3.Connection) -> dict[int, str]:
    """Number to checksum of what the database has."""
    connection.execute(_TABLE)
    return dict(connection.execute("select number, checksum from migration"))


def pending(connection: sqlite3.Connection) -> Sequence[Migration]:
    """What is still to be applied; raises `SchemaError` for a newer or a changed schema."""
    have = applied(connection)
    brought = {migration.number: migration for migration in available("sqlite")}
    for number, checksum in have.items():
        if number not in brought:
            raise SchemaError(
                f"the database has migration {number}, which this version does not know: "
                "run the newer Troth that wrote it"
            )
        if brought[number].checksum != checksum:
            raise SchemaError(f"migration {number} is not the one that the database was made with")
    return [migration for number, migration in brought.items() if number not in have]


def up(connection: sqlite3.Connection) -> Sequence[Migration]:
    """Apply what is pending, all in one exclusive transaction; two starters wait for each other."""
    connection.execute("begin exclusive")
    try:
        todo = pending(connection)
        for migration in todo:
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
    return todo


def _statements(sql: str) -> Sequence[str]:
    lines = [line for line in sql.splitlines() if not line.lstrip().startswith("--")]
    return [piece.strip() for piece in "\n".join(lines).split(";") if piece.strip()]
