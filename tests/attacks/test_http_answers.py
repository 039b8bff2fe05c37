"""What answers carry: forms that are read strictly, CORS, caching, errors, metadata."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Person, Plain, Troth

TYPE = {"content-type": "application/x-www-form-urlencoded"}
SPA = "https://spa.example"


@pytest.fixture
def plain(troth: Troth) -> Iterator[Plain]:
    with Plain(troth) as http:
        yield http


@pytest.fixture(scope="module")
def spa(troth: Troth) -> OAuthClient:
    return troth.client("--auth-method", "none", redirect_uris=(SPA + "/cb",))


@pytest.mark.parametrize(
    "body",
    [
        "grant_type=refresh_token&grant_type=refresh_token",
        "grant_type=refresh_token&scope=a&scope=b",
        "grant_type=%zz",
        "grant_type=%",
        "grant_type=%4",
        "grant_type=%ff%fe",
        "grant_type=%c0%ae",
        "grant_type=a%00b",
        "grant_type=\xff",
        "&".join(f"k{n}=v" for n in range(6_000)),
        "&".join(f"k{n}=v" for n in range(101)),
    ],
)
def test_HT_06_a_form_that_is_not_well_made_is_refused(
    troth: Troth, plain: Plain, app: OAuthClient, body: str
) -> None:
    before = troth.digest()
    whole = f"{body}&client_id={app.client_id}&client_secret={app.secret}".encode("latin-1")
    response = plain.request("POST", "/oauth/token", content=whole, headers=TYPE)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert troth.digest() == before


def test_HT_06_names_and_separators_mean_only_themselves(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    code = app.code(ada)
    for sneaky in (f"code[]={code}", f"code[a]={code}", f"x=1;code={code}", f"CODE={code}"):
        body = (
            f"grant_type=authorization_code&{sneaky}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb"
            f"&client_id={app.client_id}&client_secret={app.secret}"
        )
        with Plain(troth) as http:
            response = http.request("POST", "/oauth/token", content=body, headers=TYPE)
        assert response.json()["error"] == "invalid_request", sneaky
    assert app.redeem(code).status_code == 200, "none of them burnt it"


def test_HT_06_plus_and_percent_twenty_are_the_same_space(
    troth: Troth, ada: Person, app: OAuthClient
) -> None:
    query = "&".join(f"{k}={v}" for k, v in app.parameters(scope=None).items())
    for space in ("+", "%20"):
        browser = Browser(troth)
        page = browser.follow(browser.get(f"/oauth/authorize?{query}&scope=read_write{space}extra"))
        assert 'id="login"' in page.text


OTHERS = ("null", SPA + ".evil", SPA + ":444", SPA + "/", "http://spa.example", "*", SPA.upper())


@pytest.mark.parametrize("origin", OTHERS)
def test_HT_10_other_origins_are_not_allowed(plain: Plain, spa: OAuthClient, origin: str) -> None:
    for path in ("/oauth/token", "/oauth/revoke"):
        preflight = {"origin": origin, "access-control-request-method": "POST"}
        for response in (
            plain.request("OPTIONS", path, headers=preflight),
            plain.post(path, {"client_id": spa.client_id}, headers={"origin": origin}),
        ):
            assert "access-control-allow-origin" not in response.headers


def test_HT_10_a_public_clients_origin_reads_token_and_revocation_without_credentials(
    plain: Plain, spa: OAuthClient
) -> None:
    for path in ("/oauth/token", "/oauth/revoke"):
        preflight = {"origin": SPA, "access-control-request-method": "POST"}
        allowed = plain.request("OPTIONS", path, headers=preflight)
        asked = plain.post(path, {"client_id": spa.client_id}, headers={"origin": SPA})
        for response in (allowed, asked):
            assert response.headers["access-control-allow-origin"] == SPA
            assert "access-control-allow-credentials" not in response.headers
            assert "origin" in response.headers["vary"].lower()
        assert allowed.headers["access-control-allow-methods"] == "POST"


def test_HT_10_pages_allow_no_origin_and_public_documents_every_one(
    troth: Troth, plain: Plain, spa: OAuthClient
) -> None:
    for path in ("/oauth/authorize", "/login", "/consent", "/account", "/logout", "/",
                 "/oauth/introspect", "/nowhere"):  # fmt: skip
        for method in ("GET", "OPTIONS", "POST"):
            response = plain.request(method, path, headers={"origin": SPA})
            assert not [name for name in response.headers if name.startswith("access-control")]
    for path in ("/oauth/jwks", "/.well-known/oauth-authorization-server"):
        response = plain.get(path, headers={"origin": SPA})
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers


def test_HT_11_only_what_is_the_same_for_everybody_may_be_kept(
    troth: Troth, plain: Plain, app: OAuthClient, ada: Person
) -> None:
    for path in ("/oauth/jwks", "/.well-known/oauth-authorization-server"):
        headers = plain.get(path).headers
        kept = dict(p.strip().partition("=")[::2] for p in headers["cache-control"].split(","))
        assert int(kept["max-age"]) <= 3600
        assert headers["etag"].startswith('"')
    tokens = app.tokens(ada)
    answers = [
        app.refresh(tokens["refresh_token"]),
        app.refresh("canary"),
        app.revoke("canary"),
        app.post("/oauth/introspect", {"token": "x", **app.credentials()}),
        plain.get("/login"),
        plain.get("/nowhere"),
        plain.get("/oauth/authorize"),
        plain.get("/oauth/authorize", params=app.parameters()),
        plain.get("/account"),
    ]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


def test_HT_12_pages_load_nothing_from_elsewhere(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    browser = Browser(troth)
    client = troth.client("--client-uri", "https://maker.example/")
    login = browser.follow(browser.get("/oauth/authorize", params=client.parameters()))
    pages = [login, browser.sign_in(login, ada), browser.get("/account"), browser.get("/consent")]
    for page in pages:
        assert page.headers["referrer-policy"] == "no-referrer"
        for mark in ('src="', 'href="'):
            for found in page.text.split(mark)[1:]:
                address = found.partition('"')[0]
                assert address.startswith(("/", "#")), address
                assert not address.startswith("//"), address


def test_HT_14_errors_speak_as_they_are_asked(plain: Plain) -> None:
    page = plain.get("/nowhere", headers={"accept": "text/html"})
    data = plain.get("/nowhere", headers={"accept": "application/json"})
    assert (page.status_code, data.status_code) == (404, 404)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert data.json()["error"] == "not_found"
    assert plain.post("/oauth/token", content="{}").json()["error"] == "unsupported_media_type"
    assert plain.post("/login", content="{}").status_code == 415
    assert plain.get("/oauth/token").json()["error"] == "method_not_allowed"


def test_HT_14_an_unreachable_database_is_a_503_with_retry_after(
    tmp_path: Path, engine: Engine
) -> None:
    troth = engine.troth(tmp_path).start()
    try:
        troth.execute("alter table client rename to client_away")
        for path in ("/oauth/authorize?client_id=x&redirect_uri=y", "/oauth/token"):
            kind = "GET" if "?" in path else "POST"
            content = b"client_id=x&client_secret=y&grant_type=refresh_token"
            with Plain(troth) as http:
                response = http.http.request(kind, path, content=content, headers=TYPE)
            assert response.status_code == 503
            assert int(response.headers["retry-after"]) >= 1
            assert "client_away" not in response.text
            assert "OperationalError" not in response.text
    finally:
        troth.stop()


def test_HT_17_the_metadata_says_what_is_true(troth: Troth, plain: Plain, app: OAuthClient) -> None:
    metadata = plain.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == troth.issuer
    for name, address in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            assert address.startswith(troth.issuer + "/"), name
            status = plain.get(urlsplit(address).path).status_code
            assert status in (200, 400, 401, 405), name
    for grant in metadata["grant_types_supported"]:
        response = app.post("/oauth/token", {"grant_type": grant, **app.credentials()})
        assert response.json()["error"] in ("invalid_request", "unauthorized_client"), grant
    unknown = app.post("/oauth/token", {"grant_type": "password", **app.credentials()})
    assert unknown.json()["error"] == "unsupported_grant_type"
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert "device_authorization_endpoint" not in metadata


def test_HT_17_an_issuer_with_a_path_answers_at_both_well_known_addresses(tmp_path: Path) -> None:
    plain_issuer = Troth(tmp_path)
    troth = Troth(tmp_path, issuer=plain_issuer.issuer + "/tenant")
    troth.environment["TROTH_LISTEN"] = plain_issuer.environment["TROTH_LISTEN"]
    troth.port = plain_issuer.port
    troth.start()
    try:
        host = f"http://127.0.0.1:{troth.port}"
        with Plain(troth) as http:
            for path in ("/.well-known/oauth-authorization-server/tenant",
                         "/tenant/.well-known/oauth-authorization-server"):  # fmt: skip
                assert http.get(host + path).json()["issuer"] == host + "/tenant"
            assert http.get(host + "/tenant/login").status_code == 200
            assert http.get(host + "/login").status_code == 404
    finally:
        assert troth.stop() == 0
