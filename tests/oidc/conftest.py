"""A client and a person of OpenID Connect, and the words in which both are asked about."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.browser.conftest import chromium as chromium  # noqa: PLC0414
from tests.browser.conftest import sit_down as sit_down  # noqa: PLC0414
from tests.browser.conftest import staged as staged  # noqa: PLC0414
from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Person, Plain, Troth
from tests.outside import Outside

SCOPE = "openid profile email address phone offline_access read_write extra"


@pytest.fixture(scope="session")
def rp(troth: Troth) -> OAuthClient:
    """A relying party: a confidential client with every scope of OpenID Connect."""
    return troth.client(scope=SCOPE, name="Canary Relying Party")


@pytest.fixture(scope="session")
def grace(troth: Troth) -> Person:
    """A person whose record holds every standard claim, some in two languages."""
    person = troth.person()
    know(troth, person, **RECORD)
    return person


@pytest.fixture
def signed_in(troth: Troth, rp: OAuthClient, grace: Person) -> Browser:
    """A browser in which Grace is signed in and has agreed to `openid profile email`."""
    browser = Browser(troth)
    browser.authorize(rp.parameters(scope="openid profile email"), grace)
    return browser


RECORD: dict[str, object] = {
    "name": "Grace Hopper",
    "given_name": "Grace",
    "family_name": "Hopper",
    "family_name#ja": "ホッパー",
    "family_name#ja-Kana-JP": "ホッパー・カナ",
    "middle_name": "Brewster",
    "nickname": "Amazing Grace",
    "profile": "https://people.example/grace",
    "picture": "https://people.example/grace.png",
    "website": "https://grace.example",
    "gender": "female",
    "birthdate": "1906-12-09",
    "zoneinfo": "America/New_York",
    "locale": "en-US",
    "updated_at": 1790000000,
    "email_verified": True,
    "phone_number": "+1 202 555 0101",
    "phone_number_verified": False,
    "address": {"formatted": "1 Navy Way", "locality": "Washington", "country": "US"},
}


def know(troth: Troth, person: Person, **claims: object) -> None:
    """Write a person's record behind the server's back."""
    text = json.dumps(claims, ensure_ascii=False)
    troth.execute("update person set claims = ? where sub = ?", text, person.sub)


def verified(troth: Troth, id_token: str, *algorithms: str) -> Any:
    """An ID token as a library of somebody else reads it by the published keys."""
    with Plain(troth) as http:
        keys = KeySet.import_key_set(http.get("/oauth/jwks").json())
    return jwt.decode(id_token, keys, algorithms=list(algorithms or ("RS256",)))


def userinfo(troth: Troth, access_token: str) -> httpx2.Response:
    with Plain(troth) as http:
        return http.get("/oauth/userinfo", headers={"authorization": f"Bearer {access_token}"})


Asking = Callable[..., Any]


@pytest.fixture(scope="session")
def teller(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine, outside: Outside
) -> Iterator[Troth]:
    """A server that may tell applications on this machine that somebody was logged out."""
    folder = tmp_path_factory.mktemp("teller")
    allowed = {"fetch_allow": outside.allow(), "fetch_ca_file": str(outside.ca_file)}
    server = engine.troth(folder, workers="2", log_level="debug", **allowed)
    server.cli("scope", "add", "read_write", "--description", "See and change your things")
    yield server.start()
    assert server.stop() == 0
