"""openid-client and oauth4webapi from npm, each in a Node.js of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness import OAuthClient, Person, Troth
from tests.interop.node import Library
from tests.interop.test_authlib import come_back

pytestmark = pytest.mark.node


def begin(library: Library, app: OAuthClient, method: str, **changes: Any) -> str:
    """Where the library sends the person's browser."""
    words = {
        "issuer": app.troth.issuer,
        "client_id": app.client_id,
        "client_secret": app.secret,
        "method": method,
        "redirect_uri": app.redirect_uri,
        "pkce": True,
    }
    answer = library.do("begin", **words | changes)
    assert "url" in answer, answer
    return str(answer["url"])


@pytest.fixture(params=["openid_client", "oauth4webapi"])
def library(request: pytest.FixtureRequest) -> Iterator[Library]:
    made = Library(request.param)
    yield made
    made.close()


@pytest.mark.parametrize("pkce", [True, False], ids=["pkce", "no pkce"])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_the_four_requests(
    library: Library, troth: Troth, app: OAuthClient, ada: Person, method: str, pkce: bool
) -> None:
    url = begin(library, app, method, pkce=pkce)
    tokens = library.do("exchange", landed=come_back(troth, ada, url))
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 3600), tokens
    assert library.do("introspect", token=tokens["access_token"])["sub"] == ada.sub
    newer = library.do("refresh", token=tokens["refresh_token"])
    assert newer["access_token"] != tokens["access_token"]
    assert library.do("revoke", token=newer["refresh_token"]) == {}
    assert library.do("introspect", token=newer["access_token"]) == {"active": False}
    refused = library.do("refresh", token=newer["refresh_token"])
    assert refused == {"error": "invalid_grant", "status": 400}


def test_pkce_and_no_secret(
    library: Library, troth: Troth, native: OAuthClient, ada: Person
) -> None:
    url = begin(library, native, "none", redirect_uri="http://127.0.0.1:53113/cb")
    tokens = library.do("exchange", landed=come_back(troth, ada, url))
    assert tokens["scope"] == "read_write", tokens
    assert "access_token" in library.do("refresh", token=tokens["refresh_token"])


def test_refusals_are_understood(library: Library, troth: Troth, app: OAuthClient) -> None:
    person = troth.person()
    url = begin(library, app, "client_secret_basic")
    denied = library.do("exchange", landed=come_back(troth, person, url, decision="deny"))
    assert denied["error"] == "access_denied"
    url = begin(library, app, "client_secret_post", client_secret="wrong")
    answer = library.do("exchange", landed=come_back(troth, person, url))
    assert answer == {"error": "invalid_client", "status": 401}


def test_an_answer_of_another_issuer_is_seen(
    library: Library, troth: Troth, app: OAuthClient, ada: Person
) -> None:
    landed = come_back(troth, ada, begin(library, app, "client_secret_basic"))
    swapped = landed.replace("iss=http%3A%2F%2F127.0.0.1", "iss=http%3A%2F%2F127.0.0.2")
    assert swapped != landed
    assert "error" in library.do("exchange", landed=swapped)
    assert "access_token" in library.do("exchange", landed=landed)


def test_a_machine_for_itself(library: Library, troth: Troth) -> None:
    machine = troth.client("--grant-type", "client_credentials", name="Canary Node")
    begin(library, machine, "client_secret_basic")
    token = library.do("machine")
    assert machine.active(token["access_token"])
