"""What clients were told, and whether all of it can be true together."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
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

    def done(self, what: What) -> int:
        """How many calls of a kind were acknowledged."""
        with self._lock:
            return sum(call.done for call in self.calls if call.what == what)

    def add(self, call: Call) -> None:
        with self._lock:
            self.calls.append(call)


# So long an answer that was lost can be asked for again, at the servers that are tried here.
RETRY_WINDOW = 60


def problems(calls: Iterable[Call], retry_window: int = RETRY_WINDOW) -> list[str]:
    """Every promise that was broken: lost, doubled, forked or revived. Empty: all were kept."""
    grants: dict[str, list[Call]] = defaultdict(list)
    origins: dict[str, set[str]] = defaultdict(set)
    for call in sorted(calls, key=lambda call: call.began):
        grants[call.grant].append(call)
        if call.given:
            origins[call.given].add(call.presented)
    found = [
        f"{grant}: {problem}"
        for grant, told in grants.items()
        for problem in _Grant(told, retry_window).problems()
    ]
    doubled = sum(len(presented) > 1 for presented in origins.values())
    return found + ["forked: one refresh token was given for two"] * doubled


class _Grant:
    """What was asked and told of one grant, in the order in which it was asked.

    An answer that never came leaves open whether anything was done. But what was in doubt when it
    was given up, and is contradicted by a later success, was not done, and never will be.
    """

    def __init__(self, told: list[Call], retry_window: int) -> None:
        self._told = told
        self._retry_window = retry_window
        self._redeems = [call for call in told if call.what == "redeem"]
        self._winner = next((call for call in self._redeems if call.done), None)
        self._refreshes: dict[str, list[Call]] = defaultdict(list)
        self._successors: dict[str, set[str]] = defaultdict(set)
        for call in told:
            if call.what == "refresh":
                self._refreshes[call.presented].append(call)
                if call.done:
                    self._successors[call.presented].add(call.given)

    def problems(self) -> Iterator[str]:
        if sum(call.done for call in self._redeems) > 1:
            yield "doubled: its code was redeemed twice"
        if any(call.done and not call.given for call in self._told if call.what != "revoke"):
            yield "lost: a success came without a refresh token"
        if any(len(given) > 1 for given in self._successors.values()):
            yield "forked: one refresh token has two successors"
        yield from self._revived()
        yield from self._lost()

    def _revived(self) -> Iterator[str]:
        """A success after the end was told; a refusal ends a grant, if anything was left of it."""
        ended = [c.ended for c in self._told if (c.done if c.what == "revoke" else c.refused)]
        late = [c.began for c in self._told if c.what != "revoke" and c.done]
        if ended and late and max(late) > min(ended):
            yield "revived: it gave a token after its end was acknowledged"
        if any(map(self._answered_too_late, self._told)):
            yield "revived: a refresh token was answered that had been replaced"

    def _lost(self) -> Iterator[str]:
        if any(call.refused for call in self._told if call.what == "revoke"):
            yield "lost: its revocation was refused"
        if any(call.refused and not self._was_used(call) for call in self._redeems):
            yield "lost: its code was refused before it was used"
        endings = [call for call in self._told if self._may_end(call)]
        refused = [call for call in self._told if call.what == "refresh" and call.refused]
        if any(not self._explained(call, endings) for call in refused):
            yield "lost: its newest refresh token was refused"

    def _was_used(self, code: Call) -> bool:
        return any(c.began < code.ended and not c.refused for c in self._redeems if c is not code)

    def _may_end(self, call: Call) -> bool:
        """Whether the rules let this call end the grant, whatever was answered."""
        if call.what == "revoke":
            return True
        if call.what == "redeem":  # once more than the once that it was good for
            won = self._winner
            return won is not None and call is not won and call.ended > won.began
        if any(c.began < call.ended for c in self._uses_of_successor(call)):
            return True
        before = [c.asked_at for c in self._refreshes[call.presented] if c.began < call.began]
        return call.told_at - min(before, default=call.told_at) > self._retry_window

    def _answered_too_late(self, call: Call) -> bool:
        """Whether an old token gave something; a second is lost in counting whole ones."""
        if call.what != "refresh" or not call.done:
            return False
        if any(c.done and c.ended < call.began for c in self._uses_of_successor(call)):
            return True
        before = [c.told_at for c in self._refreshes[call.presented] if c.done]
        return call.asked_at - min(before) > self._retry_window + 1

    def _uses_of_successor(self, call: Call) -> list[Call]:
        given = self._successors[call.presented]
        return [use for token in given for use in self._refreshes[token]]

    def _explained(self, refused: Call, endings: Iterable[Call]) -> bool:
        """Whether something may have ended the grant before, and was not contradicted since."""
        alive = [c.began for c in self._told if c.what == "refresh" and c.done]
        alive_until = max((began for began in alive if began < refused.ended), default=-1)
        return any(
            call.began < refused.ended and (call.status is not None or call.ended > alive_until)
            for call in endings
        )
