"""Many at once for one row, on two processes: exactly one outcome (R3, R4, R5, R7, CC-*)."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.figures import note, short_or_long
from tests.harness import Browser, OAuthClient, Troth, somewhere

AT_ONCE = short_or_long(16, 64)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    folder = tmp_path_factory.mktemp("pair")
    settings = {"workers": "2", "code_lifetime": "600", "trusted_proxies": "127.0.0.1/32"}
    server = installed(engine.troth(folder, **settings))
    yield server
    assert server.stop() == 0


class Crowd:
    """Open connections that ask at the same moment."""

    def __init__(self, troth: Troth) -> None:
        kind: dict[str, Any] = {"base_url": troth.issuer, "timeout": 30, "trust_env": False}
        self._https = [httpx2.Client(**kind) for _ in range(AT_ONCE)]
        self._pool = ThreadPoolExecutor(AT_ONCE)
        for http in self._https:
            http.get("/oauth/jwks")

    def post(self, form: dict[str, str]) -> list[httpx2.Response]:
        """All of them ask the token endpoint for the same."""
        return self.ask(lambda _, http: http.post("/oauth/token", data=form))

    def ask(self, one: Callable[[int, httpx2.Client], httpx2.Response]) -> list[httpx2.Response]:
        barrier = threading.Barrier(AT_ONCE)

        def go(number: int) -> httpx2.Response:
            barrier.wait()
            return one(number, self._https[number])

        return list(self._pool.map(go, range(AT_ONCE)))

    def close(self) -> None:
        self._pool.shutdown()
        for http in self._https:
            http.close()


@pytest.fixture
def crowd(pair: Troth) -> Iterator[Crowd]:
    made = Crowd(pair)
    yield made
    made.close()


def redeem(client: OAuthClient, code: str) -> dict[str, str]:
    given = {"grant_type": "authorization_code", "code": code, **client.credentials()}
    return given | {"redirect_uri": client.redirect_uri}


def refresh(client: OAuthClient, token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token, **client.credentials()}


def test_R3_one_of_many_redeems_a_code(pair: Troth, crowd: Crowd, engine: Engine) -> None:
    client, person, browser = pair.client(), pair.person(), Browser(pair)
    rounds, told = short_or_long(8, 500), Counter[int]()
    for _ in range(rounds):
        answers = crowd.post(redeem(client, client.code(person, browser)))
        told.update(answer.status_code for answer in answers)
        won = [answer.json() for answer in answers if answer.status_code == 200]
        assert len(won) <= 1
        assert not any(client.active(found["access_token"]) for found in won), "a replay ends it"
    # 503: on a machine that is too busy to say more within two seconds.
    assert told.keys() <= {200, 400, 503}
    assert told[200] + told[503] >= rounds
    figures = {"rounds": rounds, "most_winners_of_a_round": 1, "told_503": told[503]}
    note(f"R3 one code, {AT_ONCE} at once, {engine.variant}", **figures)


def test_R4_many_refresh_one_token_and_one_leaf_lives(
    pair: Troth, crowd: Crowd, engine: Engine
) -> None:
    client, person, browser = pair.client(), pair.person(), Browser(pair)
    token = client.tokens(person, browser)["refresh_token"]
    rounds, told = short_or_long(8, 500), Counter[int]()
    for _ in range(rounds):
        answers = crowd.post(refresh(client, token))
        told.update(answer.status_code for answer in answers)
        leaves = {a.json()["refresh_token"] for a in answers if a.status_code == 200}
        assert len(leaves) <= 1
        token = leaves.pop() if leaves else token
    assert told.keys() <= {200, 503}
    assert told[200] > 0
    figures = {"rounds": rounds, "most_leaves_of_a_round": 1, "told_503": told[503]}
    note(f"R4 one token, {AT_ONCE} at once, {engine.variant}", **figures)


def test_R5_nothing_lives_after_a_revocation_beside_a_refresh(
    pair: Troth, crowd: Crowd, engine: Engine
) -> None:
    client, person, browser = pair.client(), pair.person(), Browser(pair)
    chance = random.Random(5)
    rounds = short_or_long(8, 1000)
    for _ in range(rounds):
        token = client.tokens(person, browser)["refresh_token"]
        waits = [chance.uniform(0, 0.005) for _ in range(AT_ONCE)]

        def one(
            number: int, http: httpx2.Client, token: str = token, waits: list[float] = waits
        ) -> httpx2.Response:
            time.sleep(waits[number])
            if number == 0:
                return http.post("/oauth/revoke", data={"token": token, **client.credentials()})
            return http.post("/oauth/token", data=refresh(client, token))

        answers = crowd.ask(one)
        revoked = answers[0]
        while revoked.status_code == 503:
            revoked = client.revoke(token)
        assert revoked.status_code == 200
        assert client.refresh(token).status_code == 400
        for given in [answer.json() for answer in answers[1:] if answer.status_code == 200]:
            assert not client.active(given["access_token"])
            assert client.refresh(given["refresh_token"]).status_code == 400
    note(f"R5 revoked beside a refresh, {engine.variant}", rounds=rounds, alive_afterwards=0)


def test_R7_a_limit_is_exact_when_many_guess_at_once(
    pair: Troth, crowd: Crowd, engine: Engine
) -> None:
    """The free attempts of a name are as many as they are, however many come at once."""
    person = pair.person()
    pages = [Browser(pair) for _ in range(AT_ONCE)]
    forms = [page.get("/login") for page in pages]

    def one(number: int, _: httpx2.Client) -> httpx2.Response:
        typed = {"username": person.username, "password": "canary wrong"}
        headers = {"x-forwarded-for": somewhere()}
        return pages[number].submit(forms[number], "login", typed, headers=headers)

    statuses = sorted(answer.status_code for answer in crowd.ask(one))
    tried = statuses.count(400)
    assert set(statuses) <= {400, 429}
    counted = 'select failures from attempt where "key" = ?'
    ((failures,),) = pair.rows(counted, f"account:{person.sub}")
    assert 5 <= tried < AT_ONCE
    assert tried == failures, "each attempt that was tried was counted before it was hashed"
    note(f"R7 {AT_ONCE} wrong logins at once, {engine.variant}", tried=tried)


def test_CC_two_processes_that_hammer_the_same_rows_agree(pair: Troth, engine: Engine) -> None:
    """A few chains refreshed by many, and one after the other revoked: no deadlock, no error."""
    client, person, browser = pair.client(), pair.person(), Browser(pair)
    tokens = [client.tokens(person, browser)["refresh_token"] for _ in range(4)]
    newest, ended = list(tokens), [False] * 4
    until = time.monotonic() + short_or_long(2, 60)
    bad: list[Any] = []

    def hammer(number: int) -> int:
        chance, asked = random.Random(number), 0
        with httpx2.Client(base_url=pair.issuer, timeout=20, trust_env=False) as http:
            while time.monotonic() < until:
                row = chance.randrange(4)
                was_ended = ended[row]
                answer = http.post("/oauth/token", data=refresh(client, newest[row]))
                asked += 1
                if answer.status_code == 200 and not was_ended:
                    newest[row] = answer.json()["refresh_token"]
                elif answer.status_code == 200 or answer.status_code >= 500:
                    bad.append((row, answer.status_code, answer.text))
        return asked

    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(hammer, number) for number in range(12)]
        for row in (0, 1):
            time.sleep((until - time.monotonic()) / 3)
            assert client.revoke(newest[row]).status_code == 200
            ended[row] = True
        total = sum(one.result() for one in asked)
    assert bad == []
    for row in (0, 1):
        assert client.refresh(newest[row]).status_code == 400
    if pair.postgres:
        mine = "select deadlocks from pg_stat_database where datname = current_database()"
        assert pair.rows(mine) == [(0,)]
    note(f"two processes on the same rows, {engine.variant}", requests=total, deadlocks=0)
