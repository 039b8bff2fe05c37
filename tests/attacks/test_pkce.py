"""PKCE under attack: left out, downgraded, guessed, misspelled."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer, challenge
from tests.oracles import refused
from tests.spec import spec

VERIFIER = "canary-verifier-" + "v" * 32
S256 = {"code_challenge": challenge(VERIFIER), "code_challenge_method": "S256"}


@pytest.fixture(scope="module")
def browser(troth: Troth, app: OAuthClient, ada: Person) -> Iterator[Browser]:
    """Logged in, and the application is allowed: every request gives a code at once."""
    made = Browser(troth)
    made.authorize(app.parameters(), ada)
    yield made
    made.http.close()


@spec("RFC 9700 §2.1.1", "RFC 7636 §4.4.1")
def test_PK_02_who_must_use_pkce_gets_nothing_without(
    troth: Troth, browser: Browser, native: OAuthClient
) -> None:
    strict = troth.client("--require-pkce")
    bare = {"code_challenge": None, "code_challenge_method": None}
    for client in (strict, native):
        for changes in (
            bare,
            bare | {"code_challenge": ""},
            bare | {"code_challenge": S256["code_challenge"]},
        ):
            got = answer(browser.get("/oauth/authorize", params=client.parameters(**changes)))
            assert (got["error"], got["state"]) == ("invalid_request", "canary-state")
            assert got["iss"] == troth.issuer
        page = browser.follow(browser.get("/oauth/authorize", params=client.parameters(**S256)))
        assert 'id="consent"' in page.text


@spec("RFC 9700 §4.8.2")
def test_PK_04_a_verifier_for_a_code_without_challenge_is_a_downgrade(
    troth: Troth, browser: Browser, app: OAuthClient, ada: Person
) -> None:
    code = app.code(ada, browser)
    before = troth.digest()
    assert refused(app.redeem(code, code_verifier=VERIFIER))
    assert troth.digest() == before
    assert app.redeem(code).status_code == 200


@spec("RFC 7636 §4.6")
def test_PK_04_a_confidential_client_cannot_leave_its_verifier_out(
    browser: Browser, app: OAuthClient, ada: Person
) -> None:
    code = app.code(ada, browser, **S256)
    assert refused(app.redeem(code))
    assert refused(app.redeem(code, code_verifier=""))
    assert app.redeem(code, code_verifier=VERIFIER).status_code == 200


@spec("RFC 7636 §4.3", "RFC 9700 §2.1.1")
@pytest.mark.parametrize(
    "method",
    ["&code_challenge_method=plain", "", "&code_challenge_method=s256",
     "&code_challenge_method=S512", "&code_challenge_method=", "&code_challenge_method=S256%20",
     "&code_challenge_method=S256&code_challenge_method=S256",
     "&code_challenge_method=plain&code_challenge_method=S256"],
)  # fmt: skip
def test_PK_05_only_S256_is_a_method_and_nothing_falls_to_plain(
    browser: Browser, app: OAuthClient, native: OAuthClient, method: str
) -> None:
    for client in (app, native):
        rest = urlencode(client.parameters(**{**S256, "code_challenge_method": None}))
        got = answer(browser.get(f"/oauth/authorize?{rest}{method}"))
        assert (got["error"], got["state"]) == ("invalid_request", "canary-state")
        assert "code" not in got


@spec("RFC 7636 §4.6")
def test_PK_06_the_challenge_is_not_its_own_verifier(
    browser: Browser, app: OAuthClient, native: OAuthClient, ada: Person
) -> None:
    for client in (app, native):
        code = client.code(ada, browser, **S256)
        assert refused(client.redeem(code, code_verifier=S256["code_challenge"]))
        assert client.redeem(code, code_verifier=VERIFIER).status_code == 200


@spec("RFC 7636 §4.6")
def test_PK_07_a_wrong_verifier_gets_nothing_and_burns_nothing(
    troth: Troth, browser: Browser, native: OAuthClient, ada: Person
) -> None:
    code = native.code(ada, browser)
    before = troth.digest()
    for wrong in ("w" * 43, native.verifier[:-1] + "~", native.verifier.swapcase()):
        assert refused(native.redeem(code, code_verifier=wrong))
    assert refused(native.redeem(code, code_verifier=None))
    assert troth.digest() == before
    assert native.redeem(code).status_code == 200


@spec("RFC 7636 §4.1")
@pytest.mark.parametrize("length", [43, 128])
def test_PK_08_verifiers_of_43_to_128_characters_pass(
    browser: Browser, app: OAuthClient, ada: Person, length: int
) -> None:
    verifier = ("canary-._~" * 13)[:length]
    code = app.code(ada, browser, **S256 | {"code_challenge": challenge(verifier)})
    assert app.redeem(code, code_verifier=verifier).status_code == 200


@spec("RFC 7636 §4.1")
@pytest.mark.parametrize(
    "verifier",
    ["x" * 42, "x" * 129, "x" * 42 + "+", "x" * 42 + "/", "x" * 42 + "=", "x" * 43 + "\n",
     "\n" + "x" * 43, "x" * 42 + " ", "x" * 42 + "é", "x" * 42 + "%", "x" * 42 + "٣", "x" * 5000],
    ids=lambda text: ascii(text[-3:]),
)  # fmt: skip
def test_PK_08_other_verifiers_fail_even_where_the_digest_would_fit(
    browser: Browser, app: OAuthClient, ada: Person, verifier: str
) -> None:
    code = app.code(ada, browser, **S256 | {"code_challenge": challenge(verifier)})
    assert refused(app.redeem(code, code_verifier=verifier))


@spec("RFC 7636 §4.2")
@pytest.mark.parametrize(
    "text",
    [S256["code_challenge"] + "=", S256["code_challenge"][:-1], S256["code_challenge"] + "A",
     "+" + S256["code_challenge"][1:], "/" + S256["code_challenge"][1:], "x" * 42 + "\n",
     S256["code_challenge"] + "\n", "x" * 42 + "é", "0" * 64, "x"],
    ids=lambda text: ascii(text[-3:]) + str(len(text)),
)  # fmt: skip
def test_PK_08_a_challenge_is_43_letters_of_base64url(
    browser: Browser, app: OAuthClient, text: str
) -> None:
    asked = app.parameters(code_challenge=text, code_challenge_method="S256")
    got = answer(browser.get("/oauth/authorize", params=asked))
    assert (got["error"], got["state"]) == ("invalid_request", "canary-state")


@spec("RFC 7636 §4.3")
def test_PK_08_a_method_without_challenge_is_a_broken_request(
    browser: Browser, app: OAuthClient
) -> None:
    asked = app.parameters(code_challenge_method="S256")
    got = answer(browser.get("/oauth/authorize", params=asked))
    assert got["error"] == "invalid_request"


@spec("RFC 8414 §2", "RFC 9700 §2.1.1")
def test_PK_12_the_metadata_offers_S256_alone(browser: Browser) -> None:
    metadata = browser.get("/.well-known/oauth-authorization-server").json()
    assert metadata["code_challenge_methods_supported"] == ["S256"]
