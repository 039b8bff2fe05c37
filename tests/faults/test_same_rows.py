"""A few chains refreshed by many, again and again, on two processes (CC-02, CC-04)."""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from tests.engines import Engine
from tests.faults.figures import note, short_or_long
from tests.harness import Browser, OAuthClient, Troth

_ROWS, _HAMMERS, _SECONDS = 4, 12, short_or_long(2, 60)


class Row:
    """A chain, and the newest token of it that anybody knows."""

    def __init__(self, token: str) -> None:
        self.lock = threading.Lock()
        self.token = token
        self.ended = False


class Hammered:
    """The rows of one client. Whoever is late by two tokens ends a chain: another begins."""

    def __init__(self, troth: Troth) -> None:
        self.client: OAuthClient = troth.client()
        self._person, self._browser = troth.person(), Browser(troth)
        self._one_browser = threading.Lock()
        self.rows = [Row(self._begun()) for _ in range(_ROWS)]
        self.told = Counter[int]()
        self.successors = defaultdict[str, set[str]](set)
        self.wrong: list[str] = []

    def _begun(self) -> str:
        with self._one_browser:
            return str(self.client.tokens(self._person, self._browser)["refresh_token"])

    def hammer(self, number: int, until: float) -> None:
        chance = random.Random(number)
        with httpx2.Client(base_url=self.client.troth.issuer, timeout=20, trust_env=False) as http:
            while time.monotonic() < until:
                self._refresh(http, chance.choice(self.rows))

    def _refresh(self, http: httpx2.Client, row: Row) -> None:
        token, was_ended = row.token, row.ended
        form = {"grant_type": "refresh_token", "refresh_token": token, **self.client.credentials()}
        answer = http.post("/oauth/token", data=form)
        with row.lock:
            self.told[answer.status_code] += 1
            if answer.status_code == 200:
                self._learn(row, token, answer.json()["refresh_token"])
            elif answer.status_code == 400 and row.token == token and not row.ended:
                row.token = self._begun()
            if answer.status_code >= 500 or (answer.status_code == 200 and was_ended):
                self.wrong.append(f"ended: {was_ended}: {answer.status_code} {answer.text}")

    def _learn(self, row: Row, token: str, successor: str) -> None:
        self.successors[token].add(successor)
        if row.token == token:
            row.token = successor

    def end(self, row: Row) -> None:
        with row.lock:
            assert self.client.revoke(row.token).status_code == 200
            row.ended = True

    def steps(self) -> int:
        """How often the database has moved a chain of this client."""
        asked = "select sum(generation - 1) from chain where client_id = ?"
        return int(self.client.troth.rows(asked, self.client.client_id)[0][0])


def test_CC_02_CC_04_two_processes_that_hammer_the_same_rows_agree(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    """No deadlock, no error, no token with two successors, no step that nobody was told of."""
    troth = running(engine.troth(tmp_path, workers="2", code_lifetime="600"))
    hammered = Hammered(troth)
    until = time.monotonic() + _SECONDS
    with ThreadPoolExecutor(_HAMMERS) as pool:
        hammers = [pool.submit(hammered.hammer, number, until) for number in range(_HAMMERS)]
        for row in hammered.rows[:2]:
            time.sleep((until - time.monotonic()) / 3)
            hammered.end(row)
        for hammer in hammers:
            hammer.result()
    assert hammered.wrong == []
    most = max(len(successors) for successors in hammered.successors.values())
    assert most == 1, "a token has two successors"
    assert hammered.steps() == len(hammered.successors), "each token moved its chain once"
    for row in hammered.rows[:2]:
        assert hammered.client.refresh(row.token).status_code == 400
    if troth.postgres:
        mine = "select deadlocks from pg_stat_database where datname = current_database()"
        assert troth.rows(mine) == [(0,)]
    figures = {"requests": hammered.told.total(), "refreshed": hammered.told[200]}
    more = {"tokens": len(hammered.successors), "most_successors_of_one": most, "deadlocks": 0}
    note(f"two processes on the same rows, {engine.variant}", **figures, **more)
