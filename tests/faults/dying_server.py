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
    """The real one, until a change with the named verb or noun comes by and `fuse` exists."""

    def __init__(self, store: Any, moment: str, kind: str, fuse: Path) -> None:
        self._store = store
        self._moment = moment
        self._kind = kind
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, change: Change, *, request_id: str = "") -> Outcome:
        kinds = {
            type(verb.noun if isinstance(verb, Put) else verb).__name__ for verb in change.verbs
        }
        dies = self._kind in kinds and self._fuse.exists()
        if dies and self._moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        outcome: Outcome = await self._store.commit(change, request_id=request_id)
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome


if __name__ == "__main__":
    _, when, what, file = sys.argv
    asyncio.run(serve(lambda store: DyingStore(store, when, what, Path(file))))
