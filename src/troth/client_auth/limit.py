"""How many wrong client secrets one network may present: in memory, bounded, per process.

A generated secret has 256 bits and cannot be guessed; this keeps the noise down, and never locks
a client out, since the right secret from elsewhere has its own budget.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from troth.errors import slow_down

MOST_FAILURES = 100
WINDOW = 60.0
MOST_KEYS = 10_000


class FailureLimit:
    """Counts failures per claimed client and network in windows of a minute.

    `now` is the time of a clock that nobody sets.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    @staticmethod
    def key(authorization: Sequence[str], form: Mapping[str, str], peer: str) -> tuple[str, str]:
        claimed = authorization[0] if authorization else ""
        return (form.get("client_id") or claimed.partition(" ")[2][:12], peer)

    def check(self, key: tuple[str, str], now: float) -> None:
        since, failures = self._counts.get(key, (now, 0))
        if failures >= MOST_FAILURES and now < since + WINDOW:
            raise slow_down(
                reason=f"{failures} failed client authentications from {key[1]}",
                retry_after=max(1, int(since + WINDOW - now)),
            )

    def add(self, key: tuple[str, str], now: float) -> None:
        since, failures = self._counts.pop(key, (now, 0))
        self._counts[key] = (since, failures + 1) if now < since + WINDOW else (now, 1)
        if len(self._counts) > MOST_KEYS:
            self._counts.popitem(last=False)
