"""What the discovery document promises, each member used by somebody who believes it."""

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, zip_longest
from typing import Any

import httpx2
from joserfc import jwe
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from tests.harness import (
    REDIRECT_URI,
    Browser,
    OAuthClient,
    Person,
    Plain,
    Troth,
    answer,
    forms,
    query_of,
)
from tests.oidc.conftest import SCOPE, userinfo, verified
from tests.oidc.logouts import claims_of, tokens_at, until
from tests.outside import Answer, Outside
from tests.rings import Maker
from tests.signers import Signer, accepted, refusal

RSA = RSAKey.generate_key(2048, {"use": "enc", "kid": "canary-rsa"})
EC = ECKey.generate_key("P-256", {"use": "enc", "kid": "canary-ec"})
JWKS = {"keys": [key.as_dict(private=False) for key in (RSA, EC)]}

BACK = "https://app.example/signed-out"

ENCODINGS = [
    f"{kind}_{what}_values_supported"
    for kind in ("id_token", "userinfo")
    for what in ("signing_alg", "encryption_alg", "encryption_enc")
]


@dataclass
class Believer:
    """Somebody signed in, who takes every word of the document as it stands."""

    troth: Troth
    rp: OAuthClient
    person: Person
    outside: Outside
    browser: Browser
    document: dict[str, Any]
    maker: Maker = field(default_factory=Maker)

    def ask(self, client: OAuthClient | None = None, **parameters: str | None) -> httpx2.Response:
        """How a request ends for who is signed in: a page, or a redirect to the application."""
        assert self.everything[0], "somebody is signed in, and has agreed"
        asked = (client or self.rp).parameters(**{"scope": "openid", **parameters})
        address = self.document["authorization_endpoint"]
        return self.browser.follow(self.browser.get(address, params=asked))

    def tokens(self, client: OAuthClient, **parameters: str | None) -> Any:
        return client.tokens(self.person, self.browser, **{"scope": "openid", **parameters})

    @cached_property
    def everything(self) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        """Tokens with every scope and every claim by name; the ID token, and UserInfo."""
        named = json.dumps({"id_token": dict.fromkeys(self.document["claims_supported"])})
        tokens = self.tokens(self.rp, scope=SCOPE, claims=named, acr_values="1", max_age="9999")
        said = verified(self.troth, tokens["id_token"]).claims
        return tokens, said, userinfo(self.troth, tokens["access_token"]).json()

    @cached_property
    def ended(self) -> tuple[dict[str, Any], str, str]:
        """What an ID token said, the page after a logout, and the logout token that was heard."""
        path = f"/discovered/{self.troth.port}"
        self.outside.answers[path] = Answer()
        listens = {
            "post_logout_redirect_uris": [BACK],
            "backchannel_logout_uri": self.outside.url(path),
            "backchannel_logout_session_required": True,
            "frontchannel_logout_uri": "https://app.example/frontchannel",
        }
        client, browser = self.troth.client(scope="openid", metadata=listens), Browser(self.troth)
        id_token = client.tokens(self.person, browser, scope="openid")["id_token"]
        leaving = {"id_token_hint": id_token, "post_logout_redirect_uri": BACK, "state": "left"}
        asked = browser.get(self.document["end_session_endpoint"], params=leaving)
        page = browser.submit(asked, "end-session", {"decision": "confirm"})
        browser.http.close()
        (told,) = until(lambda: tokens_at(self.outside, path))
        return verified(self.troth, id_token).claims, page.text, told

    @cached_property
    def signer(self) -> Signer:
        uris = [self.outside.url("/discovered.jwt")]
        return Signer.of(self.troth, self.maker, request_uris=uris)

    @cached_property
    def encoded(self) -> dict[str, set[str]]:
        """What ID tokens and UserInfo really are, of clients that have each encoding once."""
        found: dict[str, set[str]] = {}
        columns = [self.document[name] for name in ENCODINGS]
        for row in zip_longest(*columns):
            self._encode(
                [one or column[0] for one, column in zip(row, columns, strict=True)], found
            )
        return found

    def _encode(self, row: list[str], found: dict[str, set[str]]) -> None:
        names = [
            f"{kind}_{what}"
            for kind in ("id_token", "userinfo")
            for what in ("signed_response_alg", "encrypted_response_alg", "encrypted_response_enc")
        ]
        client = self.troth.client(
            scope="openid", metadata={"jwks": JWKS, **dict(zip(names, row, strict=True))}
        )
        tokens = self.tokens(client)
        told = userinfo(self.troth, tokens["access_token"])
        assert told.headers["content-type"] == "application/jwt"
        for kind, text, signed in (
            ("id_token", tokens["id_token"], row[0]),
            ("userinfo", told.text, row[3]),
        ):
            outer, inner = opened(text)
            assert verified(self.troth, inner, signed).claims["sub"] == self.person.sub
            for what, value in (
                ("signing_alg", head(inner)["alg"]),
                ("encryption_alg", outer["alg"]),
                ("encryption_enc", outer["enc"]),
            ):
                found.setdefault(f"{kind}_{what}_values_supported", set()).add(value)


def head(text: str) -> dict[str, Any]:
    return dict(json.loads(urlsafe_b64decode(text.split(".", maxsplit=1)[0].encode())))


def opened(text: str) -> tuple[dict[str, Any], str]:
    outer = head(text)
    registry = jwe.JWERegistry(algorithms=[outer["alg"], outer["enc"]])
    key = RSA if outer["kid"] == "canary-rsa" else EC
    plain = jwe.decrypt_compact(text, key, registry=registry).plaintext
    assert plain is not None
    return outer, plain.decode()


Check = Callable[[Believer, Any], None]


def _issuer(b: Believer, value: Any) -> None:
    assert value == b.troth.issuer == b.everything[1]["iss"]


def _leads(b: Believer, value: Any) -> None:
    """The whole way goes by the document's own addresses; here: nothing else is below them."""
    assert value.startswith(b.troth.issuer + "/oauth/")
    with Plain(b.troth) as http:
        assert {http.get(value).status_code, http.post(value, {}).status_code} - {404, 405}


def _keys(b: Believer, value: Any) -> None:
    with Plain(b.troth) as http:
        keys = http.get(value).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    assert all({"kty", "use", "alg", "kid"} <= key.keys() for key in keys)
    assert not any({"d", "p", "q", "k"} & key.keys() for key in keys)
    assert all(len(key["n"]) >= 342 for key in keys if key["kty"] == "RSA"), "2048 bits"
    sets = ("id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported")
    signing = {key["alg"] for key in keys if key["use"] == "sig"}
    assert all(signing >= set(b.document[name]) for name in sets)


def _scopes(b: Believer, value: Any) -> None:
    assert set(SCOPE.split()) <= set(value)
    assert b.everything[0]["scope"].split() == SCOPE.split()


def _claims(b: Believer, value: Any) -> None:
    _, said, told = b.everything
    assert set(value) == {name.partition("#")[0] for name in {*said, *told}} - {"at_hash"}


def _by_name(b: Believer, value: Any) -> None:
    assert value is True
    assert {"phone_number", "address", "name"} <= b.everything[1].keys()


def _claim_types(b: Believer, value: Any) -> None:
    assert value == ["normal"]
    assert not {"_claim_names", "_claim_sources"} & b.everything[2].keys()


def _response_types(b: Believer, value: Any) -> None:
    for one in value:
        assert one in answer(b.ask(response_type=one))
    assert "error" in answer(b.ask(response_type="id_token"))


def _response_modes(b: Believer, value: Any) -> None:
    for mode in value:
        got = b.ask(response_mode=mode)
        by_form = dict(forms(got.text)["answer"]["inputs"]) if mode == "form_post" else answer(got)
        assert by_form["code"], mode
    assert answer(b.ask(response_mode="fragment"))["error"] == "invalid_request"


def _grants(b: Believer, value: Any) -> None:
    machine = b.troth.client("--grant-type", "client_credentials", redirect_uris=())
    own = {"grant_type": "client_credentials", **machine.credentials()}
    tokens = b.everything[0]
    used = {
        "authorization_code": 200 if tokens["access_token"] else 0,
        "refresh_token": b.rp.refresh(tokens["refresh_token"]).status_code,
        "client_credentials": machine.post(b.document["token_endpoint"], own).status_code,
    }
    assert used == dict.fromkeys(value, 200)


def _auth_methods(name: str) -> Check:
    def check(b: Believer, value: Any) -> None:
        address = b.document[f"{name}_endpoint"]
        given = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
        clients = {method: _client_of(b, method) for method in value}
        for method, client in clients.items():
            extra: dict[str, Any] = {}
            form = {**given, **client.credentials()}
            if method == "client_secret_basic":
                form, extra = given, {"auth": (client.client_id, client.secret)}
            got = client.post(address, form, **extra)
            assert (got.status_code, got.json().get("error")) in ANSWERED, (method, got.text)
        stranger = {**given, "client_id": b.rp.client_id, "client_secret": "wrong"}
        assert b.rp.post(address, stranger).status_code == 401

    return check


# A client that was proven and gave a token that is none.
ANSWERED = ((200, None), (400, "invalid_grant"))


def _client_of(b: Believer, method: str) -> OAuthClient:
    if method == "client_secret_basic":
        return b.rp
    return b.troth.client("--auth-method", method)


def _pkce(b: Believer, value: Any) -> None:
    assert value == ["S256"]
    native = b.troth.client("--auth-method", "none", scope="openid")
    code = answer(b.browser.authorize(native.parameters(scope="openid"), b.person))["code"]
    assert native.redeem(code, code_verifier="x" * 43).json()["error"] == "invalid_grant"
    assert native.redeem(code).status_code == 200


def _iss(b: Believer, value: Any) -> None:
    assert value is True
    assert answer(b.ask())["iss"] == b.document["issuer"]
    assert answer(b.ask(prompt="none bogus"))["iss"] == b.document["issuer"]


def _subject_types(b: Believer, value: Any) -> None:
    pairwise = b.troth.client(scope="openid", metadata={"subject_type": "pairwise"})
    said = verified(b.troth, b.tokens(pairwise)["id_token"]).claims
    subs = {
        "public": b.everything[1]["sub"] == b.person.sub,
        "pairwise": said["sub"] != b.person.sub,
    }
    assert subs == dict.fromkeys(value, True)


# What somebody who is signed in and has agreed sees first.
PROMPTED = {
    "none": None,
    "login": 'id="login"',
    "consent": 'id="consent"',
    "select_account": 'id="select"',
}


def _prompts(b: Believer, value: Any) -> None:
    for prompt in value:
        got, page = b.ask(prompt=prompt), PROMPTED[prompt]
        assert ("code" in answer(got)) if page is None else (page in got.text), prompt
    assert answer(b.ask(prompt="create"))["error"] == "invalid_request"


def _acr(b: Believer, value: Any) -> None:
    for acr in value:
        claims = json.dumps({"id_token": {"acr": {"essential": True, "value": acr}}})
        tokens = b.tokens(b.rp, claims=claims)
        assert verified(b.troth, tokens["id_token"]).claims["acr"] == acr
    other = json.dumps({"id_token": {"acr": {"essential": True, "value": "hardware"}}})
    assert answer(b.ask(claims=other))["error"] == "unmet_authentication_requirements"


def _displays(b: Believer, value: Any) -> None:
    for display in value:
        page = b.ask(prompt="consent", display=display)
        cut_off = "cross-origin-opener-policy" in page.headers
        assert ('id="consent"' in page.text, cut_off) == (True, display != "popup")


def _languages(b: Believer, value: Any) -> None:
    for language in value:
        assert f'<html lang="{language}"' in b.ask(prompt="consent", ui_locales=language).text


def _encoding(name: str) -> Check:
    def check(b: Believer, value: Any) -> None:
        assert len(value) == len(set(value))
        assert b.encoded[name] == set(value)

    return check


def _request_algs(b: Believer, value: Any) -> None:
    for alg in value:
        assert accepted(b.signer.ask(request=b.signer.signed(alg))), alg
    unsigned = ".".join((b64url({"alg": "none"}), b64url(b.signer.claims()), ""))
    refused = b.signer.ask(request=unsigned, redirect_uri=REDIRECT_URI)
    assert refusal(refused) == "invalid_request_object"


def b64url(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode()


def _request_encryption(b: Believer, _: Any) -> None:
    algs = b.document["request_object_encryption_alg_values_supported"]
    encs = b.document["request_object_encryption_enc_values_supported"]
    assert len(encs) >= len(algs)
    for alg, enc in zip(cycle(algs), encs, strict=False):
        text = b.signer.encrypted(b.signer.signed("ES256"), alg, enc)
        assert accepted(b.signer.ask(request=text)), (alg, enc)


def _request(b: Believer, value: Any) -> None:
    assert value is True
    outside = {"request": b.signer.signed(), "state": "outside", "prompt": "none"}
    assert answer(b.signer.ask(**outside))["state"] == "canary-inside"


def _request_uri(b: Believer, value: Any) -> None:
    assert value is True
    text = b.signer.signed().encode()
    b.outside.answers["/discovered.jwt"] = Answer(text)
    assert accepted(b.signer.ask(request_uri=b.outside.url("/discovered.jwt")))


def _request_uri_registration(b: Believer, value: Any) -> None:
    assert value is True
    elsewhere = {"request_uri": b.outside.url("/never.jwt"), "redirect_uri": REDIRECT_URI}
    assert refusal(b.signer.ask(**elsewhere)) == "invalid_request_uri"
    assert not [heard for heard in b.outside.heard if heard.path == "/never.jwt"]


def _end_session(b: Believer, value: Any) -> None:
    _leads(b, value)
    assert f'href="{BACK}?state=left"' in b.ended[1]


def _front_channel(b: Believer, value: Any) -> None:
    assert value is True
    said, page, _ = b.ended
    frames = [query_of(html.unescape(one)) for one in re.findall('<iframe[^>]+src="([^"]+)"', page)]
    assert frames == [{"iss": [b.troth.issuer], "sid": [said["sid"]]}]


def _back_channel(b: Believer, value: Any) -> None:
    assert value is True
    said, _, token = b.ended
    header, told = claims_of(b.troth, token)
    assert (header["typ"], told["aud"], told["sid"]) == ("logout+jwt", said["aud"], said["sid"])


def _check_session(b: Believer, value: Any) -> None:
    """Its script is tried in a browser, in tests/browser/test_scripts.py."""
    with Plain(b.troth) as http:
        page = http.get(value)
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers
    assert "session_state" in answer(b.ask())


CHECKS: Mapping[str, Check] = {
    "issuer": _issuer,
    "authorization_endpoint": _leads,
    "token_endpoint": _leads,
    "userinfo_endpoint": _leads,
    "revocation_endpoint": _leads,
    "introspection_endpoint": _leads,
    "jwks_uri": _keys,
    "scopes_supported": _scopes,
    "claims_supported": _claims,
    "claims_parameter_supported": _by_name,
    "claim_types_supported": _claim_types,
    "response_types_supported": _response_types,
    "response_modes_supported": _response_modes,
    "grant_types_supported": _grants,
    "token_endpoint_auth_methods_supported": _auth_methods("token"),
    "revocation_endpoint_auth_methods_supported": _auth_methods("revocation"),
    "introspection_endpoint_auth_methods_supported": _auth_methods("introspection"),
    "code_challenge_methods_supported": _pkce,
    "authorization_response_iss_parameter_supported": _iss,
    "subject_types_supported": _subject_types,
    "prompt_values_supported": _prompts,
    "acr_values_supported": _acr,
    "display_values_supported": _displays,
    "ui_locales_supported": _languages,
    "request_parameter_supported": _request,
    "request_uri_parameter_supported": _request_uri,
    "require_request_uri_registration": _request_uri_registration,
    "request_object_signing_alg_values_supported": _request_algs,
    "request_object_encryption_alg_values_supported": _request_encryption,
    "request_object_encryption_enc_values_supported": _request_encryption,
    "end_session_endpoint": _end_session,
    "frontchannel_logout_supported": _front_channel,
    "frontchannel_logout_session_supported": _front_channel,
    "backchannel_logout_supported": _back_channel,
    "backchannel_logout_session_supported": _back_channel,
    "check_session_iframe": _check_session,
    **{name: _encoding(name) for name in ENCODINGS},
}
