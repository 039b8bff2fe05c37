"""A server that lets two win, or ends nothing, for the races that have to find it out."""

from dataclasses import replace
from typing import Any

from tests.faults.around import run
from troth.model.change import Change, Done, Exists, Moved, Outcome, Redeem, Revoke, Rotate
from troth.model.client import RegisteredClient

_FORGOTTEN = {"forgets rotations": Rotate, "forgets revocations": Revoke}
_WON_AFTER_ALL = {
    "two redeem": (Redeem, Exists),
    "two refresh": (Rotate, Moved),
}


class FaithlessStore:
    """The real one, but for one kind of change."""

    def __init__(self, store: Any, fault: str) -> None:
        self._store = store
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def client(self, client_id: str) -> RegisteredClient | None:
        found: RegisteredClient | None = await self._store.client(client_id)
        if found is not None and self._fault == "forgets revocations":
            return replace(found, disabled=False)
        return found

    async def commit(self, change: Change, *, request_id: str = "") -> Outcome:
        verb = change.verbs[0] if change.verbs else None
        if isinstance(verb, _FORGOTTEN.get(self._fault, ())):
            return Done()
        outcome: Outcome = await self._store.commit(change, request_id=request_id)
        spent, lost = _WON_AFTER_ALL.get(self._fault, ((), ()))
        return Done() if isinstance(verb, spent) and isinstance(outcome, lost) else outcome


if __name__ == "__main__":
    run(FaithlessStore)
