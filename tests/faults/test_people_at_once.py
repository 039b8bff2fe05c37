"""People and operators at the same moment: new accounts, passwords and keys (CC-08 to CC-10)."""

import random
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import httpx2
import pytest
from joserfc import jws

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.figures import note, short_or_long
from tests.faults.pages import Filled
from tests.faults.races import TWO_PROCESSES, Crowd, Form, Runner, crowd_of, until_told
from tests.harness import PASSWORD, Browser, Person, Troth, somewhere

_AT_ONCE = short_or_long(8, 16)
_LOGINS, _REFRESHES = 3, 2
_NEW = "canary another horse battery"
# Seconds from a key's making to its first signature: processes read the keys anew meanwhile.
_LEAD = 2


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    folder = tmp_path_factory.mktemp("people")
    kind = {"registration": "open", "key_publish_lead": str(_LEAD), **TWO_PROCESSES}
    server = installed(engine.troth(folder, **kind))
    yield server
    assert server.stop() == 0


@pytest.fixture
def crowd(pair: Troth) -> Iterator[Crowd]:
    with crowd_of(pair, _AT_ONCE) as made:
        yield made


def from_elsewhere(troth: Troth) -> Browser:
    return Browser(troth, headers={"x-forwarded-for": somewhere()})


@pytest.mark.parametrize("same", ["username", "email"])
def test_CC_08_many_who_register_with_one_name_or_address_make_one_account(
    pair: Troth, crowd: Crowd, engine: Engine, same: str
) -> None:
    for _ in range(short_or_long(2, 30)):
        theirs = {same: newcomer()[same]}
        statuses = [answer.status_code for answer in registered(pair, crowd, theirs)]
        assert set(statuses) <= {303, 400, 503}
        counted = f"select count(*) from person where {same} = ?"
        assert pair.rows(counted, theirs[same]) == [(1,)]
        assert statuses.count(303) == 1 or 503 in statuses
    note(f"CC-08 one {same} registered by {_AT_ONCE} at once, {engine.variant}", accounts=1)


def registered(troth: Troth, crowd: Crowd, same: Form) -> list[httpx2.Response]:
    """What newcomers are told who have one thing in common."""
    pages = [from_elsewhere(troth) for _ in range(crowd.number)]
    forms = [Filled(page, page.get("/register"), "register") for page in pages]

    def register(number: int, http: httpx2.Client) -> httpx2.Response:
        elsewhere = {"x-forwarded-for": somewhere()}
        return forms[number].send(http, newcomer() | same, **elsewhere)

    return crowd.ask(register)


def newcomer() -> Form:
    """What somebody types into the form."""
    name = "new" + secrets.token_hex(6)
    typed = {"username": name, "email": f"{name}@people.example", "name": "Nova Comer"}
    return {**typed, "password": PASSWORD, "repeat_password": PASSWORD}


class Household:
    """One person in several browsers, who changes the password in the first of them."""

    def __init__(self, runner: Runner, chance: random.Random) -> None:
        self.runner = runner
        self.owner = runner.browser
        troth = runner.client.troth
        self.given: list[dict[str, str]] = [runner.tokens() for _ in range(_REFRESHES)]
        self._change = Filled(self.owner, self.owner.get("/account"), "password")
        self.others = [from_elsewhere(troth) for _ in range(_LOGINS)]
        asked = runner.client.parameters()
        pages = [each.follow(each.get("/oauth/authorize", params=asked)) for each in self.others]
        self._logins = [
            Filled(each, page, "login") for each, page in zip(self.others, pages, strict=True)
        ]
        self._over = threading.Event()
        # A change takes as long as a password is looked at, compared and hashed.
        self._waits = [chance.uniform(0, 0.3) for _ in self.others]

    def take_part(self, number: int, _: httpx2.Client) -> None:
        if number == 0:
            self.change_password()
        elif number <= _LOGINS:
            self.log_in(number - 1)
        else:
            self.refresh(number - 1 - _LOGINS)

    def change_password(self) -> None:
        old, new = self.runner.person.password, _NEW
        typed = {"current_password": old, "new_password": new, "repeat_password": new}
        try:
            answer = until_told(partial(self._change.send, self.owner.http, typed))
        finally:
            self._over.set()
        assert answer.headers["location"].endswith("/account?done=password"), answer.text

    def log_in(self, number: int) -> None:
        """With the old password, and on to a code and its tokens where that still counts."""
        person = self.runner.person
        typed = {"username": person.username, "password": person.password}
        time.sleep(self._waits[number])
        answer = self._logins[number].send(self.others[number].http, typed)
        assert answer.status_code in (303, 400, 503), answer.text
        print(
            "LOGIN",
            answer.status_code,
            answer.headers.get("location", "")[:60],
            self._over.is_set(),
        )
        _, _, code = answer.headers.get("location", "").partition("?code=")
        if code:
            self._keep(self.runner.redeeming(code.partition("&")[0]))

    def refresh(self, number: int) -> None:
        token: str | None = self.given[number]["refresh_token"]
        while token is not None and not self._over.is_set():
            token = self._keep(self.runner.refreshing(token))

    def _keep(self, form: Form) -> str | None:
        answer = until_told(partial(self.owner.http.post, "/oauth/token", data=form))
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 400:
            return None
        self.given.append(answer.json())
        return self.given[-1]["refresh_token"]


def test_CC_10_nothing_of_the_old_password_survives_its_change(pair: Troth, engine: Engine) -> None:
    """Beside logins with it, the codes and tokens that these lead to, and refreshes."""
    chance, ended, rounds = random.Random(10), 0, short_or_long(2, 50)
    with crowd_of(pair, 1 + _LOGINS + _REFRESHES) as crowd:
        runner = Runner(pair, crowd)
        for _ in range(rounds):
            runner.person, runner.browser = pair.person(), from_elsewhere(pair)
            home = Household(runner, chance)
            crowd.do(home.take_part)
            assert not runner.lives(*home.given)
            for other in home.others:
                assert other.get("/account").headers["location"].endswith("/login")
            assert home.owner.get("/account").status_code == 200, "who changed it stays"
            assert logs_in(pair, runner.person) == 400
            assert logs_in(pair, replace(runner.person, password=_NEW)) == 303
            ended += len(home.given)
    note(f"CC-10 a password changed, {engine.variant}", rounds=rounds, tokens_that_ended=ended)


def logs_in(troth: Troth, person: Person) -> int:
    browser = from_elsewhere(troth)
    typed = {"username": person.username, "password": person.password}
    return browser.submit(browser.get("/login"), "login", typed).status_code


def test_CC_09_keys_made_at_once_are_one_order_for_all_processes(
    pair: Troth, crowd: Crowd, engine: Engine
) -> None:
    """After the lead of publication both sign with the same one, which is one of the new ones."""
    form = {"grant_type": "client_credentials"}
    form |= pair.client("--grant-type", "client_credentials").credentials()
    rounds = short_or_long(1, 5)
    for _ in range(rounds):
        with ThreadPoolExecutor(3) as operators:
            made = list(operators.map(lambda _: pair.cli("keys", "rotate")["kid"], range(3)))
        assert len(set(made)) == 3
        time.sleep(_LEAD + 1.5)  # and until each process has heard of it
        kids = {kid(answer.json()) for answer in crowd.post(form)}
        assert len(kids) == 1
        assert kids <= set(made)
        published = httpx2.get(f"{pair.issuer}/oauth/jwks", trust_env=False).json()["keys"]
        assert set(made) <= {key["kid"] for key in published}
    note(f"CC-09 three keys made at once, {engine.variant}", rounds=rounds, signing_keys=1)


def kid(tokens: dict[str, Any]) -> str:
    return str(jws.extract_compact(tokens["access_token"].encode()).headers()["kid"])
