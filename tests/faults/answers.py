"""What became of the requests of a run."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.figures import percentile


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request: status 0 is no answer at all. `due`, `seconds` in seconds."""

    due: float
    status: int
    seconds: float
    retry_after: bool


@dataclass(frozen=True, slots=True)
class Load:
    """All answers of a run, in the order in which they were due.

    `processor` is what the generator itself took: seconds of one core.
    """

    answers: Sequence[Answer]
    seconds: float
    processor: float

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    def rate(self, status: int = 200) -> float:
        return self.statuses[status] / self.seconds

    def rate_alone(self, status: int = 200) -> float:
        """The rate, had the generator not taken its share of the cores from the server."""
        cores = len(os.sched_getaffinity(0))
        return self.rate(status) * cores / (cores - self.processor / self.seconds)

    def p99(self, status: int = 200) -> float:
        return percentile([a.seconds for a in self.answers if a.status == status] or [0.0], 0.99)
