"""Processes that die at any moment: what was acknowledged stands, and stands once (R1, R2)."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines import Engine
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.figures import LONG, note, percentile, short_or_long
from tests.faults.history import History, problems
from tests.faults.whole import is_whole
from tests.harness import Troth
from tests.postgres import Cluster, binaries

READY = 5.0  # seconds, R2


def workers(troth: Troth) -> list[int]:
    assert troth._process is not None
    found = subprocess.run(
        ["pgrep", "-P", str(troth._process.pid)], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in found.stdout.split()]


def kill(troth: Troth) -> None:
    """Every process of the server, as a machine's memory killer would."""
    assert troth._process is not None
    for pid in [*workers(troth), troth._process.pid]:
        os.kill(pid, signal.SIGKILL)
    troth._process.wait(30)


def check(troth: Troth, history: History, harness: str, seconds: list[float]) -> None:
    """Nothing lost, nothing doubled, and the database is whole."""
    assert problems(history.calls) == []
    assert history.known > 20, "the applications did next to nothing"
    assert is_whole(troth)
    note(
        harness,
        kills=len(seconds),
        calls=len(history.calls),
        unknown=history.unknown,
        broken_promises=0,
        ready_p99_seconds=round(percentile(seconds, 0.99), 2),
    )
    if LONG:
        assert percentile(seconds, 0.99) <= READY


def test_R1_R2_killed_servers_lose_and_double_nothing(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    troth = running(engine.troth(tmp_path, workers="2", **LIVES))
    history, chance, seconds = History(), random.Random(7), []
    longest = short_or_long(200, 20_000)
    with at_work(applications(troth, history, number=8, codes=12, longest=longest)):
        for _ in range(short_or_long(3, 200)):
            time.sleep(chance.uniform(0.05, 1.0))
            kill(troth)
            began = time.monotonic()
            troth.start()
            seconds.append(time.monotonic() - began)
        time.sleep(0.3)
    check(troth, history, f"R1 kill -9 of the server, {engine.variant}", seconds)
    assert troth.stop() == 0


def test_R1_a_killed_worker_is_replaced_and_loses_nothing(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    troth = running(engine.troth(tmp_path, workers="2", **LIVES))
    history, chance = History(), random.Random(8)
    with at_work(applications(troth, history, number=6, codes=10, longest=200)):
        for _ in range(short_or_long(2, 20)):
            time.sleep(chance.uniform(0.1, 0.5))
            before = workers(troth)
            os.kill(chance.choice(before), signal.SIGKILL)
            while len(now := workers(troth)) < 2 or now == before:
                time.sleep(0.02)
    assert problems(history.calls) == []
    assert troth.stop() == 0


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    folder = binaries()
    assert folder is not None
    cluster = Cluster(folder).start()
    yield cluster
    cluster.remove()


def test_R1_a_killed_database_loses_and_doubles_nothing(
    tmp_path: Path, running: Callable[[Troth], Troth], own_cluster: Cluster
) -> None:
    troth = running(Troth(tmp_path, workers="2", **LIVES, database=own_cluster.database()))
    history, chance, seconds = History(), random.Random(9), []
    longest = short_or_long(200, 20_000)
    with at_work(applications(troth, history, number=8, codes=12, longest=longest)):
        for _ in range(short_or_long(2, 100)):
            time.sleep(chance.uniform(0.1, 1.0))
            own_cluster.stop()
            began = time.monotonic()
            own_cluster.start()
            known = history.known
            while history.known == known:
                time.sleep(0.01)
                assert time.monotonic() < began + 60, "it does not recover by itself"
            seconds.append(time.monotonic() - began)
        time.sleep(0.3)
    check(troth, history, "R1 PostgreSQL stopped at once", seconds)
    assert troth.stop() == 0
