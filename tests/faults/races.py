"""Many at once for one row, and what must have come of it when all were told (R3, R4).

`Faithless` servers are found out with the same rounds: see test_the_races_can_fail.py.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
from typing import Any

import httpx2

from tests.harness import Browser, OAuthClient, Person, Troth, somewhere

# What the servers of a race are; codes wait until their turn comes.
TWO_PROCESSES = {"workers": "2", "code_lifetime": "600", "trusted_proxies": "127.0.0.1/32"}

Form = dict[str, str]


class Crowd:
    """Open connections that ask at the same moment; `told` counts what they were told."""

    def __init__(self, troth: Troth, number: int) -> None:
        kind: dict[str, Any] = {"base_url": troth.issuer, "timeout": 30, "trust_env": False}
        self.number = number
        self.told = Counter[int]()
        self._https = [httpx2.Client(**kind) for _ in range(number)]
        self._turns = cycle(self._https)
        self._pool = ThreadPoolExecutor(number)
        for http in self._https:
            http.get("/oauth/jwks")

    def post(self, form: Form) -> list[httpx2.Response]:
        """All of them ask the token endpoint for the same."""
        return self.ask(lambda _, http: http.post("/oauth/token", data=form))

    def ask(self, one: Callable[[int, httpx2.Client], httpx2.Response]) -> list[httpx2.Response]:
        answers = self.do(one)
        self.told.update(answer.status_code for answer in answers)
        return answers

    def do(self, one: Callable[[int, httpx2.Client], Any]) -> list[Any]:
        """Whatever each of them does, begun at the same moment."""
        barrier = threading.Barrier(self.number)

        def go(number: int) -> Any:
            barrier.wait()
            return one(number, self._https[number])

        return list(self._pool.map(go, range(self.number)))

    def until_told(self, path: str, form: Form) -> httpx2.Response:
        """What one alone is told, who asks again as long as the server is too busy to say.

        The next time it is another connection: in the end every process was asked.
        """
        http = next(self._turns)
        return until_told(lambda: http.post(path, data=form))

    def move(self) -> None:
        """To another network: whoever presents many wrong secrets has to wait in the old one."""
        elsewhere = somewhere()
        for http in self._https:
            http.headers["x-forwarded-for"] = elsewhere

    def close(self) -> None:
        self._pool.shutdown()
        for http in self._https:
            http.close()


def until_told(ask: Callable[[], httpx2.Response]) -> httpx2.Response:
    deadline = time.monotonic() + 60
    while (answer := ask()).status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


@contextmanager
def crowd_of(troth: Troth, number: int) -> Iterator[Crowd]:
    crowd = Crowd(troth, number)
    try:
        yield crowd
    finally:
        crowd.close()


class Runner:
    """An application of its own, its person who is signed in, and the crowd that acts for it."""

    def __init__(self, troth: Troth, crowd: Crowd, scope: str = "read_write extra") -> None:
        self.crowd = crowd
        self.client: OAuthClient = troth.client(scope=scope)
        self.person: Person = troth.person()
        self.browser = Browser(troth)

    def code(self, **changes: str) -> str:
        return self.client.code(self.person, self.browser, **changes)

    def redeeming(self, code: str) -> Form:
        given = {"grant_type": "authorization_code", "code": code, **self.client.credentials()}
        return given | {"redirect_uri": self.client.redirect_uri}

    def refreshing(self, token: str) -> Form:
        given = {"grant_type": "refresh_token", "refresh_token": token}
        return given | self.client.credentials()

    def tokens(self, **changes: str) -> dict[str, str]:
        told = self.crowd.until_told("/oauth/token", self.redeeming(self.code(**changes)))
        assert told.status_code == 200, told.text
        found: dict[str, str] = told.json()
        return found

    def ask(self, form: Form) -> int:
        return self.crowd.until_told("/oauth/token", form).status_code

    def lives(self, *given: dict[str, str]) -> list[str]:
        """Which of these tokens are still good for something."""
        active = [one["access_token"] for one in given if self._active(one["access_token"])]
        refresh = {one["refresh_token"] for one in given}
        return active + [one for one in refresh if self.ask(self.refreshing(one)) < 400]

    def _active(self, token: str) -> bool:
        form = {"token": token, **self.client.credentials()}
        return bool(self.crowd.until_told("/oauth/introspect", form).json()["active"])


def one_of(runner: Runner, form: Form) -> dict[str, str] | None:
    """What the one was given that won when all asked for this; whoever asks later is refused.

    503 is what a machine says that is too busy to say more within two seconds: where nobody else
    won, one asks again. If that is refused somebody did win, and never heard of it: None.
    """
    answers = runner.crowd.post(form)
    told = Counter(answer.status_code for answer in answers)
    assert told.keys() <= {200, 400, 503}, told
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) <= 1, f"{len(won)} winners"
    if not won:
        assert told[503], "nobody won"
        late = runner.crowd.until_told("/oauth/token", form)
        won = [late.json()] if late.status_code == 200 else []
    assert runner.ask(form) == 400, "what was spent is good once more"
    return won[0] if won else None


def redeem_codes(runner: Runner, rounds: int, **changes: str) -> dict[str, int]:
    """R3: of many that redeem a code one wins, and its tokens end with the replay."""
    won = []
    for _ in range(rounds):
        won.append(one_of(runner, runner.redeeming(runner.code(**changes))))
        assert not (won[-1] and runner.lives(won[-1])), "a replay did not end it"
    assert chains(runner) == (rounds, rounds), "each code began one chain, and each has ended"
    return {"rounds": rounds, "most_winners_of_a_round": 1, "winners_told_503": won.count(None)}


def refresh_strictly(runner: Runner, rounds: int) -> dict[str, int]:
    """R4 without a window: one wins, all others are replays, and the family ends with them."""
    won = []
    for _ in range(rounds):
        first = runner.tokens()
        won.append(one_of(runner, runner.refreshing(first["refresh_token"])))
        family = [each for each in (first, won[-1]) if each is not None]
        assert not runner.lives(*family), "a replay did not end it"
    assert chains(runner) == (rounds, rounds), "each family has ended"
    assert generations(runner) == {2}, "each first token was exchanged once"
    return {"rounds": rounds, "most_winners_of_a_round": 1, "winners_told_503": won.count(None)}


def refresh_in_the_window(runner: Runner, rounds: int) -> dict[str, int]:
    """R4 with a window: all are given the same successor, and it lives: the next round says so."""
    token = runner.tokens()["refresh_token"]
    for _ in range(rounds):
        form = runner.refreshing(token)
        answers = runner.crowd.post(form)
        if all(answer.status_code == 503 for answer in answers):
            answers = [runner.crowd.until_told("/oauth/token", form)]
        told = {answer.status_code for answer in answers}
        assert told <= {200, 503}, f"refused: {told}"
        leaves = {a.json()["refresh_token"] for a in answers if a.status_code == 200}
        assert len(leaves) == 1, f"{len(leaves)} leaves"
        token = leaves.pop()
    assert generations(runner) == {rounds + 1}, "one step for each round, however many asked"
    assert runner.ask(runner.refreshing(token)) == 200, "the last leaf lives"
    return {"rounds": rounds, "most_leaves_of_a_round": 1}


def chains(runner: Runner) -> tuple[int, int]:
    """How many there are of this client, and how many were revoked."""
    counted = "select count(*), count(revoked_at) from chain where client_id = ?"
    ((all_of_them, revoked),) = runner.client.troth.rows(counted, runner.client.client_id)
    return all_of_them, revoked


def generations(runner: Runner) -> set[int]:
    """The generations of this client's chains; a new one is of the first."""
    asked = "select distinct generation from chain where client_id = ?"
    return {row[0] for row in runner.client.troth.rows(asked, runner.client.client_id)}
