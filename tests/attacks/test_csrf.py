"""Forms from elsewhere, frames, and pages that lead away."""

from html.parser import HTMLParser
from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer, forms

POSTS = {
    "/login": {"username": "canary", "password": "canary"},
    "/consent": {"decision": "allow"},
    "/logout": {"x": "y"},
    "/oauth/end_session": {"ending": "x", "decision": "confirm"},
    "/account/applications/revoke": {"client_id": "x"},
    "/account/sessions/end": {"session_id": "x"},
    "/account/sessions/end-others": {"x": "y"},
    "/account/password": {"current_password": "canary", "new_password": "canary"},
}
FOREIGN: dict[str, dict[str, str]] = {
    "null origin": {"origin": "null"},
    "other origin": {"origin": "https://evil.example"},
    "other port": {"origin": "http://127.0.0.1:1"},
    "cross-site": {"sec-fetch-site": "cross-site"},
    "same-site": {"sec-fetch-site": "same-site"},
    "cross-site, own origin": {"sec-fetch-site": "cross-site", "origin": "(own)"},
}


@pytest.fixture(scope="module")
def inside(troth: Troth, ada: Person) -> Browser:
    browser = Browser(troth)
    browser.sign_in(browser.get("/login"), ada)
    return browser


@pytest.fixture(scope="module")
def foreign(troth: Troth, ada: Person) -> str:
    """The form token of the same person in another browser."""
    other = Browser(troth)
    other.sign_in(other.get("/login"), ada)
    found = next(iter(forms(other.get("/account").text).values()))
    return str(dict(found["inputs"])["form_token"])


@pytest.fixture
def asked(troth: Troth, inside: Browser) -> Any:
    """A consent page that waits for its answer, of an application never allowed before."""
    client = troth.client()
    return inside.follow(inside.get("/oauth/authorize", params=client.parameters()))


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("token", [None, "", "garbage", "(of another session)"])
def test_CS_01_a_form_without_its_token_does_nothing(
    troth: Troth, foreign: str, inside: Browser, path: str, token: str | None
) -> None:
    data = dict(POSTS[path])
    if token is not None:
        data["form_token"] = token.replace("(of another session)", foreign)
    before = troth.digest()
    assert inside.post(path, data).status_code == 403
    assert inside.get("/account").status_code == 200, "the session still stands"
    assert troth.digest() == before


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_CS_01_a_good_form_from_elsewhere_does_nothing(
    troth: Troth, inside: Browser, asked: Any, headers: dict[str, str]
) -> None:
    headers = {name: value.replace("(own)", troth.issuer) for name, value in headers.items()}
    before = troth.digest()
    allow = {"decision": "allow"}
    assert inside.submit(asked, "consent", allow, headers=headers).status_code == 403
    assert inside.submit(inside.get("/logout"), "logout", headers=headers).status_code == 403
    assert troth.digest() == before
    assert inside.get("/account").status_code == 200
    own = {"origin": troth.issuer, "sec-fetch-site": "same-origin"}
    assert "code" in answer(inside.submit(asked, "consent", allow, headers=own))


def test_CS_01_a_token_in_the_url_counts_for_nothing(
    troth: Troth, inside: Browser, asked: Any
) -> None:
    data = dict(forms(asked.text)["consent"]["inputs"]) | {"decision": "allow"}
    token = data.pop("form_token")
    before = troth.digest()
    response = inside.post(f"/consent?form_token={token}", data)
    assert response.status_code in (400, 403)
    assert "location" not in response.headers
    assert troth.digest() == before


def test_CS_01_a_token_of_before_the_login_does_not_consent(
    troth: Troth, ada: Person, app: OAuthClient
) -> None:
    browser = Browser(troth)
    page = browser.follow(browser.get("/oauth/authorize", params=troth.client().parameters()))
    early = dict(forms(page.text)["login"]["inputs"])
    browser.sign_in(page, ada)
    response = browser.post("/consent", early | {"decision": "allow"})
    assert response.status_code == 403


def test_CS_02_only_a_posted_form_consents(troth: Troth, inside: Browser, asked: Any) -> None:
    data = dict(forms(asked.text)["consent"]["inputs"]) | {"decision": "allow"}
    before = troth.digest()
    got = inside.get("/consent", params=data)
    assert 'id="consent"' in got.text, "a GET shows the question and never answers it"
    assert inside.post("/consent", content='{"decision":"allow"}').status_code == 415
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        body = "&".join(f"{name}={value}" for name, value in data.items())
        headers = {"content-type": kind}
        assert inside.post("/consent", content=body, headers=headers).status_code == 415
    for header in ("x-http-method-override", "x-method-override", "x-http-method"):
        response = inside.get("/consent", params=data, headers={header: "POST"})
        assert 'id="consent"' in response.text
    for method in ("PUT", "PATCH", "DELETE"):
        assert inside.request(method, "/consent", data=data).status_code == 405
    assert troth.digest() == before


def test_CS_03_no_page_can_be_framed(
    troth: Troth, inside: Browser, asked: Any, app: OAuthClient
) -> None:
    fresh = Browser(troth)
    html = {"accept": "text/html"}
    pages = [
        asked,
        fresh.get("/"),
        fresh.get("/login"),
        fresh.get("/nowhere", headers=html),
        fresh.get("/logout"),
        inside.get("/logout"),
        inside.get("/account"),
        fresh.get("/oauth/authorize"),
        fresh.get("/oauth/authorize", params={"client_id": "nobody"}),
        fresh.post("/login", {"x": "y"}),
        fresh.request("DELETE", "/login"),
        fresh.get("/consent?pending=x"),
        fresh.get("/oauth/authorize?state=" + "x" * 7000),
    ]
    for page in pages:
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["x-frame-options"] == "DENY"
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy, "default-src 'none': no script at all"
        assert "<script" not in page.text


def test_XS_03_no_script_becomes_a_link(troth: Troth, ada: Person) -> None:
    for uri in (
        "javascript:alert(1)",
        "data:text/html,x",
        "JAVASCRIPT://x/%0aalert(1)",
        "vbscript:x",
    ):
        for option in ("--client-uri", "--redirect-uri"):
            done = troth.run_cli(
                "client",
                "create",
                "--name",
                "x",
                "--redirect-uri",
                "https://x.example/",
                option,
                uri,
            )
            assert done.returncode == 1, (option, uri)
            assert "Traceback" not in done.stderr
    client = troth.client(name="<img src=x onerror=alert(1)>\"'")
    browser = Browser(troth)
    page = browser.follow(browser.get("/oauth/authorize", params=client.parameters()))
    consent = browser.sign_in(page, ada)
    assert "<img" not in page.text + consent.text
    assert "&lt;img" in consent.text


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "/%09/evil.example", "https:evil.example",
     "///evil.example", "/.evil.example", "@evil.example", "/x%0d%0aLocation:%20//evil.example"],
)  # fmt: skip
def test_OR_01_no_parameter_says_where_to_go(troth: Troth, ada: Person, target: str) -> None:
    browser = Browser(troth)
    query = "&".join(
        f"{name}={target}"
        for name in ("next", "return_to", "rd", "url", "redirect", "done", "pending")
    )
    for path in ("/login", "/logout", "/account", "/", "/consent"):
        response = browser.get(f"{path}?{query}")
        assert response.headers.get("location", troth.issuer + "/").startswith(troth.issuer + "/")
        assert not leads_to(response.text, "evil")
    for path in (target, "/" + target, "/login/" + target):
        got = troth.raw(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{troth.port}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        assert b"\r\nlocation:" not in got.lower()


def leads_to(html: str, word: str) -> bool:
    found: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(v or "" for n, v in attrs if n in ("href", "src", "action", "content"))

    Links().feed(html)
    return any(word in value for value in found)
