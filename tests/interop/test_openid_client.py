"""openid-client is told the issuer and nothing else, and logs people in."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import RSAKey

from tests.harness import Browser, OAuthClient, Person, Troth, forms
from tests.interop.node import Library
from tests.interop.relying import CLAIMS, SCOPE, known, told_of
from tests.interop.test_authlib import come_back
from tests.spec import spec

pytestmark = pytest.mark.node


@pytest.fixture
def library() -> Iterator[Library]:
    made = Library("openid_connect")
    yield made
    made.close()


@pytest.fixture(scope="module")
def rp(troth: Troth) -> OAuthClient:
    return troth.client(scope=SCOPE, name="Canary Login")


@pytest.fixture(scope="module")
def person(troth: Troth) -> Person:
    return known(troth)


def begin(library: Library, app: OAuthClient, scope: str = SCOPE, **asked: str) -> str:
    """Where the library sends the person's browser."""
    answer = library.do(
        "begin",
        issuer=app.troth.issuer,
        client_id=app.client_id,
        client_secret=app.secret,
        registered=app.registration,
        scope=scope,
        asked=asked,
    )
    assert "url" in answer, answer
    return str(answer["url"])


def log_in(library: Library, app: OAuthClient, person: Person, **asked: str) -> Any:
    """What the library holds after a login; it has verified all of it."""
    landed = come_back(app.troth, person, begin(library, app, **asked))
    answer = library.do("exchange", landed=landed)
    assert "claims" in answer, answer
    return answer


@spec("OIDC Core §3.1.3.7", "OIDC Core §5.3", "OIDC Core §12", "OIDC Discovery §4")
def test_a_person_is_logged_in_known_and_stays(
    library: Library, rp: OAuthClient, person: Person
) -> None:
    first = log_in(library, rp, person, max_age="600")
    assert first["claims"]["sub"] == person.sub
    told = library.do("userinfo", sub=person.sub)
    assert told.pop("updated_at") <= first["claims"]["iat"]
    assert told == told_of(person)
    again = library.do("refresh")
    assert again["claims"]["auth_time"] == first["claims"]["auth_time"], again
    assert again["claims"]["sid"] == first["claims"]["sid"]
    assert library.do("userinfo", sub=person.sub)["name"] == told["name"]
    assert "error" in library.do("userinfo", sub="somebody else")


@spec("OIDC Core §3.1.3.7")
@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_the_id_token_is_signed_as_the_application_likes(
    library: Library, troth: Troth, person: Person, alg: str
) -> None:
    wanted = {"scope": SCOPE, "id_token_signed_response_alg": alg}
    app = troth.client(metadata=wanted, name=f"Canary {alg}")
    assert log_in(library, app, person)["claims"]["sub"] == person.sub
    assert library.do("refresh")["claims"]["sub"] == person.sub


@spec("OIDC Core §10.2", "OIDC Core §3.1.3.7", "OIDC Core §5.3.2")
def test_what_is_told_of_a_person_can_be_read_by_the_application_alone(
    library: Library, troth: Troth, person: Person
) -> None:
    key = RSAKey.generate_key(2048, {"use": "enc", "alg": "RSA-OAEP-256", "kid": "canary"})
    wanted = {
        "scope": SCOPE,
        "jwks": {"keys": [key.as_dict(private=False)]},
        "id_token_encrypted_response_alg": "RSA-OAEP-256",
        "id_token_encrypted_response_enc": "A256GCM",
        "userinfo_signed_response_alg": "ES256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_encrypted_response_enc": "A256GCM",
    }
    app = troth.client(metadata=wanted, name="Canary Sealed")
    url = begin(library, app)
    jwk = key.as_dict(private=True)
    assert library.do("decrypt_with", jwk=jwk, alg="RSA-OAEP-256", enc="A256GCM") == {}
    answer = library.do("exchange", landed=come_back(troth, person, url))
    assert answer["claims"]["sub"] == person.sub, answer
    assert answer["id_token"].count(".") == 4
    assert library.do("userinfo", sub=person.sub)["name"] == CLAIMS["name"]
    assert library.do("refresh")["claims"]["sub"] == person.sub


@spec("OIDC Core §3.1.2.5")
def test_the_answer_comes_by_form(library: Library, rp: OAuthClient, person: Person) -> None:
    browser = Browser(rp.troth)
    page = browser.follow(browser.get(begin(library, rp, response_mode="form_post")))
    page = browser.sign_in(page, person)
    if 'id="consent"' in page.text:
        page = browser.submit(page, "consent", {"decision": "allow"})
    form = forms(browser.follow(page).text)["answer"]
    assert form["action"] == rp.redirect_uri
    answer = library.do("exchange_form", url=form["action"], form=urlencode(form["inputs"]))
    assert answer["claims"]["sub"] == person.sub, answer


@spec("OIDC Core §3.1.2.1", "OIDC Core §3.1.2.6")
def test_nobody_is_asked_where_nobody_may_be(
    library: Library, rp: OAuthClient, person: Person
) -> None:
    browser = Browser(rp.troth)
    silent = browser.get(begin(library, rp, prompt="none"))
    answer = library.do("exchange", landed=silent.headers["location"])
    assert answer["error"] == "login_required"
    browser.authorize(rp.parameters(scope=SCOPE), person)
    silent = browser.get(begin(library, rp, prompt="none"))
    known = library.do("exchange", landed=silent.headers["location"])
    assert known["claims"]["sub"] == person.sub, known
    hinted = {"prompt": "none", "id_token_hint": known["id_token"]}
    silent = browser.get(begin(library, rp, **hinted))
    again = library.do("exchange", landed=silent.headers["location"])
    assert again["claims"]["sid"] == known["claims"]["sid"], again
    somebody = Browser(rp.troth)
    somebody.authorize(rp.parameters(scope=SCOPE), rp.troth.person())
    silent = somebody.get(begin(library, rp, **hinted))
    answer = library.do("exchange", landed=silent.headers["location"])
    assert answer["error"] == "login_required", "somebody else is signed in there"


@spec("OIDC RP-Initiated Logout §2", "OIDC RP-Initiated Logout §3")
def test_signing_out_ends_the_session_and_leads_back(
    library: Library, troth: Troth, person: Person
) -> None:
    goodbye = "https://app.example/goodbye"
    wanted = {"scope": "openid profile", "post_logout_redirect_uris": [goodbye]}
    app, browser = troth.client(metadata=wanted, name="Canary Leaving"), Browser(troth)
    url = begin(library, app, scope="openid profile")
    library.do("exchange", landed=come_back(troth, person, url, browser=browser))
    asked = {"post_logout_redirect_uri": goodbye, "state": "canary-goodbye"}
    page = browser.get(library.do("sign_out", asked=asked)["url"])
    left = browser.submit(page, "end-session", {"decision": "confirm"})
    assert left.headers["location"] == f"{goodbye}?state=canary-goodbye"
    assert library.do("refresh")["error"] == "invalid_grant"
    silent = browser.get(begin(library, app, scope="openid", prompt="none"))
    answer = library.do("exchange", landed=silent.headers["location"])
    assert answer["error"] == "login_required"
