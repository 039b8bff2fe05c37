"""What one connection asks, one request after the other, and what is asked beforehand."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

from bench.load import Script, load

CONNECTIONS = 32
# Codes and tokens that are used once are made before they are measured: so many for a round.
NUMBER = 100 * CONNECTIONS


def same(request: bytes) -> Script:
    while True:
        yield request


def each(requests: Iterator[bytes]) -> Script:
    for request in requests:
        _ = yield request


def collected(port: int, requests: list[bytes]) -> list[bytes]:
    """The answers to requests that are made beside the measurement."""
    answers: list[bytes] = []

    def script(mine: list[bytes]) -> Script:
        for request in mine:
            answer = yield request
            answers.append(answer)

    asyncio.run(load(port, [script(requests[n::CONNECTIONS]) for n in range(CONNECTIONS)], 60))
    return answers


def json_of(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found


def spread(requests: list[bytes]) -> list[Script]:
    return [each(iter(requests[n::CONNECTIONS])) for n in range(CONNECTIONS)]


def refreshing(first: str, ask: Callable[[str], bytes]) -> Script:
    token = first
    while True:
        answer = yield ask(token)
        token = json_of(answer).get("refresh_token", token)
