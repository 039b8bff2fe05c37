"""More than the server can do: some are served as ever, the rest are told at once (R8, R10)."""

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine, locked
from tests.faults.answers import Load
from tests.faults.asked import Same, WrongLogins, closed_answers, refreshes
from tests.faults.figures import LONG, note, percentile, short_or_long
from tests.faults.load import Requests, offered, saturated
from tests.faults.processes import workers
from tests.harness import Troth

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def troth(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    settings = {"workers": "2", "trusted_proxies": "127.0.0.1/32"}
    server = installed(engine.troth(tmp_path_factory.mktemp("overload"), **settings))
    yield server
    assert server.stop() == 0


def told_properly(load: Load, served: int) -> None:
    """Everybody has an answer: what was asked for, or when to come again."""
    assert set(load.statuses) <= {served, 503}, load.statuses
    assert all(answer.retry_after for answer in load.answers if answer.status == 503)


def test_R8_who_finds_no_place_is_told_before_those_who_wait(troth: Troth) -> None:
    """Somebody else keeps the database to himself: every place is taken within a moment."""
    what, number = refreshes(troth, 40), 6000
    same = Same(what.request(0))
    what.learn(0, 503, b"")
    with locked(troth), ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(offered, troth.port, number * 4, 0.25, same, crowd=2500)
        assert httpx2.get(f"{troth.issuer}/oauth/jwks", trust_env=False).status_code == 200
        load = crowd.result()
    assert set(load.statuses) == {503}, load.statuses
    told_properly(load, 200)
    seconds = sorted(answer.seconds for answer in load.answers)
    waited = seconds[-100:]  # they had a place, and nothing came of it
    assert statistics.median(seconds) < 0.8 * statistics.median(waited)
    after = offered(troth.port, 50, 1.0, what)
    assert set(after.statuses) == {200}, "it is as before"


@pytest.mark.skipif(not LONG, reason="rates are measured by `make faults` only")
@pytest.mark.parametrize("kind", ["encrypted answer", "login"])
def test_R8_beyond_saturation_the_goodput_stays(troth: Troth, engine: Engine, kind: str) -> None:
    login = kind == "login"
    what: Requests = WrongLogins(troth) if login else closed_answers(troth)
    served = 400 if login else 200
    kept: dict[int, list[float]] = {2: [], 5: []}
    refused: list[float] = []
    accepted: list[float] = []
    for _ in range(3):
        peak = saturated(troth.port, 5, what, 16 if login else 64)
        most = peak.rate(served)
        for times, shares in kept.items():
            load = offered(troth.port, most * times, 10, what, crowd=400 if login else 2500)
            told_properly(load, served)
            shares.append(load.rate_alone(served) / peak.rate_alone(served))
            refused += [a.seconds for a in load.answers if a.status == 503]
            accepted += [a.seconds for a in load.answers if a.status == served]
    note(
        f"R8 overload, {kind}, {engine.variant}",
        goodput_at_2x_percent=round(100 * statistics.median(kept[2])),
        goodput_at_5x_percent=round(100 * statistics.median(kept[5])),
        refused_p50_ms=round(percentile(refused, 0.5) * 1000),
        refused_p99_ms=round(percentile(refused, 0.99) * 1000),
        accepted_p99_ms=round(percentile(accepted, 0.99) * 1000),
    )
    assert statistics.median(kept[2]) >= 0.8
    assert statistics.median(kept[5]) >= 0.8
    assert percentile(refused, 0.99) <= 0.1
    assert percentile(accepted, 0.99) <= (2.0 if login else 1.0)


def test_R10_a_flood_of_wrong_passwords_leaves_the_token_endpoint_alone(
    troth: Troth, engine: Engine
) -> None:
    what, logins = refreshes(troth, short_or_long(40, 300)), WrongLogins(troth)
    seconds, rate = float(short_or_long(2, 30)), short_or_long(20, 50)
    before = [_resident(pid) for pid in workers(troth)]
    base = offered(troth.port, rate, seconds, what)
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(offered, troth.port, 200, seconds, logins)
        beside = offered(troth.port, rate, seconds, what)
        flooded = flood.result()
    told_properly(beside, 200)
    told_properly(flooded, 400)
    assert flooded.statuses[400] > 0
    served = beside.statuses[200] / len(beside.answers)
    assert served >= (1.0 if LONG else flooded.statuses[400] / len(flooded.answers))
    tried = [answer.seconds for answer in flooded.answers if answer.status == 400]
    asked = [answer.seconds for answer in beside.answers]
    assert statistics.median(asked) < statistics.median(tried)
    grown = [_resident(pid) - old for pid, old in zip(workers(troth), before, strict=True)]
    assert max(grown) < 96 * MEGABYTE
    note(
        f"R10 200 wrong logins/s, {engine.variant}",
        refresh_p99_before_ms=round(base.p99() * 1000, 1),
        refresh_p99_ms=round(beside.p99() * 1000, 1),
        hashed_per_second=round(flooded.rate(400)),
        refused_p99_ms=round(flooded.p99(503) * 1000, 1),
        memory_grown_mb=max(grown) // MEGABYTE,
    )
    if LONG:
        assert beside.p99() <= 0.1


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
