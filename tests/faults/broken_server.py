"""A server whose store breaks its promises, for whoever has to find it out."""

import asyncio
import os
import random
import sys
from collections.abc import Callable
from typing import Any

import uvicorn

from troth.app import create_app
from troth.model.change import Change, Done, Exists, Outcome, Redeem, Revoke, Rotate
from troth.settings import load, parse_listen
from troth.wire import Wire

FAULTS = ("forgets rotations", "forgets revocations", "lets codes win twice")


class BrokenStore:
    """The real one, but for one change in five of one kind."""

    def __init__(self, store: Any, fault: str) -> None:
        self._store = store
        self._fault = fault
        self._random = random.Random(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, change: Change, *, request_id: str = "") -> Outcome:
        kinds = {"forgets rotations": Rotate, "forgets revocations": Revoke}
        verb = change.verbs[0] if change.verbs else None
        if isinstance(verb, kinds.get(self._fault, ())) and self._random.random() < 0.2:
            return Done()
        outcome: Outcome = await self._store.commit(change, request_id=request_id)
        if self._fault == "lets codes win twice" and isinstance(verb, Redeem):
            return Done() if isinstance(outcome, Exists) else outcome
        return outcome


async def serve(around: Callable[[Any], Any]) -> None:
    """One process of the server, with something around its store."""
    settings = load(os.environ)
    app = create_app(settings)
    op = await app.open()
    op.store = around(op.store)
    host, port = parse_listen(settings.listen)
    kind: dict[str, Any] = {"log_config": None, "lifespan": "off", "server_header": False}
    config = uvicorn.Config(app, host=host, port=port, http=Wire, **kind)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done(), "it does not start"
        await asyncio.sleep(0.005)
    print("ready", file=sys.stderr, flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(serve(lambda store: BrokenStore(store, sys.argv[1])))
