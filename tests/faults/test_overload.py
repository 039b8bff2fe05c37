"""More than the server can do: some are served as ever, the rest are told at once (R8, R10)."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine, locked
from tests.faults.answers import Load
from tests.faults.asked import Same, WrongLogins, closed_answers, introspections, refreshes
from tests.faults.figures import LONG, note, percentile, short_or_long
from tests.faults.load import Requests, offered, saturated
from tests.faults.memory import MEGABYTE, forget_peak, peak, resident
from tests.faults.processes import workers
from tests.faults.waiting import until
from tests.harness import Troth
from troth.accounts import passwords

# Requests a second that no server notices.
LIGHT = 50
# What Python, the loop and the requests themselves may take beside the hashes (R10).
ROOM = 32 * MEGABYTE


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
    served, bystander = 400 if login else 200, introspections(troth)
    before = offered(troth.port, LIGHT, 4.0, bystander).p99()
    rounds, calm = [], []
    for _ in range(3):
        most_of_all = saturated(troth.port, 5, what, 16 if login else 64)
        loads = {
            n: flooded(troth.port, n * most_of_all.rate(served), what, 400 if login else 2500)
            for n in (2, 5)
        }
        after = offered(troth.port, LIGHT, 7.0, bystander)
        calm += [answer for answer in after.answers if answer.due >= 5.0]
        for load in loads.values():
            told_properly(load, served)
        rounds.append({1: most_of_all, **loads})
    told = [answer for one in rounds for n in (2, 5) for answer in one[n].answers]
    refused = [answer.seconds for answer in told if answer.status == 503]
    accepted = [answer.seconds for answer in told if answer.status == served]
    kept = {n: share(rounds, n, lambda load: load.rate_alone(served)) for n in (2, 5)}
    seen = {n: share(rounds, n, lambda load: load.rate(served)) for n in (2, 5)}
    calm_p99 = percentile([answer.seconds for answer in calm], 0.99)
    note(
        f"R8 overload, {kind}, {engine.variant}",
        goodput_at_2x_percent=round(100 * kept[2]),
        goodput_at_5x_percent=round(100 * kept[5]),
        goodput_seen_at_2x_percent=round(100 * seen[2]),
        goodput_seen_at_5x_percent=round(100 * seen[5]),
        refused_p50_ms=round(percentile(refused, 0.5) * 1000),
        refused_p99_ms=round(percentile(refused, 0.99) * 1000),
        accepted_p99_ms=round(percentile(accepted, 0.99) * 1000),
        bystander_p99_before_ms=round(before * 1000, 1),
        bystander_p99_five_seconds_after_ms=round(calm_p99 * 1000, 1),
    )
    assert min(kept.values()) >= 0.8
    assert percentile(refused, 0.99) <= 0.1
    assert percentile(accepted, 0.99) <= (2.0 if login else 1.0)
    assert {answer.status for answer in calm} == {200}
    assert calm_p99 <= 2 * before + 0.01


def flooded(port: int, rate: float, what: Requests, crowd: int) -> Load:
    """Ten seconds of it, by no more than are asked again before the server closes on them."""
    return offered(port, rate, 10, what, crowd=min(crowd, int(rate * 3)))


def share(rounds: Sequence[Mapping[int, Load]], times: int, rate: Callable[[Load], float]) -> float:
    """The goodput at so many times the most that there can be, as a share of that: the median."""
    return statistics.median(rate(loads[times]) / rate(loads[1]) for loads in rounds)


def hashes_at_once() -> int:
    """Bytes that as many hashes as one process makes at a time are made of."""
    pool = passwords.Passwords()
    pool.close()
    return pool.slots * passwords._HASHER.memory_cost * 1024


def test_R7_FT_06_a_login_that_finds_no_place_counts_as_no_attempt(troth: Troth) -> None:
    """And leaves no trace of its own in the database: a flood would be one there, too."""
    attempts = "select coalesce(sum(failures), 0) from attempt where key like 'name:%'"
    noted = "select count(*) from audit where event = 'login' and outcome = 'wrong'"
    before, heard = troth.rows(attempts)[0][0], troth.rows(noted)[0][0]
    load = offered(troth.port, 1200, 0.25, WrongLogins(troth))
    told_properly(load, 400)
    assert load.statuses[503] > 0, "there were too many of them"
    assert troth.rows(attempts)[0][0] - before == load.statuses[400]
    all_noted = heard + load.statuses[400]
    until(lambda: troth.rows(noted)[0][0] == all_noted, 5, "not audited; traces go the same way")
    assert troth.rows("select count(*) from trace where endpoint like '%/login'")[0][0] == 0


def test_R10_a_flood_of_wrong_passwords_leaves_the_token_endpoint_alone(
    troth: Troth, engine: Engine
) -> None:
    what, logins = refreshes(troth, short_or_long(40, 300)), WrongLogins(troth)
    seconds, rate = float(short_or_long(2, 30)), short_or_long(20, 50)
    before = [resident(pid) for pid in workers(troth)]
    for pid in workers(troth):
        forget_peak(pid)
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
    grown = [peak(pid) - old for pid, old in zip(workers(troth), before, strict=True)]
    assert max(grown) <= hashes_at_once() + ROOM
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
