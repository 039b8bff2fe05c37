"""A server whose store breaks its promises, for whoever has to find it out."""

import random
from typing import Any

from tests.faults.around import run
from troth.model.change import Change, Done, Exists, Outcome, Redeem, Revoke, Rotate

_FORGOTTEN = {
    "forgets redemptions": Redeem,
    "forgets rotations": Rotate,
    "forgets revocations": Revoke,
}
FAULTS = (*_FORGOTTEN, "lets codes win twice")


class BrokenStore:
    """The real one, but for one change in five of one kind."""

    def __init__(self, store: Any, fault: str) -> None:
        self._store = store
        self._fault = fault
        self._random = random.Random(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, change: Change, *, request_id: str = "") -> Outcome:
        verb = change.verbs[0] if change.verbs else None
        if isinstance(verb, _FORGOTTEN.get(self._fault, ())) and self._random.random() < 0.2:
            return Done()
        outcome: Outcome = await self._store.commit(change, request_id=request_id)
        if self._fault == "lets codes win twice" and isinstance(verb, Redeem):
            return Done() if isinstance(outcome, Exists) else outcome
        return outcome


if __name__ == "__main__":
    run(BrokenStore)
