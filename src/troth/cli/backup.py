"""`troth backup` and `troth restore`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from troth.cli.common import as_json, confirm, emit, failing, now, settings, with_store

if TYPE_CHECKING:
    from troth.settings import Settings
    from troth.store import Store


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@as_json
def backup(file: str, as_json: bool) -> None:
    """Copy a running installation to FILE. The master key is not in it: keep that apart."""
    from troth.settings import database_path
    from troth.store.backup import backup as copy

    async def work(_: "Store", settings: "Settings") -> int:
        return copy(database_path(settings), Path(file))

    size = with_store(work)
    emit({"file": file, "bytes": size}, as_json, f"{file}: {size} bytes")


@click.command(name="end-everything")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def end_everything(yes: bool, as_json: bool) -> None:
    """End every token chain and session, after PostgreSQL was restored to an earlier time.

    What was revoked or used since then must not live again. People log in and connect their
    applications anew. Where it was stopped half-way, run it again.
    """
    confirm("End every session and every connection of every application?", yes)

    with_store(_end)
    emit({"ended": True}, as_json, "every chain and session has ended")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def restore(file: str, yes: bool, as_json: bool) -> None:
    """Put a backup in the place of the database, with the server stopped.

    Every token chain and session of the copy ends: what was revoked or used after it was made
    must not live again. People log in and connect their applications anew.
    """
    from troth.settings import database_path
    from troth.store.backup import restore as put_back

    path = failing(lambda: database_path(settings()))
    if path.exists():
        confirm(f"Replace {path} by {file}?", yes)

    # What the copy could revive has ended before the copy takes the database's place.
    beside = path.with_name(path.name + ".restoring")
    failing(lambda: put_back(Path(file), beside))
    with_store(_end, database=f"sqlite://{beside}")
    failing(lambda: put_back(beside, path))
    for left in path.parent.glob(beside.name + "*"):
        left.unlink()
    emit({"restored": file}, as_json, f"restored from {file}; every chain and session has ended")


async def _end(store: "Store", _: "Settings") -> None:
    await store.end_everything(now(), _told)


def _told(kind: str, ended: int) -> None:
    click.echo(f"{kind}: {ended} ended", err=True)
