"""The issuer that the tests talk to: a real server on a loopback socket, in a thread."""

from collections.abc import Iterator

import pytest

from guard.tests.issuer_stub import Clock, Issuer


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def running() -> Iterator[Issuer]:
    with Issuer.running() as issuer:
        yield issuer


@pytest.fixture
def issuer(running: Issuer) -> Issuer:
    running.reset()
    return running


@pytest.fixture
def clock() -> Clock:
    return Clock()
