"""`display=popup`: a small window that an application opened, and that answers it in the end."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.reading import SEEN
from tests.browser.stage import PAGES, Stage, html
from tests.spec import spec
from troth.browser.pages.views import LoginPage
from troth.http import PageOptions, page, redirect

pytestmark = pytest.mark.chromium

POPUP = {"viewport": {"width": 450, "height": 600}}


@pytest.mark.parametrize("opener", [True, False], ids=["popup", "page"])
@spec("OIDC Core §3.1.2.1")
def test_only_a_popup_can_answer_the_window_that_opened_it(
    sit_down: Callable[..., Page], staged: Callable[..., Stage], opener: bool
) -> None:
    """An application hears by `window.opener`; every other page is cut off from who opened it."""
    server, app = staged(), staged("localhost")
    login = PAGES.render(LoginPage.sample())
    server.answers["/login"] = lambda: page(200, login, PageOptions(opener=opener))
    server.answers["/done"] = lambda: redirect(f"{app.origin}/back", opener=opener)
    app.answers["/"] = html("Waiting")
    app.answers["/back"] = html("Back")
    browser = sit_down()
    browser.goto(f"{app.origin}/")
    with browser.expect_popup() as opened:
        browser.evaluate(f"void window.open('{server.origin}/login', '', 'popup')")
    opened.value.wait_for_url(f"{server.origin}/login")
    opened.value.evaluate("location.assign('/done')")
    opened.value.wait_for_url(f"{app.origin}/back")
    assert opened.value.evaluate("window.opener !== null") == opener


@pytest.mark.parametrize("name", ["login", "login-again", "select", "end-session", "form-post"])
def test_what_has_to_be_pressed_stands_in_a_small_window(
    sit_down: Callable[..., Page], staged: Callable[..., Stage], name: str
) -> None:
    server = staged()
    body = PAGES.render(SEEN[name])
    server.answers["/"] = lambda: page(200, body)  # without its script
    browser = sit_down(**POPUP, java_script_enabled=False)
    browser.goto(f"{server.origin}/")
    for button in browser.locator("main button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 600
