"""Requests to the token endpoint under attack: bent, misplaced, or for more than was granted."""

from collections.abc import Iterator
from urllib.parse import urlencode

import httpx2
import pytest

from tests.harness import REDIRECT_URI, Browser, OAuthClient, Person, Plain, Troth
from tests.oracles import refused
from tests.spec import spec


@pytest.fixture(scope="module")
def browser(troth: Troth, app: OAuthClient, ada: Person) -> Iterator[Browser]:
    """Logged in, and the application is allowed: every request gives a code at once."""
    made = Browser(troth)
    made.authorize(app.parameters(), ada)
    yield made
    made.http.close()


@pytest.fixture
def code(browser: Browser, app: OAuthClient, ada: Person) -> str:
    return app.code(ada, browser)


@pytest.fixture(scope="module")
def http(troth: Troth) -> Iterator[Plain]:
    with Plain(troth) as plain:
        yield plain


@spec("RFC 8707 §2.2")
@pytest.mark.parametrize("resource", ["https://evil.example/", "https://app.example", "not a uri"])
def test_CX_11_a_resource_that_was_not_granted_costs_no_code(
    app: OAuthClient, code: str, resource: str
) -> None:
    before = app.troth.digest()
    assert refused(app.redeem(code, resource=resource), "invalid_target")
    assert app.troth.digest() == before
    assert app.redeem(code, resource=app.troth.issuer).status_code == 200


@spec("RFC 8707 §2.1")
def test_CX_11_nor_can_it_be_asked_for_at_the_start(app: OAuthClient, browser: Browser) -> None:
    asked = app.parameters(resource="https://evil.example/")
    response = browser.get("/oauth/authorize", params=asked)
    assert "error=invalid_target" in response.headers["location"]


@spec("RFC 6749 §5.2")
def test_CX_12_a_client_gets_no_more_than_it_may_have_now(troth: Troth, ada: Person) -> None:
    client, update = troth.client(), ("client", "update")
    browser = Browser(troth)
    both = client.code(ada, browser, scope="read_write extra")
    none = client.code(ada, browser, scope="read_write")
    late = client.code(ada, browser, scope="extra")
    troth.cli(*update, client.client_id, "--scope", "extra")
    assert client.redeem(both).json()["scope"] == "extra"
    assert refused(client.redeem(none), "invalid_grant")
    troth.cli(*update, client.client_id, "--grant-type", "client_credentials")
    before = troth.digest()
    assert refused(client.redeem(late), "unauthorized_client")
    assert troth.digest() == before


@spec("RFC 6749 §5.2", "RFC 6749 §3.2")
@pytest.mark.parametrize(
    ("grant", "error"),
    [("", "invalid_request"), ("grant_type=", "invalid_request"),
     ("grant_type=authorization_code&grant_type=authorization_code", "invalid_request"),
     ("grant_type=authorization_code&grant_type=refresh_token", "invalid_request"),
     ("grant_type=Authorization_Code", "unsupported_grant_type"),
     ("grant_type=authorization_code%20", "unsupported_grant_type"),
     ("grant_type=bogus", "unsupported_grant_type"),
     ("grant_type[]=authorization_code", "invalid_request"),
     ("grant_type%5B%5D=authorization_code", "invalid_request"),
     ("grant_type=authorization_code%00", "invalid_request"),
     ("grant_type=%ED%A0%80", "invalid_request"),
     ("grant_type=" + "x" * 5000, "unsupported_grant_type"),
     ("grant_type=urn:ietf:params:oauth:grant-type:bogus", "unsupported_grant_type")],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_CX_13_a_grant_type_is_named_once_and_exactly(
    http: Plain, app: OAuthClient, code: str, grant: str, error: str
) -> None:
    rest = urlencode({"code": code, "redirect_uri": REDIRECT_URI, **app.credentials()})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = http.post("/oauth/token", content=f"{rest}&{grant}".encode(), headers=headers)
    assert refused(response, error)
    assert app.redeem(code).status_code == 200


@spec("RFC 6749 §2.3.1")
def test_CX_14_nothing_is_read_from_the_url(
    troth: Troth, http: Plain, app: OAuthClient, code: str
) -> None:
    given = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code": code}
    secret = app.credentials()
    before = troth.digest()
    for query, body in (
        (secret, given),
        ({"client_secret": app.secret}, {**given, "client_id": app.client_id}),
        ({"code": code}, {**given, **secret}),
        ({**given, **secret}, {}),
        ({"canary": "x"}, {**given, **secret}),
    ):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        content = urlencode(body).encode()
        url = "/oauth/token?" + urlencode(query)
        assert refused(http.post(url, content=content, headers=headers), "invalid_request")
    assert troth.digest() == before
    assert app.secret not in troth.log()
    assert code not in troth.log()
    assert app.redeem(code).status_code == 200


@spec("RFC 6749 §3.2")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_CX_15_only_post_is_a_token_request(
    http: Plain, app: OAuthClient, code: str, method: str
) -> None:
    given = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code": code}
    response = http.request(method, "/oauth/token", params={**given, **app.credentials()})
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert app.redeem(code).status_code == 200


@spec("RFC 6749 §5.1")
def test_CX_16_the_answer_is_json_that_nobody_keeps(app: OAuthClient, code: str) -> None:
    response = app.redeem(code)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.json()["token_type"] == "Bearer"
    assert response.json()["expires_in"] == 3600
    assert "set-cookie" not in response.headers


@spec("RFC 6749 §5.1")
def test_CX_16_the_answer_names_a_scope_that_the_person_narrowed(troth: Troth, ada: Person) -> None:
    client, browser = troth.client(), Browser(troth)
    asked = client.parameters(scope="read_write extra")
    page = browser.sign_in(browser.follow(browser.get("/oauth/authorize", params=asked)), ada)
    allowed = browser.submit(page, "consent", {"decision": "allow", "scope": "read_write"})
    code = httpx2.URL(allowed.headers["location"]).params["code"]
    assert client.redeem(code).json()["scope"] == "read_write"


@spec("RFC 6749 §10.10")
def test_CX_18_codes_and_tokens_share_nothing_and_look_random(
    http: Plain, app: OAuthClient, browser: Browser, ada: Person
) -> None:
    codes = [app.code(ada, browser) for _ in range(400)]
    assert len(set(codes)) == 400
    given = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    bodies = [
        http.post("/oauth/token", {**given, **app.credentials(), "code": code}).json()
        for code in codes[:100]
    ]
    access = [body["access_token"].rsplit(".")[-1] for body in bodies]
    refresh = [body["refresh_token"] for body in bodies]
    # Behind prefix and key id every first 48 bits differ: nothing counts up, nothing repeats.
    for values, skip in ((codes, 18), (refresh, 18), (access, 0)):
        starts = [value[skip : skip + 8] for value in values]
        assert len(set(starts)) == len(values)
        letters = "".join(starts)
        assert max(letters.count(letter) for letter in set(letters)) < len(letters) / 20
        assert all(len(value) - skip >= 43 for value in values)


@spec("RFC 9700 §2.4", "RFC 9700 §2.1.2")
@pytest.mark.parametrize("grant", ["password", "implicit"])
def test_CX_19_no_password_grant_and_no_implicit_grant(
    http: Plain, app: OAuthClient, ada: Person, grant: str
) -> None:
    login = {"username": ada.username, "password": ada.password, "scope": "read_write"}
    response = http.post("/oauth/token", {"grant_type": grant, **login, **app.credentials()})
    assert refused(response, "unsupported_grant_type")
    metadata = http.get("/.well-known/oauth-authorization-server").json()
    assert grant not in metadata["grant_types_supported"]
    assert metadata["response_types_supported"] == ["code"]


@spec("RFC 6749 §4.1.2")
def test_CX_20_a_replay_ends_the_tokens_of_that_code_and_no_others(
    troth: Troth, app: OAuthClient, browser: Browser, ada: Person
) -> None:
    code = app.code(ada, browser)
    hit = app.redeem(code).json()
    same_person = app.tokens(ada, browser)
    other_person = app.tokens(troth.person())
    assert refused(app.redeem(code), "invalid_grant")
    assert not app.active(hit["access_token"])
    for tokens in (same_person, other_person):
        assert app.active(tokens["access_token"])
        assert app.refresh(tokens["refresh_token"]).status_code == 200
