"""`troth migrate`."""

import asyncio
from typing import Any

import click

from troth.cli.common import as_json, emit, failing, settings


@click.group()
def migrate() -> None:
    """The database's schema."""


@migrate.command()
@click.option("--grant-to", metavar="ROLE", help="PostgreSQL: let ROLE serve.")
@as_json
def up(grant_to: str | None, as_json: bool) -> None:
    """Apply what is pending. On SQLite the server and every command but `plan` and `status`
    do this first.
    """
    from troth.store.open import granted, migrated

    applied = failing(lambda: asyncio.run(migrated(settings())))
    if grant_to is not None:
        failing(lambda: asyncio.run(granted(settings(), grant_to)))
    text = f"applied: {', '.join(map(str, applied)) or 'nothing, the schema is current'}"
    emit({"applied": list(applied)}, as_json, text)


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


@migrate.command()
@as_json
def plan(as_json: bool) -> None:
    """What `up` would do, without doing it. Servers may run while it expands the schema;
    a contraction is for when no older version runs any more.
    """
    entries = [entry for entry in _status() if not entry["applied"]]
    lines = [f"{e['number']:04}  {e['name'].partition('_')[0]}  {e['name']}" for e in entries]
    emit({"pending": entries}, as_json, "\n".join(lines) or "nothing is pending")


def _status() -> list[dict[str, Any]]:
    from troth.store.open import migrations

    found = failing(lambda: asyncio.run(migrations(settings())))
    return [{"number": m.number, "name": m.name, "applied": applied} for m, applied in found]
