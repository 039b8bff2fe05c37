"""The demo application's way to the others: Authlib, and a record of what it sent and got."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.starlette_client import StarletteOAuth2App

from troth.demo.exchange import Exchange, recorded, unanswered
from troth.demo.plan import LOGIN_SCOPE, ClientCredentials, Credentials, Plan


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Daybook:
    """The application: where it finds the others, and its own credentials."""

    plan: Plan
    credentials: Credentials

    def client(self, own: ClientCredentials, sent: list[httpx2.Response]) -> AsyncOAuth2Client:
        """Authlib's client; every answer is kept in `sent`."""
        return AsyncOAuth2Client(
            own.client_id,
            own.client_secret,
            token_endpoint_auth_method="client_secret_post",
            revocation_endpoint_auth_method="client_secret_post",
            redirect_uri=self.plan.redirect_uri,
            code_challenge_method="S256",
            leeway=0,
            **_wire(sent),
        )

    def openid(
        self, sent: list[httpx2.Response], server: Mapping[str, Any] | None = None
    ) -> StarletteOAuth2App:
        """Authlib's client of OpenID Connect: of the server it is told the issuer's address alone.

        `server` is what it has found there before.
        """
        own = self.credentials.application
        words = {"scope": LOGIN_SCOPE, "code_challenge_method": "S256"}
        return StarletteOAuth2App(
            None,
            client_id=own.client_id,
            client_secret=own.client_secret,
            server_metadata_url=f"{self.plan.issuer}/.well-known/openid-configuration",
            client_kwargs={**words, **_wire(sent)},
            **(server or {}),
        )

    @property
    def token_endpoint(self) -> str:
        return f"{self.plan.issuer}/oauth/token"


def _wire(sent: list[httpx2.Response]) -> dict[str, Any]:
    async def keep(response: httpx2.Response) -> None:
        await response.aread()
        sent.append(response)

    return {
        # All of it is http on loopback: no certificate is trusted, and no proxy is asked.
        "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        "trust_env": False,
        "event_hooks": {"response": [keep]},
    }


async def send(
    daybook: Daybook,
    token: Mapping[str, Any] | None,
    exchange: Callable[[AsyncOAuth2Client], Awaitable[Any]],
    title: str,
    way: tuple[str, str],
    own: ClientCredentials | None = None,
) -> tuple[Exchange, Any | None]:
    """Do one exchange; what went over the wire, and Authlib's result unless it was refused."""
    sent: list[httpx2.Response] = []
    async with daybook.client(own or daybook.credentials.application, sent) as client:
        client.token = dict(token) if token else None
        try:
            result = await exchange(client)
        except OAuthError:
            result = None
        except httpx2.TransportError as error:
            return unanswered(title, way, error.request), None
        except (httpx2.HTTPStatusError, ValueError):
            result = None
    return recorded(sent[-1], title, way), result
