"""What a person allowed ends when the page said that it would."""

import time
from typing import Any

import pytest

from tests.harness import Browser, Troth, answer
from tests.oracles import refused

YEAR = 365 * 86400


class Asked:
    """Somebody who is signed in, and an application that asks them."""

    def __init__(self, troth: Troth) -> None:
        self.troth, self.person, self.client = troth, troth.person(), troth.client()
        self.browser = Browser(troth)
        self.browser.sign_in(self.browser.get("/login"), self.person)

    def ask(self, scope: str, **more: str) -> Any:
        parameters = self.client.parameters(scope=scope, **more)
        return self.browser.follow(self.browser.get("/oauth/authorize", params=parameters))

    def allow(self, page: Any) -> Any:
        assert 'id="consent"' in page.text
        response = self.browser.submit(page, "consent", {"decision": "allow"})
        return self.client.redeem(answer(response)["code"]).json()

    def ends_in(self, seconds: int) -> None:
        self.troth.execute(
            'update "authorization" set expires_at = ? where sub = ?',
            int(time.time()) + seconds,
            self.person.sub,
        )

    def latest_end(self) -> int:
        """The end of the answer that counts: the newest."""
        ((end,),) = self.troth.rows(
            'select expires_at from "authorization" where sub = ? '
            "order by created_at desc, expires_at desc limit 1",
            self.person.sub,
        )
        return int(end)


@pytest.fixture
def asked(troth: Troth) -> Asked:
    return Asked(troth)


def test_what_has_ended_is_asked_anew_and_comes_back_with_nothing(asked: Asked) -> None:
    asked.allow(asked.ask("read_write extra"))
    asked.ends_in(-3600)
    page = asked.ask("read_write")
    assert "at most 1 year" in page.text
    assert "You allowed this application before" not in page.text
    assert asked.allow(page)["scope"] == "read_write"
    page = asked.ask("read_write extra")
    assert 'id="consent"' in page.text, "extra has ended, and nobody allowed it again"


def test_what_was_not_shown_keeps_its_end_and_the_page_says_it(asked: Asked) -> None:
    asked.allow(asked.ask("read_write extra"))
    asked.ends_in(30 * 86400)
    end = asked.latest_end()
    page = asked.ask("read_write", prompt="consent")
    assert "at most until " in page.text
    assert "at most 1 year" not in page.text
    asked.allow(page)
    assert asked.latest_end() == end
    asked.ends_in(-1)
    assert 'id="consent"' in asked.ask("read_write extra").text


def test_what_was_all_shown_again_lasts_anew(asked: Asked) -> None:
    asked.allow(asked.ask("read_write"))
    asked.ends_in(30 * 86400)
    page = asked.ask("read_write extra")
    assert "at most 1 year" in page.text
    asked.allow(page)
    assert asked.latest_end() > time.time() + YEAR - 600


def test_an_answer_after_the_end_revives_no_refresh_token(asked: Asked) -> None:
    tokens = asked.allow(asked.ask("read_write"))
    asked.ends_in(-3600)
    asked.allow(asked.ask("read_write"))
    assert refused(asked.client.refresh(tokens["refresh_token"]))
    assert not asked.client.active(tokens["access_token"])


def test_an_end_is_told_in_words_that_are_the_same_a_second_later(asked: Asked) -> None:
    asked.allow(asked.ask("read_write extra"))
    next_second()
    asked.ends_in(YEAR)  # as if that had been in this second
    page = asked.ask("read_write", prompt="consent")
    next_second()
    assert asked.allow(page)["scope"] == "read_write", "nobody is asked again for it"


def next_second() -> None:
    time.sleep(1 - time.time() % 1)
