"""Applications end their own sessions in frames of the page that follows a logout."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.harness import Browser, OAuthClient, Person, Plain, Troth
from tests.oidc.conftest import verified
from tests.oidc.https import Application, https_issuer
from tests.oidc.logouts import register, sign_out, signed_in
from tests.outside import Outside
from tests.spec import spec

Sit = Callable[..., Page]


def told(troth: Troth, name: str, **members: object) -> OAuthClient:
    origin = f"https://{name}.example"
    metadata = {
        "redirect_uris": [f"{origin}/cb"],
        "frontchannel_logout_uri": f"{origin}/frame?x=1",
        **members,
    }
    return troth.client(scope="openid", name=f"Canary {name}", metadata=metadata)


def frames(page: str) -> list[str]:
    return [unescape(address) for address in re.findall(r'<iframe src="([^"]+)"', page)]


@spec("OIDC Front-Channel Logout §2", "OIDC Front-Channel Logout §3")
def test_the_page_after_a_logout_has_a_frame_for_each_application_that_was_used(
    troth: Troth, grace: Person
) -> None:
    first = told(troth, "first", frontchannel_logout_session_required=True)
    second, unused = told(troth, "second"), told(troth, "unused")
    browser = Browser(troth)
    held = [
        verified(troth, signed_in(client, grace, browser)["id_token"]).claims
        for client in (first, second)
    ]
    signed_in(unused, grace, Browser(troth))
    done = sign_out(browser)
    for name, one, said in zip(("first", "second"), sorted(frames(done.text)), held, strict=True):
        assert one.startswith(f"https://{name}.example/frame?x=1&")
        known = {"x": ["1"], "iss": [troth.issuer], "sid": [said["sid"]]}
        assert parse_qs(urlsplit(one).query) == known, "whether or not it requires it"
    policy = done.headers["content-security-policy"]
    (sources,) = re.findall(r"frame-src ([^;]+)", policy)
    assert set(sources.split()) == {"https://first.example", "https://second.example"}
    assert "script-src" not in policy, "nothing goes on by itself"
    assert "cookies" not in done.headers["clear-site-data"], "frames need their own"


def test_without_frames_the_page_opens_for_nobody(troth: Troth, grace: Person) -> None:
    plain = troth.client(scope="openid")
    browser = Browser(troth)
    signed_in(plain, grace, browser)
    done = sign_out(browser)
    assert "<iframe" not in done.text
    assert "frame-src" not in done.headers["content-security-policy"]


def test_an_application_that_is_disabled_is_not_framed(troth: Troth, grace: Person) -> None:
    gone, browser = told(troth, "gone"), Browser(troth)
    signed_in(gone, grace, browser)
    troth.cli("client", "disable", gone.client_id)
    assert "<iframe" not in sign_out(browser).text


@spec("OIDC Front-Channel Logout §3", "OIDC RP-Initiated Logout §3")
def test_a_way_back_waits_for_the_frames(troth: Troth, grace: Person) -> None:
    back = "https://leaver.example/out"
    leaver = told(troth, "leaver", post_logout_redirect_uris=[back])
    browser = Browser(troth)
    hint = signed_in(leaver, grace, browser)["id_token"]
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": back, "state": "s&t"}
    page = browser.get("/oauth/end_session", params=asked)
    done = browser.submit(page, "end-session", {"decision": "confirm"})
    assert done.status_code == 200
    (frame,) = frames(done.text)
    assert frame.startswith("https://leaver.example/frame?x=1&iss=")
    (way,) = re.findall(r'id="continue"[^>]* href="([^"]+)"', done.text)
    assert unescape(way) == f"{back}?state=s%26t"
    assert "script-src 'self'" in done.headers["content-security-policy"]


@spec("OIDC Front-Channel Logout §3")
def test_the_metadata_says_so(troth: Troth) -> None:
    with Plain(troth) as http:
        metadata = http.get("/.well-known/openid-configuration").json()
    assert metadata["frontchannel_logout_supported"] is True
    assert metadata["frontchannel_logout_session_supported"] is True


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troth]:
    troth = https_issuer(tmp_path_factory.mktemp("issuer"))
    yield troth
    assert troth.stop() == 0


@pytest.fixture
def person(issuer: Troth) -> Person:
    return issuer.person()


@pytest.mark.chromium
@spec("OIDC Front-Channel Logout §3")
def test_in_a_browser_every_application_hears_of_it_and_the_person_comes_back(
    sit_down: Sit, issuer: Troth, outside: Outside, person: Person
) -> None:
    """One of them is of the same site as the server, and is known by its cookie all the same."""
    here = Application.registered(issuer, outside, "localhost", post_logout=True)
    there = Application.registered(issuer, outside, "127.0.0.1")
    page = sit_down(ignore_https_errors=True)
    here.log_in(page, person)
    there.log_in(page, person)
    asked = {"client_id": here.client.client_id, "post_logout_redirect_uri": here.url("/out")}
    page.goto(f"{issuer.issuer}/oauth/end_session?{urlencode({**asked, 'state': 'back'})}")
    expect(page.locator("main")).to_contain_text(person.username)
    page.click("#confirm")
    expect(page.locator("#landed")).to_be_visible()
    assert page.url == here.url("/out?state=back")
    for app in (here, there):
        (framed,) = [one for one in outside.heard if one.path.startswith(app.path("/frame"))]
        query = parse_qs(urlsplit(framed.path).query)
        assert query["iss"] == [issuer.issuer]
        assert len(query["sid"][0]) == 22
        # Browsers keep cookies from frames of another site: `sid` is all that such a one has.
        assert (app.cookie in framed.headers.get("cookie", "")) == (app is here)
    page.goto(f"{issuer.issuer}/account")
    expect(page.locator("#sign-in")).to_be_visible()


def test_unregistered_is_told_of_nothing(troth: Troth, grace: Person) -> None:
    client, browser = told(troth, "former"), Browser(troth)
    signed_in(client, grace, browser)
    register(client, frontchannel_logout_uri=None)
    assert "<iframe" not in sign_out(browser).text
