"""Registration JSON of clients: what is kept, what is refused, and in which words."""

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests import forked
from tests.harness import Person, Troth
from tests.spec import spec

URI = "https://app.example/cb"
EC = ECKey.generate_key("P-256", {"use": "enc", "kid": "e"}, private=True)

WHOLE: dict[str, Any] = {
    "client_name": "Canary Whole",
    "redirect_uris": [URI, "https://app.example/other"],
    "response_types": ["code"],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid email read_write",
    "token_endpoint_auth_method": "client_secret_post",
    "application_type": "web",
    "contacts": ["ops@app.example"],
    "client_uri": "https://app.example",
    "logo_uri": "https://app.example/logo.png",
    "policy_uri": "https://app.example/policy",
    "tos_uri": "https://app.example/tos",
    "jwks": {"keys": [EC.as_dict(private=False)]},
    "subject_type": "pairwise",
    "id_token_signed_response_alg": "ES256",
    "id_token_encrypted_response_alg": "ECDH-ES",
    "id_token_encrypted_response_enc": "A128GCM",
    "userinfo_signed_response_alg": "PS256",
    "userinfo_encrypted_response_alg": "ECDH-ES+A128KW",
    "userinfo_encrypted_response_enc": "A256GCM",
    "request_object_signing_alg": "ES256",
    "request_object_encryption_alg": "RSA-OAEP-256",
    "request_object_encryption_enc": "A256GCM",
    "require_signed_request_object": False,
    "request_uris": ["https://app.example/request.jwt#GkurKxf5T0Y"],
    "default_max_age": 600,
    "require_auth_time": True,
    "default_acr_values": ["1"],
    "initiate_login_uri": "https://app.example/login",
    "post_logout_redirect_uris": ["https://app.example/bye"],
    "backchannel_logout_uri": "https://app.example/backchannel?x=1",
    "backchannel_logout_session_required": True,
    "frontchannel_logout_uri": "https://app.example/frontchannel",
    "frontchannel_logout_session_required": True,
}


def register(troth: Troth, document: Any, *words: str, command: str = "create") -> Any:
    """How the command ended, with the JSON on standard input."""
    text = document if isinstance(document, str) else json.dumps(document)
    words = ("client", *command.split(), "--metadata", "-", *words, "--json")
    return forked.run(words, troth.environment, text)


def refused(troth: Troth, **members: Any) -> str:
    """The one sentence with which a registration is refused."""
    done = register(troth, {"client_name": "Canary App", "redirect_uris": [URI], **members})
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    return str(lines[0])


@spec("OIDC Registration §2", "RFC 7591 §2", "OIDC Back-Channel Logout §2.2")
def test_every_registered_member_is_kept_under_its_name(troth: Troth) -> None:
    made = troth.client(metadata=WHOLE).registration
    shown = troth.cli("client", "show", made["client_id"])
    assert {name: shown[name] for name in WHOLE} == WHOLE
    assert {**shown, **{n: made[n] for n in ("client_secret", "client_secret_expires_at")}} == made


@spec("OIDC Registration §2")
def test_a_registration_that_says_little_gets_the_defaults(troth: Troth) -> None:
    done = register(troth, {"client_name": "Canary Bare", "redirect_uris": [URI], "tos_uri": None})
    made = json.loads(done.stdout)
    assert made["id_token_signed_response_alg"] == "RS256"
    assert (made["subject_type"], made["application_type"]) == ("public", "web")
    assert made["token_endpoint_auth_method"] == "client_secret_basic"
    assert made["scope"] == "openid profile email address phone offline_access"
    assert made["response_types"] == ["code"]
    assert len(made["client_secret"]) >= 32
    assert "tos_uri" not in made
    assert "default_max_age" not in made


def test_the_default_of_enc_comes_and_goes_with_its_alg(troth: Troth) -> None:
    keys = {"jwks": {"keys": [EC.as_dict(private=False)]}}
    client = troth.client(metadata={**keys, "userinfo_encrypted_response_alg": "ECDH-ES"})
    assert client.registration["userinfo_encrypted_response_enc"] == "A128CBC-HS256"
    gone = {"userinfo_encrypted_response_alg": None}
    done = register(troth, gone, command=f"update {client.client_id}")
    assert "userinfo_encrypted" not in done.stdout


def test_options_and_metadata_combine_and_the_option_wins(troth: Troth) -> None:
    members = {"client_name": "Canary JSON", "redirect_uris": [URI], "default_max_age": 5}
    done = register(troth, members, "--name", "Canary Option", "--access-token", "opaque")
    made = json.loads(done.stdout)
    assert (made["client_name"], made["default_max_age"]) == ("Canary Option", 5)
    assert made["access_token"] == "opaque"
    done = register(troth, {**members, "scope": "openid"}, "--scope", "read_write")
    assert json.loads(done.stdout)["scope"] == "read_write"


@spec("OIDC Registration §2")
def test_an_update_replaces_what_it_names_and_null_removes(troth: Troth) -> None:
    client = troth.client(metadata=WHOLE)
    change = {
        "client_id": client.client_id,
        "redirect_uris": [URI],
        "default_max_age": None,
        "tos_uri": None,
        "id_token_signed_response_alg": None,
        "userinfo_signed_response_alg": "RS256",
    }
    done = register(troth, change, command=f"update {client.client_id}")
    shown = json.loads(done.stdout)
    assert "client_secret" not in shown
    expected = {**WHOLE, **change, "id_token_signed_response_alg": "RS256"}
    kept = {name: value for name, value in expected.items() if value is not None}
    assert {name: shown[name] for name in kept} == kept
    assert not {"default_max_age", "tos_uri"} & shown.keys()


def test_an_update_of_the_method_makes_or_ends_the_secret(troth: Troth) -> None:
    client = troth.client()
    public = {"token_endpoint_auth_method": "none"}
    done = register(troth, public, command=f"update {client.client_id}")
    assert json.loads(done.stdout)["require_pkce"] is True
    back = {"token_endpoint_auth_method": "client_secret_post"}
    done = register(troth, back, command=f"update {client.client_id}")
    assert json.loads(done.stdout)["client_secret"] != client.secret


@spec("RFC 7591 §2")
def test_what_is_not_known_is_ignored_with_a_warning(troth: Troth) -> None:
    members = {"redirect_uris": [URI], "client_name": "A", "client_name#de": "B", "tenant": "x"}
    done = register(troth, {**members, "trusted": True})
    assert done.returncode == 0
    for name in ("client_name#de", "tenant", "trusted"):
        assert f"warning: {name} is ignored" in done.stderr
    assert not {"tenant", "trusted", "client_name#de"} & json.loads(done.stdout).keys()


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"redirect_uris": URI}, "redirect_uris"),
    ({"redirect_uris": [1]}, "redirect_uris"),
    ({"redirect_uris": []}, "--redirect-uri"),
    ({"default_max_age": "600"}, "default_max_age"),
    ({"default_max_age": True}, "default_max_age"),
    ({"default_max_age": -1}, "default_max_age"),
    ({"require_auth_time": "true"}, "require_auth_time"),
    ({"require_auth_time": 1}, "require_auth_time"),
    ({"client_name": 5}, "client_name"),
    ({"client_name": "Acme\u202etsal"}, "name"),
    ({"client_name": "Acme\u0007"}, "name"),
    ({"subject_type": "secret"}, "public, pairwise"),
    ({"application_type": "tv"}, "web, native"),
    ({"token_endpoint_auth_method": "tls_magic"}, "token_endpoint_auth_method"),
    ({"response_types": ["code id_token"]}, '["code"]'),
    ({"response_types": ["code", "token"]}, '["code"]'),
    ({"grant_types": ["implicit"]}, "'implicit'"),
    ({"scope": "undefined"}, "'undefined'"),
    ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
    ({"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg"),
    ({"userinfo_signed_response_alg": "RS512"}, "userinfo_signed_response_alg"),
    ({"request_object_signing_alg": "none"}, "request_object_signing_alg"),
    ({"request_object_signing_alg": "RS256"}, "jwks or jwks_uri"),
    ({"require_signed_request_object": True}, "jwks or jwks_uri"),
    ({"request_object_encryption_alg": "RSA1_5"}, "request_object_encryption_alg"),
    ({"id_token_encrypted_response_alg": "RSA-OAEP-256"}, "jwks or jwks_uri"),
    ({"id_token_encrypted_response_alg": "dir"}, "id_token_encrypted_response_alg"),
    ({"userinfo_encrypted_response_enc": "A128GCM"}, "userinfo_encrypted_response_alg"),
    ({"jwks_uri": "http://app.example/jwks"}, "jwks_uri"),
    ({"jwks_uri": "https://app.example/jwks", "jwks": {"keys": [{}]}}, "exclude one another"),
    ({"jwks": {}}, "keys"),
    ({"jwks": {"keys": []}}, "keys"),
    ({"jwks": {"keys": ["x"]}}, "key 1"),
    ({"sector_identifier_uri": "http://app.example/s"}, "sector_identifier_uri"),
    ({"initiate_login_uri": "http://app.example/login"}, "initiate_login_uri"),
    ({"initiate_login_uri": "https://a@app.example/"}, "user name"),
    ({"request_uris": ["http://app.example/r"]}, "request_uris"),
    ({"logo_uri": "javascript:alert(1)"}, "logo_uri"),
    ({"policy_uri": "https://app.example/<script>"}, "policy_uri"),
    ({"tos_uri": "data:text/html,x"}, "tos_uri"),
    ({"client_uri": "javascript:alert(1)"}, "client_uri"),
    ({"post_logout_redirect_uris": ["https://*.example/"]}, "post_logout_redirect_uris"),
    ({"post_logout_redirect_uris": ["http://app.example/"]}, "post_logout_redirect_uris"),
    ({"backchannel_logout_uri": "https://app.example/b#f"}, "fragment"),
    ({"backchannel_logout_uri": "/b"}, "backchannel_logout_uri"),
    ({"frontchannel_logout_uri": "https://evil.example/f"}, "redirect URI"),
    ({"frontchannel_logout_uri": "http://app.example/f"}, "redirect URI"),
    ({"frontchannel_logout_uri": "https://app.example:8443/f"}, "redirect URI"),
    ({"contacts": ["a" * 300]}, "contacts"),
    ({"client_id": "https://evil.example"}, "client_id"),
    ({"client_id": 7}, "client_id"),
    ({"client_secret": "canary short"}, "client_secret"),
    ({"client_secret": "0123456789abcdef" * 2}, "client_secret"),
    ({"client_secret": "canary-password-canary-password-canary"}, "client_secret"),
    ({"subject_type": "pairwise", "redirect_uris": [URI, "https://b.example/cb"]}, "pairwise"),
    ({"subject_type": "pairwise", "redirect_uris": ["com.example.app:/cb"]}, "pairwise"),
)  # fmt: skip


@spec("OIDC Registration §2", "OIDC Front-Channel Logout §2", "OIDC Back-Channel Logout §2.2")
def test_rg_02_what_cannot_be_is_refused_in_a_sentence_that_names_it(troth: Troth) -> None:
    before = troth.digest()
    for members, named in WRONG:
        assert named in refused(troth, **members), (members, named)
    assert troth.digest() == before


def test_json_that_can_be_read_in_two_ways_is_refused(troth: Troth) -> None:
    twice = '{"client_name": "a", "client_name": "b"}'
    for text in (twice, "[]", "{", '"x"', "\ufeff{}", "[" * 5000):
        done = register(troth, text)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), text[:50]


@spec("RFC 7591 §2")
def test_rg_05_private_symmetric_and_weak_keys_are_refused(troth: Troth) -> None:
    weak = rsa.generate_private_key(65537, 1024).public_key()
    for key in (
        RSAKey.generate_key(2048, private=True).as_dict(private=True),
        EC.as_dict(private=True),
        OctKey.generate_key(256).as_dict(private=True),
        RSAKey(weak, None).as_dict(private=False),
    ):
        assert "key 2 of jwks" in refused(troth, jwks={"keys": [EC.as_dict(private=False), key]})
    many = [EC.as_dict(private=False)] * 101
    assert "keys" in refused(troth, jwks={"keys": many})


def test_encryption_needs_a_key_that_fits(troth: Troth) -> None:
    keys = {"keys": [EC.as_dict(private=False)]}
    said = refused(troth, jwks=keys, id_token_encrypted_response_alg="RSA-OAEP-256")
    assert "fits none of the keys" in said


@spec("OIDC Back-Channel Logout §2.2")
def test_back_channel_logout_goes_over_http_only_to_clients_with_a_secret(troth: Troth) -> None:
    members = {"backchannel_logout_uri": "http://127.0.0.1:9/b"}
    assert troth.client(metadata=members).registration["backchannel_logout_uri"]
    said = refused(troth, **members, token_endpoint_auth_method="none")
    assert "backchannel_logout_uri" in said


def test_an_id_and_a_secret_that_were_made_elsewhere_are_taken(troth: Troth) -> None:
    mine = {"client_id": f"given-{secrets.token_hex(4)}", "client_secret": secrets.token_hex(16)}
    client = troth.client(metadata={**mine, "token_endpoint_auth_method": "client_secret_post"})
    assert (client.client_id, client.secret) == (mine["client_id"], mine["client_secret"])
    assert client.introspect("nothing") == {"active": False}
    assert "already" in refused(troth, **mine)


def test_rg_10_an_id_that_stood_for_somebody_else_is_not_used_again(
    troth: Troth, ada: Person
) -> None:
    former = troth.client(metadata={"client_id": f"given-{secrets.token_hex(4)}"})
    former.tokens(ada)
    troth.cli("client", "delete", former.client_id, "--yes")
    assert "used before" in refused(troth, client_id=former.client_id)
    assert "used before" in refused(troth, client_id=ada.sub)


def test_an_update_is_not_of_another_client_and_has_no_secret(troth: Troth) -> None:
    client = troth.client()
    before = troth.digest()
    for change in ({"client_id": "other"}, {"client_secret": secrets.token_hex(32)}):
        done = register(troth, change, command=f"update {client.client_id}")
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert troth.digest() == before


def test_a_file_that_cannot_be_read_is_named(troth: Troth) -> None:
    done = troth.run_cli("client", "create", "--metadata", "/nowhere.json")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "/nowhere.json" in done.stderr
