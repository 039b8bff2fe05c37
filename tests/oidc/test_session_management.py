"""In a real browser an application asks a frame whether the same person is still signed in."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from tests.availability import CHROMIUM, CHROMIUM_ARGS
from tests.harness import Person, Plain, Troth
from tests.oidc.https import HTML, Application, https_issuer
from tests.outside import Answer, Outside
from tests.spec import spec

pytestmark = pytest.mark.chromium

Sit = Callable[..., Page]

ASK = """(message) => new Promise((said) => {
  addEventListener("message", (event) => said([event.data, event.origin]), {once: true});
  document.getElementById("op").contentWindow.postMessage(message, "*");
})"""


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troth]:
    troth = https_issuer(tmp_path_factory.mktemp("issuer"))
    yield troth
    assert troth.stop() == 0


@pytest.fixture
def person(issuer: Troth) -> Person:
    return issuer.person()


def watched(issuer: Troth, outside: Outside, host: str) -> Application:
    """An application with a page that holds the server's frame."""
    made = Application.registered(issuer, outside, host)
    frame = f"{issuer.issuer}/oauth/check_session"
    html = f"<!doctype html><link rel=icon href=data:,><iframe id=op src={frame}></iframe>"
    outside.answers[made.path("/watch")] = Answer(html.encode(), headers=HTML)
    return made


@pytest.fixture(params=["localhost", "127.0.0.1"], ids=["of the same site", "of another site"])
def app(issuer: Troth, outside: Outside, request: pytest.FixtureRequest) -> Application:
    return watched(issuer, outside, request.param)


@pytest.fixture
def page(chromium: Chromium, tmp_path: Path) -> Iterator[Page]:
    """A tab in which frames of other sites have their cookies, as browsers once were."""
    profile = tmp_path / "profile" / "Default"
    profile.mkdir(parents=True)
    allowed = {"cookie_controls_mode": 0, "block_third_party_cookies": False}
    (profile / "Preferences").write_text(json.dumps({"profile": allowed}))
    context = chromium.browser_type.launch_persistent_context(
        profile.parent,
        executable_path=CHROMIUM,
        args=[*CHROMIUM_ARGS],
        ignore_https_errors=True,
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


class Watching:
    """A tab of the application, beside the one in which things happen."""

    def __init__(self, app: Application, page: Page) -> None:
        self.app = app
        self.page = page.context.new_page()
        self.page.goto(app.url("/watch"))

    def ask(self, session_state: str) -> Any:
        status, origin = self.page.evaluate(ASK, f"{self.app.client.client_id} {session_state}")
        assert origin == self.app.client.troth.issuer
        return status


def log_out(page: Page, issuer: Troth) -> None:
    page.goto(f"{issuer.issuer}/logout")
    page.click("#confirm")
    page.wait_for_selector("h1:has-text('You are signed out')")


@spec("OIDC Session Management §2", "OIDC Session Management §3.1", "OIDC Session Management §3.3")
def test_unchanged_turns_to_changed_when_the_person_signs_out(
    page: Page, issuer: Troth, app: Application, person: Person
) -> None:
    state = app.log_in(page, person)["session_state"]
    watching = Watching(app, page)
    assert watching.ask(state) == "unchanged"
    again = app.log_in(page, person)["session_state"]
    assert again != state, "each answer has a salt of its own"
    assert [watching.ask(one) for one in (state, again)] == ["unchanged"] * 2
    log_out(page, issuer)
    assert [watching.ask(one) for one in (state, again)] == ["changed"] * 2


@spec("OIDC Session Management §3.3")
def test_it_is_changed_by_another_person_and_not_by_a_password_entered_again(
    page: Page, issuer: Troth, app: Application, person: Person
) -> None:
    state = app.log_in(page, person)["session_state"]
    watching = Watching(app, page)
    app.log_in(page, person, prompt="login")
    assert watching.ask(state) == "unchanged"
    log_out(page, issuer)
    other = app.log_in(page, issuer.person())["session_state"]
    assert [watching.ask(one) for one in (state, other)] == ["changed", "unchanged"]


@spec("OIDC Session Management §3.3", "OIDC RP-Initiated Logout §3")
def test_it_is_changed_where_an_application_had_the_person_signed_out(
    page: Page, issuer: Troth, app: Application, outside: Outside, person: Person
) -> None:
    leaver = Application.registered(issuer, outside, "127.0.0.1", post_logout=True)
    state = app.log_in(page, person)["session_state"]
    leaver.log_in(page, person)
    watching = Watching(app, page)
    asked = f"client_id={leaver.client.client_id}&post_logout_redirect_uri={leaver.url('/out')}"
    page.goto(f"{issuer.issuer}/oauth/end_session?{asked}")
    page.click("#stay")
    assert watching.ask(state) == "unchanged"
    page.goto(f"{issuer.issuer}/oauth/end_session?{asked}")
    page.click("#confirm")
    page.wait_for_selector("#landed")
    assert watching.ask(state) == "changed"


@spec("OIDC Session Management §3.3")
def test_what_is_no_question_is_an_error(page: Page, app: Application, person: Person) -> None:
    app.log_in(page, person)
    assert Watching(app, page).ask("garbage") == "error"


@spec("OIDC Session Management §3.3")
def test_a_browser_that_hides_our_cookies_from_frames_is_no_reason_to_ask_for_ever(
    sit_down: Sit, issuer: Troth, outside: Outside, person: Person
) -> None:
    """After "changed" an application asks the server whether anybody is there; after this not."""
    app = watched(issuer, outside, "127.0.0.1")
    page = sit_down(ignore_https_errors=True)
    state = app.log_in(page, person)["session_state"]
    assert Watching(app, page).ask(state) == "error"


@spec("OIDC Session Management §3.2", "OIDC Session Management §3.3")
def test_the_metadata_names_a_frame_that_any_site_may_hold(troth: Troth) -> None:
    with Plain(troth) as http:
        metadata = http.get("/.well-known/openid-configuration").json()
        assert metadata["check_session_iframe"] == troth.issuer + "/oauth/check_session"
        frame = http.get("/oauth/check_session")
    assert "x-frame-options" not in frame.headers
    policy = frame.headers["content-security-policy"]
    assert "frame-ancestors *" in policy
    assert "form-action 'none'" in policy
    assert "troth-state" in frame.text
