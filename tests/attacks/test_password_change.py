"""Choosing a password: it keeps nobody from logging in, and strangers keep nobody from it."""

import asyncio
import time
import unicodedata

import pytest

from tests.attacks.test_login import block, log_in
from tests.attacks.test_passwords import NEW, change
from tests.harness import PASSWORD, Browser, Person, Troth
from troth.accounts.passwords import Passwords, easy_to_guess, hash_now
from troth.errors import NoPlace

# What makes an estimate of its guesses take longest: each sign may stand for several letters.
DEAR = '4@8({[</369&6#!1!|017|$57+%2"' * 3


@pytest.fixture
def troth(proxied: Troth) -> Troth:
    return proxied


@pytest.mark.anyio
async def test_RX_01_who_chooses_a_password_keeps_nobody_from_logging_in() -> None:
    passwords, order = Passwords(), list[str]()
    stored = hash_now(PASSWORD)

    async def choose() -> None:
        await passwords.easy_to_guess(DEAR, ())
        order.append("chosen")

    async def log_in_meanwhile() -> None:
        assert await passwords.verify(stored, PASSWORD)
        order.append("logged in")

    choosing = [choose() for _ in range(passwords.slots + 8)]
    await asyncio.gather(*choosing, log_in_meanwhile())
    assert order[-1] == "chosen", "a login stands in no line behind them"
    passwords.close()


@pytest.mark.anyio
async def test_RX_01_there_is_an_end_to_who_waits_for_an_estimate() -> None:
    passwords = Passwords()
    waiting = [asyncio.create_task(passwords.easy_to_guess(DEAR, ())) for _ in range(64)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_EXCEPTION)
    refused = [task for task in done if task.exception() is not None]
    assert len(refused) > 30
    assert all(isinstance(task.exception(), NoPlace) for task in refused)
    for task in waiting:
        task.cancel()
    passwords.close()


@pytest.mark.parametrize(
    ("password", "easy"),
    [("password", True), ("password" * 9, True), ("password" * 3 + "kq7#vz1!", False),
     ("canary correct horse battery", False), ("ada.lovelace1815", True), (DEAR, False)],
)  # fmt: skip
def test_LG_10_a_long_password_is_easy_only_where_every_part_of_it_is(
    password: str, easy: bool
) -> None:
    assert easy_to_guess(password, ("ada.lovelace1815",)) is easy


def test_LG_06_strangers_keep_nobody_from_changing_their_password(
    troth: Troth, signed_in: tuple[Browser, Person]
) -> None:
    browser, person = signed_in
    block(troth, person)
    assert change(browser, PASSWORD, NEW).status_code == 303


def test_LG_03_the_current_password_is_not_guessed_on_the_account_page_either(
    troth: Troth, signed_in: tuple[Browser, Person]
) -> None:
    browser, _ = signed_in
    of_devices = 'select "key" from attempt where "key" like \'device:%\''
    before = troth.rows(of_devices)
    assert change(browser, "canary wrong", NEW).status_code == 400
    ((own,),) = (row for row in troth.rows(of_devices) if row not in before)
    update = 'update attempt set failures = 20, blocked_until = ? where "key" = ?'
    troth.execute(update, int(time.time()) + 300, own)
    refused = change(browser, PASSWORD, NEW)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 300
    assert f"Wait {refused.headers['retry-after']} seconds" in refused.text


def test_LG_10_who_proved_to_be_there_may_go_on_choosing(
    signed_in: tuple[Browser, Person],
) -> None:
    browser, _ = signed_in
    easy = [change(browser, PASSWORD, "password1") for _ in range(8)]
    assert {one.status_code for one in easy} == {400}
    assert all("easy to guess" in one.text for one in easy)
    guessed = change(browser, "canary wrong", "password1")
    assert "easy to guess" not in guessed.text, "nothing is estimated for a stranger"
    assert change(browser, PASSWORD, NEW).status_code == 303


def test_LG_06_a_device_that_knew_the_former_password_only_has_no_budget_of_its_own(
    troth: Troth, signed_in: tuple[Browser, Person]
) -> None:
    browser, person = signed_in
    former = Browser(troth)
    assert log_in(troth, person.username, PASSWORD, browser=former).status_code == 303
    assert change(browser, PASSWORD, NEW).status_code == 303
    block(troth, person)
    assert log_in(troth, person.username, NEW, browser=former).status_code == 429
    browser.submit(browser.get("/logout"), "logout")
    assert log_in(troth, person.username, NEW, browser=browser).status_code == 303


def test_LG_09_one_password_in_two_spellings_is_one(
    troth: Troth, signed_in: tuple[Browser, Person]
) -> None:
    browser, person = signed_in
    composed = unicodedata.normalize("NFC", "canary Zoë drinks crème brûlée")
    assert change(browser, PASSWORD, composed).status_code == 303
    apart = unicodedata.normalize("NFD", composed)
    assert apart != composed
    assert log_in(troth, person.username, apart).status_code == 303
