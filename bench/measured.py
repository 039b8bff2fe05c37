"""One round of one row: what it is made of, and the median of several."""

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bench.load import Script, load
from bench.servers import cpu_seconds

SECONDS = 1.2


class Server(Protocol):
    """What is measured."""

    port: int
    pids: list[int]


S = TypeVar("S", bound=Server)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Answers a second, CPU µs for each, and its times in ms."""

    rate: float
    cpu: float
    p50: float
    p99: float
    errors: int


def measure(server: S, prepare: Callable[[S, int], list[Script]], number: int) -> Measured:
    """One round: for a while, or `number` requests that were prepared."""
    scripts = prepare(server, number)
    before = cpu_seconds(server.pids)
    result = asyncio.run(load(server.port, scripts, 60 if number else SECONDS))
    spent = cpu_seconds(server.pids) - before
    return Measured(
        rate=result.requests / result.seconds,
        cpu=spent * 1e6 / max(1, result.requests),
        p50=result.percentile(0.5) * 1000,
        p99=result.percentile(0.99) * 1000,
        errors=result.errors,
    )


def median(rounds: Sequence[Measured]) -> Measured:
    def of(name: str) -> float:
        return float(statistics.median(getattr(one, name) for one in rounds))

    errors = sum(one.errors for one in rounds)
    return Measured(rate=of("rate"), cpu=of("cpu"), p50=of("p50"), p99=of("p99"), errors=errors)
