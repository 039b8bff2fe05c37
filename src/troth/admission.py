"""Who is let in when more comes than the process can do: a bounded number at once, by cost.

What is over the bound is told at once to come back later, which costs a tenth of an answer; so
nobody waits in a queue that has become longer than their patience. Key set, metadata and static
files are never turned away: they cost hardly more than saying no.
"""

from typing import Final

from troth import log, metrics
from troth.http import Cost

# In one process. What the store does in a fraction of its patience; the hash pool has a bound of
# its own besides.
MOST_AT_ONCE: Final = {Cost.DATABASE: 1024, Cost.PASSWORD: 64}
_SAID_EVERY: Final = 1.0


class Admission:
    """Counts the requests under way in each class of cost."""

    def __init__(self) -> None:
        self._inside: dict[Cost, int] = dict.fromkeys(Cost, 0)
        self._refused = 0
        self._said_at = float("-inf")

    def enter(self, cost: Cost, now: float, line_too_long: bool) -> bool:
        """Take a place, or learn that there is none. `now` is any steady clock's seconds."""
        if cost is Cost.CHEAP:
            return True
        if line_too_long or self._inside[cost] >= MOST_AT_ONCE[cost]:
            self._refuse(cost, now)
            return False
        self._inside[cost] += 1
        return True

    def leave(self, cost: Cost) -> None:
        """Give the place back that `enter` gave."""
        if cost is not Cost.CHEAP:
            self._inside[cost] -= 1

    def _refuse(self, cost: Cost, now: float) -> None:
        """Count each, and say it once a second: a flood must not become a flood of lines."""
        metrics.turned_away(cost.value).inc()
        self._refused += 1
        if now >= self._said_at + _SAID_EVERY:
            log.logger().warning("overloaded", turned_away=self._refused, cost=cost.value)
            self._refused, self._said_at = 0, now
