"""Numbered migrations: each a file with a checksum, marked *expand* or *contract* in its name."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "migrations"

TABLE = """create table if not exists migration (
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


def pending(dialect: str, have: Mapping[int, str]) -> Sequence[Migration]:
    """What is still to be applied to a database that has these numbers and checksums.

    Raises `SchemaError` for a newer or a changed schema.
    """
    brought = {migration.number: migration for migration in available(dialect)}
    for number, checksum in have.items():
        if number not in brought:
            raise SchemaError(
                f"the database has migration {number}, which this version does not know: "
                "run the newer Troth that wrote it"
            )
        if brought[number].checksum != checksum:
            raise SchemaError(f"migration {number} is not the one that the database was made with")
    return [migration for number, migration in brought.items() if number not in have]
