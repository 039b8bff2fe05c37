"""A server that is killed at one exact place: before a change is committed, or right after."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.faults.broken_server import serve
from troth.model.change import Change, Outcome, Put


class DyingStore:
    """The real one, until a change comes by that the file `fuse` names: `after Rotate`."""

    def __init__(self, store: Any, fuse: Path) -> None:
        self._store = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, change: Change, *, request_id: str = "") -> Outcome:
        nouns = [verb.noun if isinstance(verb, Put) else verb for verb in change.verbs]
        kinds = {type(noun).__name__ for noun in nouns}
        moment, _, kind = self._fuse.read_text("ascii").partition(" ")
        if kind in kinds and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        outcome: Outcome = await self._store.commit(change, request_id=request_id)
        if kind in kinds:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome


if __name__ == "__main__":
    asyncio.run(serve(lambda store: DyingStore(store, Path(sys.argv[1]))))
