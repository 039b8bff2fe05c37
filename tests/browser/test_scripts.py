"""The three pages with a script, in a real Chromium and under the headers that Troth sends."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import PAGES, Stage, html
from tests.spec import spec
from troth.browser.pages.views import CheckSessionPage, FormPostPage, LoggedOutPage
from troth.http import PageOptions, framed_page, page
from troth.rules.session_state import session_state

pytestmark = pytest.mark.chromium

Sit = Callable[..., Page]
Staged = Callable[..., Stage]

COOKIE = "troth-state"
HELD = "5f1c"


@pytest.fixture
def server(staged: Staged) -> Stage:
    return staged()


@pytest.fixture
def app(staged: Staged) -> Stage:
    here = staged("localhost")
    here.answers["/back"] = html("<h1>Back</h1>")
    return here


def answer_by_form(server: Stage, app: Stage) -> None:
    view = FormPostPage(
        redirect_uri=f"{app.origin}/back",
        parameters=(("code", "a+b"), ("submit", '"><b>'), ("state", "ü&=")),
        client_name="Acme Ledger",
    )
    options = PageOptions(form_targets=(app.origin,), script=True)
    server.answers["/answer"] = lambda: page(200, PAGES.render(view), options)


SENT = ("/back", b"code=a%2Bb&submit=%22%3E%3Cb%3E&state=%C3%BC%26%3D")


@spec("OAuth Form Post Response Mode §2")
def test_an_answer_by_form_is_sent_at_once_and_leaves_nothing_to_go_back_to(
    sit_down: Sit, server: Stage, app: Stage
) -> None:
    answer_by_form(server, app)
    browser = sit_down()
    browser.goto(f"{app.origin}/back")
    browser.goto(f"{server.origin}/answer", wait_until="commit")
    browser.wait_for_url(f"{app.origin}/back")
    expect(browser.locator("h1")).to_have_text("Back")
    assert app.posted == [SENT]
    assert browser.evaluate("history.length") == 3  # blank, the application, what it was sent


@spec("OAuth Form Post Response Mode §2")
def test_without_scripts_a_person_sends_the_answer(
    sit_down: Sit, server: Stage, app: Stage
) -> None:
    answer_by_form(server, app)
    browser = sit_down(java_script_enabled=False)
    browser.goto(f"{server.origin}/answer")
    assert app.posted == []
    browser.click("#continue")
    browser.wait_for_url(f"{app.origin}/back")
    assert app.posted == [SENT]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@spec("OIDC Front-Channel Logout §3")
def test_after_the_other_applications_were_told_the_page_goes_back(
    sit_down: Sit, server: Stage, app: Stage, scripts: bool
) -> None:
    app.answers["/out"] = html("Bye")
    frames = (f"{app.origin}/out?sid=1", f"{app.origin}/out?sid=2")
    view = LoggedOutPage(continue_url=f"{app.origin}/back?state=1&x=2", frames=frames)
    options = PageOptions(script=True, frames=frames)
    server.answers["/out"] = lambda: page(200, PAGES.render(view), options)
    browser = sit_down(java_script_enabled=scripts)
    browser.goto(f"{server.origin}/out", wait_until="commit")
    browser.wait_for_url(f"{app.origin}/back?state=1&x=2")
    assert sorted(app.asked)[:3] == ["/back?state=1&x=2", "/out?sid=1", "/out?sid=2"]


def test_an_application_that_does_not_answer_keeps_nobody(
    sit_down: Sit, server: Stage, app: Stage
) -> None:
    frames = (f"{app.origin}/slow",)
    view = LoggedOutPage(continue_url=f"{app.origin}/back", frames=frames)
    options = PageOptions(script=True, frames=frames)
    server.answers["/out"] = lambda: page(200, PAGES.render(view), options)
    browser = sit_down()
    browser.route("**/slow", lambda _: None)
    browser.goto(f"{server.origin}/out", wait_until="commit")
    browser.wait_for_url(f"{app.origin}/back")


ASK = """([message, frame]) => new Promise((said) => {
  addEventListener("message", (event) => said(event.data), {once: true});
  document.getElementById(frame).contentWindow.postMessage(message, "*");
})"""


@pytest.fixture
def near(staged: Staged) -> Stage:
    """An application of another origin on the same site: no browser hides cookies there."""
    return staged()


@pytest.fixture
def watcher(sit_down: Sit, server: Stage, near: Stage) -> Callable[..., Page]:
    """An application's page that holds the server's frame."""
    view = CheckSessionPage(cookie=COOKIE)
    server.answers["/check"] = lambda: framed_page(PAGES.render(view))
    frame = f'<iframe id=op src="{server.origin}/check"></iframe>'
    near.answers["/"] = html(f"{frame}<h1>Watching</h1>")

    def watch(*, held: str | None = HELD) -> Page:
        browser = sit_down()
        if held is not None:
            browser.context.add_cookies([{"name": COOKIE, "value": held, "url": server.origin}])
        return browser

    return watch


def ask(browser: Page, near: Stage, message: object) -> str:
    browser.goto(f"{near.origin}/")
    return browser.evaluate(ASK, [message, "op"])


def asked(near: Stage, client_id: str = "a client", held: str = HELD) -> str:
    return f"{client_id} {session_state(client_id, near.origin, held, 'Salt-1_x')}"


@spec("OIDC Session Management §3.3")
def test_whoever_is_still_signed_in_is_unchanged(watcher: Callable[..., Page], near: Stage) -> None:
    assert ask(watcher(), near, asked(near)) == "unchanged"


@spec("OIDC Session Management §3.3")
def test_another_state_client_or_origin_is_changed(
    watcher: Callable[..., Page], near: Stage
) -> None:
    browser = watcher()
    assert ask(browser, near, asked(near, held="other")) == "changed"
    assert ask(browser, near, asked(near).replace("a client", "another")) == "changed"
    elsewhere = session_state("a", "https://else.example", HELD, "s")
    assert ask(browser, near, f"a {elsewhere}") == "changed"


@pytest.mark.parametrize(
    "message", ["", "client", "client state", "client x.y", 7, None, {"client": 1}], ids=str
)
@spec("OIDC Session Management §3.3")
def test_a_message_that_is_none_is_an_error(
    watcher: Callable[..., Page], near: Stage, message: object
) -> None:
    assert ask(watcher(), near, message) == "error"


def test_without_the_cookie_it_has_changed_but_never_where_a_browser_hides_it(
    watcher: Callable[..., Page], near: Stage
) -> None:
    browser = watcher(held=None)
    assert ask(browser, near, asked(near)) == "changed"
    browser.add_init_script("document.hasStorageAccess = async () => false")
    assert ask(browser, near, asked(near)) == "error"


@spec("OIDC Session Management §3.3")
def test_a_frame_of_a_stranger_is_not_answered(
    watcher: Callable[..., Page], near: Stage, server: Stage, staged: Staged
) -> None:
    """Who asks must be of the origin of the page that holds the frame."""
    browser = watcher()
    stranger = staged()
    answer = "parent.postMessage(event.data, '*')"
    message = f"'a {session_state('a', stranger.origin, HELD, 's')}'"
    stranger.answers["/"] = html(
        f"<script>onmessage = (event) => {{ if (event.data === 'go') "
        f"parent.frames[0].postMessage({message}, '*'); else {answer} }}</script>"
    )
    near.answers["/"] = html(
        f'<iframe src="{server.origin}/check"></iframe>'
        f'<iframe id=op src="{stranger.origin}/"></iframe>'
    )
    assert ask(browser, near, "go") == "error"
