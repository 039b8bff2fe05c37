"""Servers that end with their test, however it ends."""

from collections.abc import Callable, Iterator

import pytest

from tests.conftest import installed
from tests.harness import Troth


@pytest.fixture
def running() -> Iterator[Callable[[Troth], Troth]]:
    """Installs and starts what it is given; what still runs after the test is ended."""
    started: list[Troth] = []

    def start(troth: Troth) -> Troth:
        started.append(troth)
        return installed(troth)

    yield start
    for troth in started:
        if troth._process is not None and troth._process.poll() is None:
            troth.stop()
