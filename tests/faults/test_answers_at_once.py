"""A person's answer counts once, however often and wherever it is given at the same moment."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.figures import note, short_or_long
from tests.faults.pages import Filled, cookies
from tests.faults.races import TWO_PROCESSES, Crowd, crowd_of, until_told
from tests.harness import Browser, OAuthClient, Person, Troth, answer
from tests.oidc.logouts import settled, told
from tests.outside import Outside

_AT_ONCE = short_or_long(16, 64)
_ROUNDS = short_or_long(3, 100)

_ALLOWED = "select count(*) from audit where event = 'consent' and client_id = ?"


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine, outside: Outside
) -> Iterator[Troth]:
    folder = tmp_path_factory.mktemp("answers")
    may = {"fetch_allow": outside.allow(), "fetch_ca_file": str(outside.ca_file)}
    server = installed(engine.troth(folder, **TWO_PROCESSES, **may))
    yield server
    assert server.stop() == 0


@pytest.fixture
def crowd(pair: Troth) -> Iterator[Crowd]:
    with crowd_of(pair, _AT_ONCE) as made:
        yield made


@pytest.fixture
def person(pair: Troth) -> Person:
    return pair.person()


@pytest.fixture
def browser(pair: Troth, person: Person) -> Browser:
    browser = Browser(pair)
    browser.sign_in(browser.get("/login"), person)
    return browser


def asked(browser: Browser, client: OAuthClient, **changes: str) -> httpx2.Response:
    return browser.follow(browser.get("/oauth/authorize", params=client.parameters(**changes)))


def told_once(answers: list[httpx2.Response], again: httpx2.Response) -> dict[str, str] | None:
    """What the application hears: of one answer, whichever. `again` is who was asked afterwards.

    None where the one that counted was told 503: it was committed, and nobody heard of it.
    """
    statuses = Counter(each.status_code for each in answers)
    assert statuses.keys() <= {303, 400, 503}, statuses
    heard = [answer(each) for each in [*answers, again] if each.status_code == 303]
    assert len(heard) <= 1, f"{len(heard)} answers count"
    assert heard or statuses[503], "no answer counts"
    return heard[0] if heard else None


def at_once(crowd: Crowd, form: Filled, *typed: dict[str, str]) -> list[httpx2.Response]:
    """All send it, with what each in turn has typed."""
    return crowd.ask(lambda number, http: form.send(http, typed[number % len(typed)]))


@pytest.mark.parametrize("decisions", [("allow", "deny"), ("allow", "allow")], ids=" and ".join)
def test_CC_05_CC_06_a_request_is_answered_once(
    pair: Troth, crowd: Crowd, engine: Engine, browser: Browser, decisions: tuple[str, str]
) -> None:
    """One outcome, and what is remembered is that one."""
    heard, typed = Counter[str](), [{"decision": each} for each in decisions]
    remembered = 'select count(*) from "authorization" where client_id = ?'
    for _ in range(_ROUNDS):
        client = pair.client()
        consent = Filled(browser, asked(browser, client), "consent")
        answers = at_once(crowd, consent, *typed)
        late = until_told(partial(consent.send, browser.http, typed[0]))
        outcome = told_once(answers, late) or {}
        ((kept,),) = pair.rows(remembered, client.client_id)
        if "code" in outcome:
            assert kept == 1
            assert client.redeem(outcome["code"]).status_code == 200
        elif outcome:
            assert (outcome["error"], kept) == ("access_denied", 0)
        heard[outcome.get("error", "code" if outcome else "nothing")] += 1
    name = f"CC-05 {' and '.join(decisions)}, {_AT_ONCE} at once, {engine.variant}"
    note(name, **heard, most_outcomes_of_a_request=1)


def allowed_beside_a_deletion(
    crowd: Crowd, client: OAuthClient, consents: list[Filled], chance: random.Random
) -> list[tuple[bool, httpx2.Response]]:
    """What came of each consent, and whether it was given after the command had ended."""
    over, waits = threading.Event(), [chance.uniform(0, 0.02) for _ in consents]

    def delete() -> list[tuple[bool, httpx2.Response]]:
        client.troth.cli("client", "delete", client.client_id, "--yes")
        over.set()
        return []

    def allow(mine: range, http: httpx2.Client) -> list[tuple[bool, httpx2.Response]]:
        answers = []
        for each in mine:
            time.sleep(waits[each])
            late = over.is_set()
            answers.append((late, consents[each].send(http, {"decision": "allow"})))
        return answers

    def one(number: int, http: httpx2.Client) -> list[tuple[bool, httpx2.Response]]:
        mine = range(number - 1, len(consents), crowd.number - 1)
        return allow(mine, http) if number else delete()

    return [each for of_one in crowd.do(one) for each in of_one]


def test_CC_05_nothing_is_approved_for_a_client_that_is_deleted(
    pair: Troth, engine: Engine, browser: Browser
) -> None:
    """People press Allow while the operator's command runs: it counts before, or never."""
    chance, became = random.Random(5), Counter[int]()
    with crowd_of(pair, 5) as crowd:
        for _ in range(short_or_long(2, 50)):
            client = pair.client()
            pages = [asked(browser, client, prompt="consent") for _ in range(20)]
            consents = [Filled(browser, page, "consent") for page in pages]
            answers = allowed_beside_a_deletion(crowd, client, consents, chance)
            became.update(given.status_code for _, given in answers)
            codes = [answer(given)["code"] for _, given in answers if given.status_code == 303]
            assert not any(late and given.status_code == 303 for late, given in answers)
            ((allowed,),) = pair.rows(_ALLOWED, client.client_id)
            assert len(codes) <= allowed <= sum(not late for late, _ in answers)
            assert len(set(codes)) == len(codes)
            assert {client.redeem(code).status_code for code in codes} <= {401}
            assert client.client_id not in browser.get("/account").text
    assert became.keys() <= {303, 400, 503}
    name = f"CC-05 allowed while the client is deleted, {engine.variant}"
    note(name, approved_before=became[303], refused=became[400])


def opening(
    address: str, headers: dict[str, str]
) -> Callable[[int, httpx2.Client], httpx2.Response]:
    return lambda _, http: http.get(address, headers=headers)


def test_CC_06_a_login_that_was_asked_for_is_good_for_one_code(
    pair: Troth, crowd: Crowd, engine: Engine, person: Person, browser: Browser
) -> None:
    """The address of a page on the way stays in the history, and is opened by many at once."""
    for _ in range(_ROUNDS):
        client = pair.client()
        login = asked(browser, client, prompt="login")
        typed = {"username": person.username, "password": person.password}
        proven = browser.submit(login, "login", typed).headers["location"]
        assert "code" in answer(browser.authorize(client.parameters(), person)), "it is remembered"
        address = proven.replace("/consent?", "/login?")
        answers = crowd.ask(opening(address, cookies(browser)))
        told_once(answers, until_told(partial(browser.http.get, address)))
    note(f"CC-06 one login, {_AT_ONCE} codes asked for at once, {engine.variant}", rounds=_ROUNDS)


def test_CC_06_a_logout_is_told_once(
    pair: Troth, crowd: Crowd, engine: Engine, outside: Outside, person: Person
) -> None:
    """A session that many end at once ends once, and its application hears of it once."""
    client, path = told(pair, outside, status=200)
    for heard in range(1, _ROUNDS + 1):
        browser = Browser(pair)
        client.tokens(person, browser, scope="openid")
        logout = Filled(browser, browser.get("/logout"), "logout")
        answers = at_once(crowd, logout, {})
        assert {each.status_code for each in answers} <= {200, 403, 503}
        until_told(partial(logout.send, browser.http, {}))
        settled(client)
        assert outside.count(path) == heard
    note(f"CC-06 one session, ended {_AT_ONCE} times at once, {engine.variant}", told_once=_ROUNDS)
