"""Who is let in when more comes than the process can do: a bounded number at once, by cost.

What is over the bound is told at once to come back later, which costs a tenth of an answer; so
nobody waits in a queue that has become longer than their patience. Key set, metadata and static
files are never turned away: they cost hardly more than saying no.

How many are too many depends on what they ask for: a bound by number alone is too low for answers
of microseconds, or too high for answers of milliseconds. So the best pace of the last second in
which there was enough to do says how many can be answered in time.
"""

from collections import deque
from typing import Final

from troth import log, metrics
from troth.http import Cost

# In one process. What the store does in a fraction of its patience; the hash pool has a bound of
# its own besides.
MOST_AT_ONCE: Final = {Cost.DATABASE: 1024, Cost.PASSWORD: 64}
# Seconds that who is let in may have to wait, by the pace of those before.
LONGEST_WAIT: Final = 0.3
# So many are always let in; and so many keep a process busy, so that their pace is one.
FEW: Final = 64
_BUSY: Final = 16
_WINDOW: Final = 0.25
_WINDOWS: Final = 4
_SAID_EVERY: Final = 1.0


class Admission:
    """Counts the requests under way in each class of cost."""

    def __init__(self) -> None:
        self._inside: dict[Cost, int] = dict.fromkeys(Cost, 0)
        # Answers a second, window by window; and the one that is open.
        self._paces: deque[float] = deque(maxlen=_WINDOWS)
        self._window_began, self._left, self._busy = 0.0, 0, False
        self._in_time = float("inf")
        self._refused = 0
        self._said_at = float("-inf")

    def enter(self, cost: Cost, now: float) -> bool:
        """Take a place, or learn that there is none. `now` is any steady clock's seconds."""
        if cost is Cost.CHEAP:
            return True
        if now >= self._window_began + _WINDOW:
            self._look(now)
        inside = self._inside[cost]
        if inside >= MOST_AT_ONCE[cost] or (cost is Cost.DATABASE and inside >= self._in_time):
            self.refuse(cost, now)
            return False
        self._inside[cost] = inside + 1
        return True

    def _look(self, now: float) -> None:
        """Close a window: it counts where there was enough to do, and some of it was done.

        One that nobody came to close had a pause at its end.
        """
        seconds = now - self._window_began
        if self._busy and self._left and seconds < 2 * _WINDOW:
            self._paces.append(self._left / seconds)
            self._in_time = max(FEW, max(self._paces) * LONGEST_WAIT)
        self._window_began, self._left = now, 0
        self._busy = self._inside[Cost.DATABASE] >= _BUSY

    def leave(self, cost: Cost) -> None:
        """Give the place back that `enter` gave."""
        if cost is not Cost.CHEAP:
            self._inside[cost] -= 1
            self._left += cost is Cost.DATABASE

    def refuse(self, cost: Cost, now: float) -> None:
        """Count one, also whom a narrower queue refused, and say it once a second.

        A flood must not become a flood of lines.
        """
        metrics.turned_away(cost.value).inc()
        self._refused += 1
        if now >= self._said_at + _SAID_EVERY:
            log.logger().warning("overloaded", turned_away=self._refused, cost=cost.value)
            self._refused, self._said_at = 0, now
