"""The cookie by which a browser is recognised: kept over its end, missed where it is refused."""

from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer
from tests.spec import spec


def tab(troth: Troth, browser: Browser, app: OAuthClient) -> tuple[Any, Browser]:
    """A page that is loaded by a tab which knows the browser's cookies as they are now."""
    one = Browser(troth)
    one.http.cookies.update(browser.http.cookies)
    return one.follow(one.get("/oauth/authorize", params=app.parameters())), one


@spec("RFC 6749 §10.12")
def test_tabs_that_a_browser_opens_at_once_when_it_starts_are_all_good(
    troth: Troth, app: OAuthClient
) -> None:
    browser, person = Browser(troth), troth.person()
    browser.sign_in(browser.get("/login"), person)
    browser.http.cookies.jar.clear_session_cookies()
    assert "troth-session" not in browser.http.cookies, "whoever closes the browser signs out"
    tabs = [tab(troth, browser, app) for _ in range(2)]
    for _, one in tabs:
        browser.http.cookies.update(one.http.cookies)
    (first, _), _ = tabs
    page = browser.sign_in(first, person)
    assert "code" in answer(browser.submit(page, "consent", {"decision": "allow"}))


@pytest.mark.parametrize("begins", ["/login", "/oauth/authorize"])
def test_who_refuses_cookies_is_told_so(
    troth: Troth, app: OAuthClient, ada: Person, begins: str
) -> None:
    browser = Browser(troth)
    asked = app.parameters() if begins.startswith("/oauth") else None
    page = browser.get(begins, params=asked)
    browser.http.cookies.clear()
    if asked is not None:
        refused = browser.follow(page)
    else:
        typed = {"username": ada.username, "password": ada.password}
        refused = browser.submit(page, begins.strip("/"), typed)
    assert refused.status_code in (400, 403)
    assert "Allow cookies for this address" in refused.text
    assert "load the page again" not in refused.text


@pytest.mark.parametrize("path", ["/nowhere", "/consent?pending=x", "/oauth/authorize"])
def test_a_page_that_refuses_leads_on(troth: Troth, path: str) -> None:
    page = Browser(troth).get(path, headers={"accept": "text/html"})
    assert page.status_code in (400, 404)
    assert 'href="/account"' in page.text
