"""What clients were told, and whether all of it can be true together."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

What = Literal["redeem", "refresh", "revoke"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: what was presented, and the answer. `status` None: nobody knows.

    `began` and `ended` are places in one order over all clients; `asked_at` and `told_at` seconds.
    """

    what: What
    grant: str
    presented: str
    status: int | None
    given: str = ""
    began: int
    ended: int
    asked_at: float = 0.0
    told_at: float = 0.0

    @property
    def done(self) -> bool:
        return self.status == 200

    @property
    def refused(self) -> bool:
        return self.status == 400


@dataclass(slots=True)
class History:
    """Calls of many threads."""

    calls: list[Call] = field(default_factory=list)
    _clock: "count[int]" = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def now(self) -> int:
        return next(self._clock)

    @property
    def unknown(self) -> int:
        """How many calls ended without an answer that says what happened."""
        with self._lock:
            return sum(call.status is None for call in self.calls)

    @property
    def known(self) -> int:
        """How many calls were answered."""
        with self._lock:
            return sum(call.status is not None for call in self.calls)

    def add(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)


# So long an answer that was lost can be asked for again, at the servers that are tried here.
RETRY_WINDOW = 60


def problems(calls: Iterable[Call]) -> list[str]:
    """Every promise that was broken: lost, doubled, forked or revived. Empty: all were kept."""
    grants: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        grants[call.grant].append(call)
    found: list[str] = []
    for grant, told in grants.items():
        found += [f"{grant}: {problem}" for problem in _of_one(told)]
    return found


def _of_one(told: list[Call]) -> list[str]:
    found: list[str] = []
    if sum(call.done for call in told if call.what == "redeem") > 1:
        found.append("doubled: its code was redeemed twice")
    successors: dict[str, set[str]] = defaultdict(set)
    for call in told:
        if call.what == "refresh" and call.done:
            successors[call.presented].add(call.given)
    if any(len(given) > 1 for given in successors.values()):
        found.append("forked: one refresh token has two successors")
    ended = [call.ended for call in told if call.what == "revoke" and call.done]
    late = [c for c in told if c.what == "refresh" and c.done and ended and c.began > min(ended)]
    if late:
        found.append("revived: it was refreshed after its revocation was acknowledged")
    # A code that is presented again ends its grant, and so does whoever tries to revoke it.
    ending = [c.began for c in told if c.what == "revoke"]
    ending += [c.began for c in told if c.what == "redeem"][1:]
    before = min(ending, default=float("inf"))
    refused = [c for c in told if c.what == "refresh" and c.refused and c.ended < before]
    if any(not _came_too_late(c, told) for c in refused):
        found.append("lost: its newest refresh token was refused")
    return found


def _came_too_late(call: Call, told: list[Call]) -> bool:
    """Whether an answer to the same was lost so long before that asking again is a replay."""
    lost = [c.asked_at for c in told if c.presented == call.presented and c.status is None]
    return call.told_at - min(lost, default=call.told_at) > RETRY_WINDOW
