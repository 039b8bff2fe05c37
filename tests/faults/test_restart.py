"""Processes that are ended one after the other under load: nobody notices (R18, FT-17)."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.asked import get, introspections, refreshes
from tests.faults.figures import LONG, note, short_or_long
from tests.faults.load import offered, saturated
from tests.faults.processes import workers
from tests.harness import Troth


@pytest.fixture
def troth(tmp_path: Path, engine: Engine) -> Iterator[Troth]:
    server = installed(engine.troth(tmp_path, workers="2"))
    yield server
    assert server.stop() == 0


def test_R18_FT_17_workers_are_replaced_one_by_one_and_no_request_fails(
    troth: Troth, engine: Engine
) -> None:
    what, half = refreshes(troth, short_or_long(60, 400)), introspections(troth).request(0)
    restarts = short_or_long(2, 20)
    rate = saturated(troth.port, 5.0, what).rate() / 2 if LONG else 30
    with ThreadPoolExecutor(1) as operator:
        restarting = operator.submit(restart, troth, restarts, half)
        answers: list[int] = []
        while not restarting.done() or not answers:
            load = offered(troth.port, rate, 1.0, what)
            answers += [answer.status for answer in load.answers]
        seconds = restarting.result()
    failed = [status for status in answers if status != 200]
    assert failed == []
    note(
        f"R18 rolling restart, {engine.variant}",
        restarts=restarts,
        requests=len(answers),
        requests_per_second=round(rate),
        failed=0,
        longest_drain_seconds=round(max(seconds), 2),
    )


def begun(troth: Troth, request: bytes) -> list[socket.socket]:
    """Connections of both workers that have sent a request but for its last bytes."""
    made = [socket.create_connection(("127.0.0.1", troth.port), timeout=30) for _ in range(20)]
    for sock in made:
        sock.sendall(get(troth.port, "/oauth/jwks"))
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        sock.sendall(request[:-5])
    return made


def restart(troth: Troth, times: int, request: bytes) -> list[float]:
    """End a worker, wait until another has taken its place; how long each took to end."""
    seconds = []
    for number in range(times):
        time.sleep(0.3)
        before = workers(troth)
        old = before[number % 2]
        connections = begun(troth, request)
        began = time.monotonic()
        os.kill(old, signal.SIGTERM)
        for sock in connections:
            sock.sendall(request[-5:])
            assert sock.recv(65536).startswith(b"HTTP/1.1 200"), "what had begun was not answered"
            sock.close()
        while old in workers(troth):
            assert time.monotonic() < began + short_or_long(60, 12), "it does not drain"
            time.sleep(0.01)
        seconds.append(time.monotonic() - began)
        while len(now := workers(troth)) < 2 or not listens(now[-1]):
            assert time.monotonic() < began + 60, "nobody takes its place"
            time.sleep(0.02)
    return seconds


def listens(pid: int) -> bool:
    """Whether a worker has come as far as its event loop: it ignores or handles SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught & 1 << (signal.SIGTERM - 1))
