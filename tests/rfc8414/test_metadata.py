"""Server metadata: where it is found, and that every word of it is true."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import installed
from tests.harness import Browser, Plain, Troth, answer, free_port
from tests.spec import spec

WELL_KNOWN = "/.well-known/oauth-authorization-server"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troth]:
    """A server whose issuer has a path."""
    folder, port = tmp_path_factory.mktemp("tenant"), free_port()
    settings = {"issuer": f"http://127.0.0.1:{port}/tenant", "listen": f"127.0.0.1:{port}"}
    server = installed(Troth(folder, **settings))
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module", params=["at the root", "below a path"])
def server(request: pytest.FixtureRequest, troth: Troth, tenant: Troth) -> Troth:
    return troth if request.param == "at the root" else tenant


@pytest.fixture(scope="module")
def metadata(server: Troth) -> Any:
    with Plain(server) as http:
        return http.get(server.issuer + WELL_KNOWN).json()


def root(server: Troth) -> str:
    parts = urlsplit(server.issuer)
    return f"{parts.scheme}://{parts.netloc}"


@spec("RFC 8414 §3.1", "RFC 8414 §5")
def test_both_forms_of_the_address_give_the_same_document(tenant: Troth) -> None:
    with Plain(tenant) as http:
        inserted = http.get(root(tenant) + WELL_KNOWN + "/tenant")
        appended = http.get(tenant.issuer + WELL_KNOWN)
        elsewhere = http.get(root(tenant) + WELL_KNOWN)
    assert inserted.status_code == 200
    assert inserted.content == appended.content
    assert elsewhere.status_code == 404


@spec("RFC 8414 §3.2", "RFC 8414 §3.3")
def test_the_document_is_json_of_this_very_issuer(server: Troth) -> None:
    with Plain(server) as http:
        response = http.get(server.issuer + WELL_KNOWN, headers={"origin": "https://app.example"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json()["issuer"] == server.issuer
    assert response.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in response.headers


@spec("RFC 8414 §2")
def test_the_document_says_these_things(metadata: Any) -> None:
    assert metadata.keys() >= {
        "issuer", "authorization_endpoint", "token_endpoint", "revocation_endpoint",
        "introspection_endpoint", "jwks_uri", "scopes_supported", "response_types_supported",
        "response_modes_supported", "grant_types_supported", "code_challenge_methods_supported",
        "token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_methods_supported",
        "authorization_response_iss_parameter_supported",
    }  # fmt: skip
    assert [] not in metadata.values()


@spec("RFC 8414 §2")
def test_every_endpoint_is_there_and_below_the_issuer(server: Troth, metadata: Any) -> None:
    addresses = {k: v for k, v in metadata.items() if k.endswith(("_endpoint", "_uri"))}
    assert len(addresses) >= 6
    with Plain(server) as http:
        for name, address in addresses.items():
            assert address.startswith(server.issuer + "/oauth/"), name
            methods = [http.request(method, address).status_code for method in ("GET", "POST")]
            assert set(methods) - {404, 405}, name


@spec("RFC 8414 §2")
def test_the_whole_way_works_by_the_document_alone(server: Troth, metadata: Any) -> None:
    scopes = " ".join(metadata["scopes_supported"])
    client, person, browser = server.client(scope=scopes), server.person(), Browser(server)
    asked = client.parameters(
        scope=scopes,
        response_type=metadata["response_types_supported"][0],
        response_mode=metadata["response_modes_supported"][0],
    )
    page = browser.follow(browser.get(metadata["authorization_endpoint"], params=asked))
    page = browser.sign_in(page, person)
    got = answer(browser.submit(page, "consent", {"decision": "allow"}))
    assert got["iss"] == metadata["issuer"]
    grant = {"grant_type": "authorization_code", "code": got["code"]}
    given = {**grant, "redirect_uri": client.redirect_uri, **client.credentials()}
    with Plain(server) as http:
        tokens = http.post(metadata["token_endpoint"], given).json()
        asked = {"token": tokens["access_token"], **client.credentials()}
        told = http.post(metadata["introspection_endpoint"], asked).json()
        assert (told["active"], told["iss"]) == (True, metadata["issuer"])
        assert http.post(metadata["revocation_endpoint"], asked).status_code == 200
        assert http.post(metadata["introspection_endpoint"], asked).json() == {"active": False}


@spec("RFC 8414 §2")
def test_every_grant_type_and_method_offered_is_known(server: Troth, metadata: Any) -> None:
    with Plain(server) as http:
        client = server.client("--grant-type", "client_credentials", redirect_uris=())
        basic = {"auth": (client.client_id, client.secret)}
        for grant in metadata["grant_types_supported"]:
            response = http.post(metadata["token_endpoint"], {"grant_type": grant}, **basic)
            assert response.json().get("error") != "unsupported_grant_type", grant
    kept = {"client_secret_basic", "client_secret_post", "none"}
    assert set(metadata["token_endpoint_auth_methods_supported"]) == kept
    assert "none" not in metadata["introspection_endpoint_auth_methods_supported"]


@spec("RFC 8414 §2")
def test_a_new_scope_is_in_the_document_at_once(tenant: Troth) -> None:
    tenant.cli("scope", "add", "later", "--description", "Something new")
    with Plain(tenant) as http:
        metadata = http.get(tenant.issuer + WELL_KNOWN).json()
    assert {"extra", "later", "read_write"} <= set(metadata["scopes_supported"])
