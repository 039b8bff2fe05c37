"""`troth trace`."""

from typing import TYPE_CHECKING, Any

import click

from troth.cli.common import Failure, as_json, emit, with_store

if TYPE_CHECKING:
    from troth.settings import Settings
    from troth.store import Store


@click.command()
@click.argument("request_id")
@as_json
def trace(request_id: str, as_json: bool) -> None:
    """Why a request was refused: what was compared, and which rule failed."""

    async def work(store: "Store", _: "Settings") -> list[dict[str, Any]]:
        return [
            {
                "request_id": t.request_id,
                "at": t.at,
                "endpoint": t.endpoint,
                "error": t.error,
                "reason": t.reason,
            }
            for t in await store.trace(request_id)
        ]

    found = with_store(work)
    if not found:
        raise Failure(
            f"there is no refusal with the request id {request_id!r} (the last 10000 are kept)"
        )
    text = "\n".join(f"{t['endpoint']}  {t['error']}: {t['reason']}" for t in found)
    emit({"traces": found}, as_json, text)
