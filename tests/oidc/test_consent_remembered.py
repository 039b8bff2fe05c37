"""What a person said is remembered, also what they left out: only what is new is asked."""

import secrets
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer, forms
from tests.spec import spec

CONSENT = 'id="consent"'


@dataclass
class Visit:
    """A person in a browser, and an application with three scopes that may be left out."""

    troth: Troth
    browser: Browser
    person: Person
    client: OAuthClient
    optional: tuple[str, ...]

    def ask(self, *names: str, **more: str) -> Any:
        asked = self.client.parameters(scope=" ".join(names), **more)
        return self.browser.follow(self.browser.get("/oauth/authorize", params=asked))

    def allow(self, page: Any, *without: str) -> str:
        """The scope of the tokens that come of it."""
        assert CONSENT in page.text
        inputs = forms(page.text)["consent"]["inputs"]
        kept = [pair for pair in inputs if pair[1] not in without]
        return self.granted(self.browser.post("/consent", [*kept, ("decision", "allow")]))

    def granted(self, response: Any) -> str:
        return str(self.client.redeem(answer(response)["code"]).json()["scope"])


@pytest.fixture
def visit(troth: Troth) -> Visit:
    optional = tuple(f"scope_{secrets.token_hex(4)}" for _ in range(3))
    for name in optional:
        troth.cli("scope", "add", name, "--description", f"See {name}", "--optional")
    client = troth.client(scope=" ".join(("read_write", *optional)))
    browser, person = Browser(troth), troth.person()
    browser.sign_in(browser.get("/login"), person)
    return Visit(troth, browser, person, client, optional)


def ticked(page: Any) -> set[str]:
    return {value for name, value in forms(page.text)["consent"]["inputs"] if name == "scope"}


@spec("RFC 6749 §3.3", "OIDC Core §3.1.2.4")
def test_who_left_something_out_is_not_asked_again(visit: Visit) -> None:
    one, two, _ = visit.optional
    asked = ("read_write", one, two)
    assert visit.allow(visit.ask(*asked), two) == f"read_write {one}"
    for more in ({}, {"prompt": "none"}):
        assert visit.granted(visit.ask(*asked, **more)) == f"read_write {one}"
    assert visit.granted(visit.ask("read_write", two)) == "read_write"


@spec("OIDC Core §3.1.2.4")
def test_only_what_was_never_asked_is_new_and_what_was_left_out_stays_unticked(
    visit: Visit,
) -> None:
    one, two, three = visit.optional
    visit.allow(visit.ask("read_write", one, two), two)
    page = visit.ask("read_write", one, two, three)
    assert page.text.count(">New</span>") == 1
    assert ticked(page) == {one, three}
    assert visit.allow(page, one) == f"read_write {three}", "the last answer counts"
    again = visit.ask("read_write", one, two, three, prompt="consent")
    assert ">New</span>" not in again.text
    assert ticked(again) == {three}
    tick = [*forms(again.text)["consent"]["inputs"], ("scope", two), ("decision", "allow")]
    assert visit.granted(visit.browser.post("/consent", tick)) == f"read_write {two} {three}"
    assert visit.granted(visit.ask("read_write", two)) == f"read_write {two}"


@spec("OIDC Core §3.1.2.4", "OIDC Core §3.1.2.6")
def test_who_left_out_all_that_is_asked_is_asked(visit: Visit) -> None:
    one, two, _ = visit.optional
    visit.allow(visit.ask("read_write", one, two), one, two)
    assert ticked(visit.ask(one, two)) == set()
    assert answer(visit.ask(one, prompt="none"))["error"] == "consent_required"


@spec("OIDC Core §3.1.2.4", "OIDC Core §3.1.2.6")
def test_what_was_left_out_is_asked_about_again_once_it_is_required(visit: Visit) -> None:
    one, *_ = visit.optional
    visit.allow(visit.ask("read_write", one), one)
    visit.troth.cli("scope", "add", one, "--description", f"See {one}")
    assert answer(visit.ask("read_write", one, prompt="none"))["error"] == "consent_required"
    page = visit.ask("read_write", one)
    assert ">New</span>" in page.text
    assert visit.allow(page) == f"read_write {one}"
