"""`troth copy`."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from troth.cli.common import Failure, as_json, emit, failing, settings

if TYPE_CHECKING:
    from troth.log import Secret
    from troth.signing.keys import StoredKey


@click.command()
@click.option("--from", "source", required=True, metavar="URL", help="Where it is.")
@click.option("--to", "target", required=True, metavar="URL", help="Where it goes.")
@as_json
def copy(source: str, target: str, as_json: bool) -> None:
    """Move an installation to another database, with the servers stopped.

    URL is sqlite:///path or postgresql://user@host/name; --to must be migrated and empty.
    Everything goes along: keys, clients, people, sessions, tokens, the audit; only the traces of
    refusals stay behind. It is one transaction at the target: all of it is there afterwards, or
    nothing. Master key and issuer stay the same.
    """
    from troth.signing.keys import read_master_key
    from troth.store.copy import copied

    ours = failing(settings)
    if source == target:
        raise Failure("--from and --to are the same database")

    async def work() -> dict[str, int]:
        ends = replace(ours, database=source), replace(ours, database=target)
        return await copied(*ends, _Operator(read_master_key(ours.master_key_file)))

    counts = failing(lambda: asyncio.run(work()))
    text = f"copied {sum(counts.values())} rows; the master key opens the copied keys"
    emit({"rows": counts}, as_json, text)


class _Operator:
    """Holds the master key, and reads standard error."""

    def __init__(self, master: "Secret") -> None:
        self._master = master

    def opens(self, keys: "Sequence[StoredKey]") -> None:
        from troth.signing.keys import unwrap

        for key in keys:
            unwrap(key, self._master)

    def told(self, table: str, arrived: int) -> None:
        click.echo(f"{table}: {arrived} rows", err=True)
