"""Passwords under attack: guessing, telling accounts apart, names that look alike."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import httpx2
import pytest

from tests.engines import Engine
from tests.harness import PASSWORD, Browser, Person, Troth, forms, somewhere

WRONG = "canary but not the right one"


@pytest.fixture(scope="module")
def person(proxied: Troth) -> Person:
    return proxied.person("known")


@pytest.fixture
def victim(proxied: Troth) -> Person:
    return proxied.person()


def log_in(
    troth: Troth,
    username: str,
    password: str,
    network: str | None = None,
    browser: Browser | None = None,
) -> httpx2.Response:
    browser = browser or Browser(troth)
    page = browser.get("/login")
    typed = {"username": username, "password": password}
    headers = {"x-forwarded-for": network or somewhere()}
    return browser.submit(page, "login", typed, headers=headers)


def attempts(troth: Troth, kind: str) -> dict[str, int]:
    return dict(troth.rows('select "key", failures from attempt where "key" like ?', kind + ":%"))


def failures(troth: Troth, person: Person) -> int:
    return attempts(troth, "account").get(f"account:{person.sub}", 0)


def until_limited(attempt: Callable[[], httpx2.Response], most: int) -> int:
    """Guess until the server says wait; how many guesses were heard."""
    for heard in range(most + 1):
        response = attempt()
        if response.status_code == 429:
            assert int(response.headers["retry-after"]) >= 1
            return heard
        assert response.status_code == 400
    raise AssertionError(f"{most} guesses were all heard")


def block(troth: Troth, person: Person) -> None:
    """The state after many wrong guesses: nobody may try for five minutes."""
    log_in(troth, person.username, WRONG)
    until = int(time.time()) + 300
    troth.execute(
        'update attempt set failures = 20, blocked_until = ? where "key" = ?',
        until,
        f"account:{person.sub}",
    )


def masked(response: httpx2.Response) -> tuple[int, dict[str, str], list[str], str]:
    """What an attacker may compare: all but random values and what they typed themselves."""
    found = forms(response.text)["login"]
    body = response.text
    for name, value in found["inputs"]:
        if name in ("form_token", "pending", "username") and value:
            body = body.replace(value, f"({name})")
    body = re.sub(r"Wait \d+ second", "Wait N second", body)
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in ("x-request-id", "date", "set-cookie", "content-length", "retry-after")
    }
    cookies = [c.partition("=")[0] for c in response.headers.get_list("set-cookie")]
    return response.status_code, headers, cookies, body


def test_LG_01_unknown_wrong_disabled_and_passwordless_get_the_same_answer(
    proxied: Troth, person: Person
) -> None:
    disabled = proxied.person()
    proxied.cli("user", "disable", disabled.username)
    proxied.cli("user", "create", "--username", "without")
    answers = [
        masked(log_in(proxied, name, password))
        for name, password in (
            (person.username, WRONG),
            ("nobody-of-that-name", WRONG),
            (disabled.username, PASSWORD),
            ("without", WRONG),
            ("nul\u200bjoiner", WRONG),
        )
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 400


def test_LG_01_a_blocked_account_looks_like_a_blocked_name_of_nobody(
    proxied: Troth, victim: Person
) -> None:
    known = _first_refusal(proxied, victim.username)
    nobody = _first_refusal(proxied, "nobody-at-all")
    assert known == nobody
    assert known[0] == 429


def _first_refusal(troth: Troth, name: str) -> tuple[int, dict[str, str], list[str], str]:
    for _ in range(9):
        response = log_in(troth, name, WRONG)
        if response.status_code == 429:
            return masked(response)
    raise AssertionError("never limited")


def test_LG_03_one_account_from_one_network_and_from_many(proxied: Troth, victim: Person) -> None:
    here = somewhere()
    assert until_limited(lambda: log_in(proxied, victim.username, WRONG, here), 8) >= 5
    other = proxied.person()
    assert until_limited(lambda: log_in(proxied, other.username, WRONG), 8) >= 5


def test_LG_03_one_password_for_many_accounts_from_one_network(proxied: Troth) -> None:
    here, names = somewhere(), count()
    heard = until_limited(lambda: log_in(proxied, f"spray{next(names)}", WRONG, here), 23)
    assert heard >= 20
    assert log_in(proxied, "spray-elsewhere", WRONG).status_code == 400


def test_LG_03_the_right_password_clears_the_account_and_not_the_network(
    proxied: Troth, victim: Person
) -> None:
    here = somewhere()
    log_in(proxied, "spray-before", WRONG, here)
    for _ in range(3):
        log_in(proxied, victim.username, WRONG, here)
    assert log_in(proxied, victim.username, PASSWORD, here).status_code == 303
    assert failures(proxied, victim) == 0
    assert attempts(proxied, "net")[f"net:{here}"] == 4


def test_LG_04_parallel_guesses_are_counted_before_they_are_heard(
    proxied: Troth, victim: Person
) -> None:
    browser = Browser(proxied)
    found = forms(browser.get("/login").text)["login"]
    data = dict(found["inputs"]) | {"username": victim.username, "password": WRONG}
    cookies = "; ".join(f"{c.name}={c.value}" for c in browser.http.cookies.jar)

    def guess(_: int) -> int:
        headers = {"x-forwarded-for": somewhere(), "cookie": cookies}
        with httpx2.Client(base_url=proxied.issuer, timeout=20, trust_env=False) as http:
            return http.post("/login", data=data, headers=headers).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(guess, range(50)))
    assert set(statuses) <= {400, 429, 503}
    assert statuses.count(400) == failures(proxied, victim)
    assert 5 <= statuses.count(400) <= 9


def test_LG_05_every_spelling_of_an_account_has_one_budget(proxied: Troth) -> None:
    victim = proxied.person("spelled")
    spellings = (
        "spelled",
        "SPELLED",
        "spelled ",
        "\uff53pelled",
        "Spelled@People.Example",
        victim.sub,
    )
    for spelling in spellings[:5]:
        assert log_in(proxied, spelling, WRONG).status_code == 400
    assert failures(proxied, victim) == 5
    assert log_in(proxied, spellings[5], PASSWORD).status_code == 400, "a sub is no login name"


def test_LG_06_a_stranger_cannot_lock_a_person_out_of_a_known_device(
    proxied: Troth, victim: Person
) -> None:
    own = Browser(proxied)
    assert log_in(proxied, victim.username, PASSWORD, browser=own).status_code == 303
    own.submit(own.get("/logout"), "logout")
    block(proxied, victim)
    assert log_in(proxied, victim.username, PASSWORD).status_code == 429
    assert log_in(proxied, victim.username, PASSWORD, browser=own).status_code == 303


def test_LG_06_a_device_of_somebody_else_brings_no_budget(proxied: Troth, victim: Person) -> None:
    attacker = Browser(proxied)
    mallory = proxied.person()
    assert log_in(proxied, mallory.username, PASSWORD, browser=attacker).status_code == 303
    attacker.submit(attacker.get("/logout"), "logout")
    block(proxied, victim)
    assert log_in(proxied, victim.username, PASSWORD, browser=attacker).status_code == 429


def test_LG_06_no_user_name_looks_like_an_address(proxied: Troth, person: Person) -> None:
    taken = proxied.run_cli("user", "create", "--username", "known@people.example", "--json")
    assert (taken.returncode, taken.stdout) == (1, "")
    clash = proxied.run_cli(
        "user", "create", "--username", "third", "--email", "KNOWN@people.example", "--json"
    )
    assert (clash.returncode, clash.stdout) == (1, "")


def test_LG_07_a_header_of_an_untrusted_peer_names_no_network(
    tmp_path: Path, engine: Engine
) -> None:
    troth = engine.troth(tmp_path).start()
    try:
        for number in range(3):
            log_in(troth, f"name{number}", WRONG, f"1.2.3.{number}")
        assert attempts(troth, "net") == {"net:127.0.0.1": 3}
    finally:
        troth.stop()


def test_LG_07_an_ipv6_64_is_one_network(proxied: Troth) -> None:
    for last in ("2::1", "2:1:2:3:4", "2:ffff:ffff:ffff:ffff", "3::1"):
        log_in(proxied, f"name{last[-3:]}", WRONG, f"2001:db8:1:{last}")
    found = attempts(proxied, "net")
    assert {key: n for key, n in found.items() if "2001" in key} == {
        "net:2001:db8:1:2::": 3,
        "net:2001:db8:1:3::": 1,
    }


def test_LG_07_ipv4_seen_through_an_ipv6_socket_is_not_one_network_of_all(proxied: Troth) -> None:
    for last in (7, 8):
        log_in(proxied, f"mapped{last}", WRONG, f"::ffff:203.0.114.{last}")
    found = attempts(proxied, "net")
    assert {key for key in found if "203.0.114" in key} == {"net:203.0.114.7", "net:203.0.114.8"}
    assert "net:::" not in found
