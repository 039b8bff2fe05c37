"""A database that is slow, or where one row is kept by somebody else (R12, FT-06)."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest

from tests.faults.asked import Same, post
from tests.faults.clients import applications, at_work
from tests.faults.everyone import ANSWERED, Everyone
from tests.faults.figures import note, short_or_long
from tests.faults.history import RETRY_WINDOW, History, problems
from tests.faults.load import offered
from tests.faults.proxy import Proxy
from tests.faults.waiting import until
from tests.harness import Browser, OAuthClient, Troth
from tests.postgres import Cluster

RECOVERED = short_or_long(40.0, 5.0)  # seconds


@pytest.fixture
def everyone(wired: Troth, proxy: Proxy) -> Iterator[Everyone]:
    """Who finds everything as it was before, afterwards too."""
    made = Everyone(wired)
    yield made
    proxy.delay = 0.0
    made.until_back(RECOVERED)
    made.close()


def test_R12_FT_06_sixteen_clients_of_a_slow_database_have_right_answers_in_time(
    wired: Troth, proxy: Proxy, everyone: Everyone
) -> None:
    """Each message to the database takes 200 ms."""
    history, enough = History(), short_or_long(48, 2000)
    them = applications(wired, history, number=16, codes=2, longest=short_or_long(20, 5000))
    proxy.delay = 0.2
    with at_work(them):
        until(lambda: history.known >= enough, 240, "next to nothing is answered")
        everyone.what_needs_no_database_stays_up()
        until(lambda: everyone.health("ready").text.startswith("degraded"), 10, "it says not so")
    assert problems(history.calls) == []
    longest = max(call.told_at - call.asked_at for call in history.calls)
    assert longest < ANSWERED
    assert history.known > history.unknown, "most are told to come again"
    note(
        "R12 200 ms for each message, 16 clients",
        calls=len(history.calls),
        unknown=history.unknown,
        broken_promises=0,
        answered_after_seconds=round(longest, 2),
    )


def test_R12_FT_06_who_asks_much_of_a_database_that_takes_seconds_is_told_to_come_again(
    wired: Troth, proxy: Proxy, everyone: Everyone
) -> None:
    """Each message takes two seconds: nothing is right any more, and no line grows for it."""
    # Not so long that to ask again afterwards is a replay.
    client, seconds = everyone.client, float(short_or_long(5, RETRY_WINDOW - 20))
    token = client.tokens(wired.person())["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, **client.credentials()}
    proxy.delay = 2.0
    with ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(
            offered, wired.port, 300, seconds, Same(post(wired.port, "/oauth/token", form))
        )
        everyone.all_are_told_to_come_again()
        load = crowd.result()
    assert set(load.statuses) == {503}, load.statuses
    assert all(answer.retry_after for answer in load.answers)
    took = [answer.seconds for answer in load.answers]
    assert max(took) < ANSWERED
    later = statistics.median(answer.seconds for answer in load.answers if answer.due > 3.0)
    assert later < 1.0, "soon it is said at once"
    note(
        "R12 2 s for each message, 300 requests/s",
        told_to_come_again=len(took),
        soon_p50_ms=round(1000 * later),
        answered_after_seconds=round(max(took), 2),
    )


@contextmanager
def kept(database: str, sub: str) -> Iterator[None]:
    """Somebody else holds the chains of this person for as long as this lasts."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database))
        transaction = connection.transaction()
        runner.run(transaction.start())
        rows = runner.run(connection.fetch("select from chain where sub = $1 for update", sub))
        assert rows
        yield
        runner.run(transaction.rollback())
        runner.run(connection.close())


class Owner:
    """Somebody who refreshes again and again, and is answered in time."""

    def __init__(self, client: OAuthClient, token: str) -> None:
        self._client, self._token = client, token
        self.told: list[int] = []

    def ask(self, http: httpx2.Client) -> int:
        form = {"grant_type": "refresh_token", "refresh_token": self._token}
        began = time.monotonic()
        response = http.post("/oauth/token", data=form | self._client.credentials())
        assert time.monotonic() - began < ANSWERED
        if response.status_code == 200:
            self._token = response.json()["refresh_token"]
        else:
            assert response.status_code == 503, response.text
            assert int(response.headers["retry-after"]) >= 1
        return response.status_code

    def go_on(self, http: httpx2.Client, until: float) -> None:
        while time.monotonic() < until:
            self.told.append(self.ask(http))
            time.sleep(0.01)  # a client's own work


def test_R12_FT_06_rows_that_somebody_else_keeps_stop_nobody_but_their_owners(
    wired: Troth, database: Cluster, everyone: Everyone
) -> None:
    client, seconds = wired.client(), short_or_long(5.0, 60.0)
    person, browser, kept_person = wired.person(), Browser(wired), wired.person()
    going = [Owner(client, client.tokens(person, browser)["refresh_token"]) for _ in range(4)]
    browser = Browser(wired)
    waiting = [Owner(client, client.tokens(kept_person, browser)["refresh_token"]) for _ in "abc"]
    name = urlsplit(wired.environment["TROTH_DATABASE"]).path[1:]
    with httpx2.Client(base_url=wired.issuer, timeout=30, trust_env=False) as http:
        with kept(database.address(name), kept_person.sub), ThreadPoolExecutor(7) as pool:
            ends = time.monotonic() + seconds
            for done in [pool.submit(owner.go_on, http, ends) for owner in going + waiting]:
                done.result()
            everyone.what_needs_no_database_stays_up()
        assert [owner.ask(http) for owner in going + waiting] == [200] * 7, "it is as before"
    assert {status for owner in waiting for status in owner.told} == {503}
    assert {status for owner in going for status in owner.told} == {200}
    least = min(len(owner.told) for owner in going) / seconds
    assert least > 3, "they wait for locks that are none of their business"
    note("R12 rows that are kept", kept_for_seconds=seconds, others_per_second=round(least))
