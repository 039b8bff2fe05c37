"""Processes that die at any moment: what was acknowledged stands, and stands once (R1, R2)."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.engines import Engine
from tests.faults.clients import LIVES, Application, applications, at_work
from tests.faults.crowd import crowd
from tests.faults.figures import LONG, note, percentile, short_or_long
from tests.faults.history import History, problems
from tests.faults.processes import workers
from tests.faults.whole import is_whole
from tests.harness import Troth
from tests.postgres import Cluster, binaries

READY = 5.0  # seconds, R2
ROWS = short_or_long(0, 1_000_000)


def kill(troth: Troth) -> None:
    """Every process of the server, as a machine's memory killer would."""
    assert troth._process is not None
    for pid in [*workers(troth), troth._process.pid]:
        os.kill(pid, signal.SIGKILL)
    troth._process.wait(30)


def ready_again(troth: Troth) -> float:
    """Start it; the seconds until it says of itself that it is ready (R2)."""
    began = time.monotonic()
    troth.start()
    with httpx2.Client(base_url=f"http://127.0.0.1:{troth.management_port}") as http:
        while http.get("/health/ready").status_code != 200:
            time.sleep(0.01)
    return time.monotonic() - began


def at_work_among_others(troth: Troth, history: History) -> list[Application]:
    """The applications of these tests; in the long form among a million foreign grants."""
    if ROWS:
        crowd(troth, ROWS)
    return applications(troth, history, short_or_long(8, 16), longest=short_or_long(12, 60))


def check(troth: Troth, history: History, harness: str, seconds: list[float]) -> None:
    """Nothing lost, nothing doubled, and the database is whole."""
    assert problems(history.calls) == []
    done = {what: history.done(what) for what in ("redeem", "refresh", "revoke")}
    assert history.known > 20, "the applications did next to nothing"
    assert min(done.values()) >= short_or_long(0, 100), done
    assert is_whole(troth)
    note(
        harness,
        kills=len(seconds),
        calls=len(history.calls),
        unknown=history.unknown,
        redeemed=done["redeem"],
        revoked=done["revoke"],
        swept=len({call.grant for call in history.calls}),
        broken_promises=0,
        rows=ROWS,
        ready_p99_seconds=round(percentile(seconds, 0.99), 2),
    )
    if LONG:
        assert percentile(seconds, 0.99) <= READY


def test_R1_R2_killed_servers_lose_and_double_nothing(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    troth = running(engine.troth(tmp_path, workers="2", **LIVES))
    history, chance, seconds = History(), random.Random(7), []
    with at_work(at_work_among_others(troth, history)):
        for _ in range(short_or_long(3, 200)):
            time.sleep(chance.uniform(0.05, 1.5))
            kill(troth)
            seconds.append(ready_again(troth))
        time.sleep(0.3)
    check(troth, history, f"R1 kill -9 of the server, {engine.variant}", seconds)
    assert troth.stop() == 0


def test_R1_a_killed_worker_is_replaced_and_loses_nothing(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    troth = running(engine.troth(tmp_path, workers="2", **LIVES))
    history, chance = History(), random.Random(8)
    with at_work(applications(troth, history, short_or_long(6, 16), longest=30)):
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
    with at_work(at_work_among_others(troth, history)):
        for _ in range(short_or_long(2, 100)):
            time.sleep(chance.uniform(0.05, 1.5))
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
