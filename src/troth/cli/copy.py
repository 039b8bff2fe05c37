"""`troth copy`."""

import asyncio
from dataclasses import replace

import click

from troth.cli.common import Failure, as_json, emit, failing, settings


@click.command()
@click.option("--from", "source", required=True, metavar="URL", help="Where it is.")
@click.option("--to", "target", required=True, metavar="URL", help="Where it goes.")
@as_json
def copy(source: str, target: str, as_json: bool) -> None:
    """Move an installation to another database, with the servers stopped.

    URL is sqlite:///path or postgresql://user@host/name; --to must be migrated and empty.
    Everything goes along: keys, clients, people, sessions, tokens. It is one transaction at the
    target: all of it is there afterwards, or nothing. The master key stays the same.
    """
    from troth.signing import ring
    from troth.signing.keys import read_master_key
    from troth.store.copy import copied
    from troth.store.open import open_store

    ours = failing(settings)
    if source == target:
        raise Failure("--from and --to are the same database")

    async def work() -> dict[str, int]:
        counts = await copied(
            replace(ours, database=source),
            replace(ours, database=target),
            lambda table, rows: click.echo(f"{table}: {rows} rows", err=True),
        )
        store = await open_store(replace(ours, database=target))
        try:
            await store.fresh()
            ring.build(store.keys, read_master_key(ours.master_key_file), ours.issuer)
        finally:
            await store.close()
        return counts

    counts = failing(lambda: asyncio.run(work()))
    text = f"copied {sum(counts.values())} rows; the master key opens the keys of {target}"
    emit({"rows": counts}, as_json, text)
