"""oidc-client-ts in a real Chromium: a single-page application and its issuer, both on https."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Error, Page, expect

from tests.availability import INTEROP
from tests.harness import Person, Troth
from tests.interop.relying import CLAIMS, known
from tests.outside import Answer, Outside
from tests.spec import spec

pytestmark = [pytest.mark.chromium, pytest.mark.node]

BUNDLE = INTEROP / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
SCOPE = "openid profile email"
HTML = """<!doctype html><html lang=en><title>Single page</title><link rel=icon href=data:,>
<p id=who>…</p><button id=log-in>Log in</button><button id=log-out>Log out</button>
<script src=/library.js></script><script src=/application.js></script>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, issuer: Troth) -> Iterator[Outside]:
    """The application's files. A browser knows it as https://localhost with a port."""
    site = Outside(tmp_path_factory.mktemp("site"), names=("localhost",)).start()
    wanted = {
        "redirect_uris": [site.url("/")],
        "post_logout_redirect_uris": [site.url("/")],
        "token_endpoint_auth_method": "none",
        "scope": SCOPE,
    }
    app = issuer.client(metadata=wanted, name="Single Page")
    told = {"authority": issuer.issuer, "client_id": app.client_id, "scope": SCOPE}
    source = (INTEROP / "single_page.js").read_text("utf-8")
    script = source.replace("CONFIGURATION", json.dumps(told))
    javascript = (("content-type", "text/javascript; charset=utf-8"),)
    site.answers = {
        "/": Answer(HTML.encode(), headers=(("content-type", "text/html; charset=utf-8"),)),
        "/library.js": Answer(BUNDLE.read_bytes(), headers=javascript),
        "/application.js": Answer(script.encode(), headers=javascript),
    }
    yield site
    site.stop()


@dataclass
class Visitor:
    """Somebody in front of the application."""

    page: Page
    site: Outside
    person: Person

    def asks(self, words: str) -> Any:
        """What the application's script answers."""
        return self.page.evaluate(words)

    def is_seen_as(self, name: str) -> None:
        expect(self.page.locator("#who")).to_have_text(name, timeout=60_000)

    def signs_in(self) -> None:
        self.page.goto(self.site.url("/"))
        self.is_seen_as("nobody")
        self.page.click("#log-in")
        self.page.fill("[name=username]", self.person.username)
        self.page.fill("[name=password]", self.person.password)
        self.page.click("#sign-in")
        self.page.click("#allow")
        self.is_seen_as(str(CLAIMS["name"]))


@pytest.fixture
def visitor(sit_down: Callable[..., Page], issuer: Troth, site: Outside) -> Visitor:
    return Visitor(sit_down(ignore_https_errors=True), site, known(issuer))


@spec("OIDC Core §3.1.2.1", "OIDC Core §12.2")
def test_a_session_is_renewed_silently_by_frame_and_by_refresh_token(visitor: Visitor) -> None:
    visitor.signs_in()
    first = visitor.asks("manager.getUser()")
    assert first["profile"]["email"] == f"{visitor.person.username}@people.example"
    framed = visitor.asks("manager.signinSilent({ forceIframeAuth: true })")
    assert framed["access_token"] != first["access_token"]
    renewed = visitor.asks("manager.signinSilent()")
    assert renewed["access_token"] != framed["access_token"]
    subjects = {user["profile"]["sub"] for user in (first, framed, renewed)}
    assert subjects == {visitor.person.sub}
    assert visitor.asks("heard") == ["UserLoaded"] * 3, "once at the login, twice silently"


@spec("OIDC RP-Initiated Logout §2", "OIDC RP-Initiated Logout §3")
def test_signing_out_everywhere_leads_back_to_the_application(visitor: Visitor) -> None:
    visitor.signs_in()
    visitor.page.click("#log-out")
    visitor.page.click("#confirm")
    visitor.is_seen_as("nobody")
    with pytest.raises(Error, match="the person is not logged in"):
        visitor.asks("manager.signinSilent()")


@spec("OIDC Session Management §3.1", "OIDC Session Management §3.2")
def test_the_application_hears_that_somebody_signed_out_elsewhere(
    visitor: Visitor, issuer: Troth
) -> None:
    visitor.signs_in()
    assert visitor.asks("heard") == ["UserLoaded"]
    elsewhere = visitor.page.context.new_page()
    elsewhere.goto(f"{issuer.issuer}/logout")
    elsewhere.click("form#logout button")
    visitor.page.wait_for_function("heard.includes('UserSignedOut')", timeout=60_000)
