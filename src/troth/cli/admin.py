"""`troth migrate`."""

from collections.abc import Callable
from typing import TypeVar

import click

from troth.cli.common import Failure, as_json, emit, settings

T = TypeVar("T")


@click.group()
def migrate() -> None:
    """The database's schema."""


@migrate.command()
@as_json
def up(as_json: bool) -> None:
    """Apply what is pending. Every other command does this first on SQLite."""
    before = {entry["number"] for entry in _status() if entry["applied"]}
    from troth.store.open import migrated

    _failing(lambda: migrated(settings()))
    entries = _status()
    done = [entry["number"] for entry in entries if entry["number"] not in before]
    emit({"applied": done}, as_json, f"applied: {done or 'nothing, the schema is current'}")


@migrate.command()
@as_json
def status(as_json: bool) -> None:
    """What is applied and what is pending."""
    entries = _status()
    lines = [
        f"{entry['number']:04}  {'applied' if entry['applied'] else 'pending'}  {entry['name']}"
        for entry in entries
    ]
    emit({"migrations": entries}, as_json, "\n".join(lines))


def _status() -> list[dict[str, object]]:
    from troth.settings import database_path
    from troth.store.migrate import applied, available
    from troth.store.sqlite_writer import connect

    def read() -> list[dict[str, object]]:
        path = database_path(settings())
        have: dict[int, str] = {}
        if path.exists() and path.stat().st_size:
            connection = connect(path, write=True)
            have = applied(connection)
            connection.close()
        return [
            {"number": m.number, "name": m.name, "applied": m.number in have}
            for m in available("sqlite")
        ]

    return _failing(read)


def _failing(work: Callable[[], T]) -> T:
    import sqlite3

    from troth.settings import SettingsError
    from troth.store.migrate import SchemaError

    try:
        return work()
    except (SettingsError, SchemaError) as error:
        raise Failure(str(error)) from None
    except (sqlite3.Error, OSError) as error:
        raise Failure(f"the database cannot be used: {error}") from None
