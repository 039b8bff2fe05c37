"""Applications that are told of logouts, and what they hear."""

import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from joserfc import jws, jwt
from joserfc.jwk import KeySet

from tests.harness import Browser, OAuthClient, Person, Plain, Troth
from tests.outside import Answer, Outside

SCOPE = "openid profile offline_access read_write"
PATIENCE = 60


def register(client: OAuthClient, **members: object) -> None:
    """Change what a client registered; null removes a member."""
    words = ("client", "update", client.client_id, "--metadata", "-")
    client.troth.cli(*words, stdin=json.dumps(members))


def told(troth: Troth, outside: Outside, **answer: Any) -> tuple[OAuthClient, str]:
    """A new client that is told by the back channel, and the path where it listens."""
    path = f"/logout/{secrets.token_hex(8)}"
    outside.answers[path] = Answer(**answer)
    metadata = {"backchannel_logout_uri": outside.url(path)}
    return troth.client(scope=SCOPE, name="Canary Told", metadata=metadata), path


def signed_in(client: OAuthClient, person: Person, browser: Browser, scope: str = "openid") -> Any:
    """What a client holds of a person who is signed in in this browser now."""
    return client.tokens(person, browser, scope=scope)


def sign_out(browser: Browser) -> Any:
    response = browser.submit(browser.get("/logout"), "logout")
    assert response.status_code == 200, response.text
    return response


def until(what: Callable[[], Any]) -> Any:
    """What comes true soon, on however slow a machine."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come true")


def tokens_at(outside: Outside, path: str) -> list[str]:
    """The logout tokens that arrived at a path."""
    return [
        parse_qs(one.body.decode())["logout_token"][0] for one in outside.heard if one.path == path
    ]


def claims_of(troth: Troth, token: str, *algorithms: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token, as a library reads it by the published keys."""
    with Plain(troth) as http:
        keys = KeySet.import_key_set(http.get("/oauth/jwks").json())
    header = dict(jws.extract_compact(token.encode()).headers())
    return header, jwt.decode(token, keys, algorithms=list(algorithms or ("RS256",))).claims


def waiting(client: OAuthClient) -> list[Any]:
    """The rows that say that a client must still be told."""
    return client.troth.rows(
        "select attempts, due_at from delivery where client_id = ?", client.client_id
    )


def settled(client: OAuthClient) -> None:
    """Wait until nothing must be told to a client any more."""
    until(lambda: not waiting(client))


def tried(client: OAuthClient) -> None:
    """Wait until a client was told, or could not be, and will be again."""
    until(lambda: [attempts for attempts, _ in waiting(client) if attempts])


class Holding:
    """An answer that does not come before it is let go."""

    def __init__(self, status: int = 200) -> None:
        self._status = status
        self._go = threading.Event()

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self._go.wait(PATIENCE)
        handler.send_response(self._status)
        handler.send_header("content-length", "0")
        handler.end_headers()

    def let_go(self) -> None:
        self._go.set()
