"""An application that signs its authorization requests."""

import time
from dataclasses import dataclass
from typing import Any

import httpx2
from joserfc import jwe
from joserfc.jwk import import_key

from tests.harness import REDIRECT_URI, Browser, OAuthClient, Troth, answer, is_page
from tests.rings import Maker

ELSEWHERE = "https://app.example/elsewhere"
SCOPE = "openid profile read_write"


@dataclass
class Signer:
    """A client with keys of its own. Each request is sent by a browser that nobody uses."""

    troth: Troth
    client: OAuthClient
    maker: Maker

    @classmethod
    def of(cls, troth: Troth, maker: Maker, **openid: Any) -> "Signer":
        """A newly registered one; `openid` is its registration beside its keys."""
        client = troth.client(scope=SCOPE, redirect_uris=(REDIRECT_URI, ELSEWHERE))
        registered = {"jwks": {"keys": maker.jwks}, **openid}

        def change(metadata: dict[str, Any]) -> dict[str, Any]:
            return {**metadata, "openid": {**metadata.get("openid", {}), **registered}}

        troth.edit_client(client.client_id, change)
        return cls(troth, client, maker)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """A whole request object's claims; None leaves one out."""
        now = int(time.time())
        given = {
            "iss": self.client.client_id,
            "aud": self.troth.issuer,
            "exp": now + 300,
            "nbf": now - 5,
            "client_id": self.client.client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid read_write",
            "state": "canary-inside",
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def signed(self, alg: str = "RS256", **changes: Any) -> str:
        return self.maker.sign(alg, self.claims(**changes), typ="oauth-authz-req+jwt")

    def outside(self, **changes: str | None) -> dict[str, str]:
        """What OIDC Core §6.1 wants beside the object; None leaves a parameter out."""
        given: dict[str, str | None] = {
            "client_id": self.client.client_id,
            "response_type": "code",
            "scope": "openid",
            **changes,
        }
        return {name: value for name, value in given.items() if value is not None}

    def ask(self, method: str = "GET", /, **outside: str | None) -> httpx2.Response:
        browser = Browser(self.troth)
        if method == "POST":
            posted = browser.post("/oauth/authorize", self.outside(**outside))
            return browser.get(posted.headers["location"])
        return browser.get("/oauth/authorize", params=self.outside(**outside))

    def encrypted(self, text: str, alg: str = "RSA-OAEP-256", enc: str = "A256GCM") -> str:
        """To the server's published key, by another library."""
        jwks = Browser(self.troth).get("/oauth/jwks").json()["keys"]
        (found,) = [key for key in jwks if key["use"] == "enc" and key["alg"] == alg]
        head = {"alg": alg, "enc": enc, "kid": found["kid"], "cty": "JWT"}
        registry = jwe.JWERegistry(algorithms=[alg, enc])
        return jwe.encrypt_compact(head, text, import_key(found), registry=registry)


def accepted(response: httpx2.Response) -> bool:
    """Whether the request was one: the person is asked to log in."""
    return response.status_code == 303 and "/login" in response.headers["location"]


def refusal(response: httpx2.Response) -> str:
    """The error that the application is told, or `page`."""
    return "page" if is_page(response) else answer(response)["error"]
