"""An issuer on a loopback socket that does as it is told and counts what it is asked."""

import asyncio
import json
import socket
import threading
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.requests import Request
from starlette.responses import Response

from troth_guard import Guard, Options

NOW = 1_800_000_000
AUDIENCE = "https://api.example"
KEYS: dict[str, Any] = {
    "ES256": ECKey.generate_key("P-256", {"kid": "ES256", "alg": "ES256"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "RS256", "alg": "RS256"}),
    "PS256": RSAKey.generate_key(2048, {"kid": "PS256", "alg": "PS256"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "Ed25519", "alg": "Ed25519"}),
}


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = float(NOW)

    def __call__(self):
        return self.now


class Issuer:
    """Its metadata, keys and answers; `fails` names what answers 500."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.reset()

    def reset(self):
        self.asked: Counter[str] = Counter()
        self.authorizations = []
        self.fails = set()
        self.delay = 0.0
        self.redirects = set()
        self.keys = [key.as_dict(private=False) for key in KEYS.values()]
        self.tokens = {}
        self.metadata = {
            "issuer": self.url,
            "jwks_uri": self.url + "/jwks",
            "introspection_endpoint": self.url + "/introspect",
        }

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        path = request.url.path
        self.asked[path] += 1
        await asyncio.sleep(self.delay)
        if path in self.fails:
            response = Response(status_code=500)
        elif path in self.redirects:
            response = Response(status_code=307, headers={"location": path + "/elsewhere"})
        else:
            response = Response(await self._answer(path, request), media_type="application/json")
        await response(scope, receive, send)

    async def _answer(self, path, request):
        if path.startswith("/.well-known/oauth-authorization-server"):
            return json.dumps(self.metadata)
        if path == "/jwks":
            return json.dumps({"keys": self.keys})
        self.authorizations.append(request.headers.get("authorization"))
        form = dict(parse_qsl((await request.body()).decode(), strict_parsing=True))
        return json.dumps(self.tokens.get(form["token"], {"active": False}))

    def claims(self, **changes):
        """The claims of a good token; None takes one away."""
        claims = {
            "iss": self.url,
            "sub": "person",
            "client_id": "app",
            "aud": AUDIENCE,
            "iat": NOW,
            "exp": NOW + 3600,
            "jti": "id",
            "scope": "read write",
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, alg="ES256", header=None, **changes):
        head = {"alg": alg, "kid": alg, "typ": "at+jwt"} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        return sign(head, json.dumps(self.claims(**changes)), KEYS[alg], alg)

    def guard(self, clock, *, online=False, introspects=False, **options):
        has_credentials = online or introspects
        return Guard(
            issuer=self.url,
            audience=AUDIENCE,
            online=online,
            client_id="api:1" if has_credentials else None,
            client_secret="s+e c" if has_credentials else None,
            options=Options(clock=clock, **options),
        )

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Issuer"]:
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            issuer = cls(listening.getsockname()[1])
            config = uvicorn.Config(issuer, log_level="critical", lifespan="off", access_log=False)
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
            thread.start()
            while not server.started:
                time.sleep(0.005)
            try:
                yield issuer
            finally:
                server.should_exit = True
                thread.join()


def sign(header, payload, key, alg):
    """A compact JWS with whatever header: the model signs, so that nothing is checked here."""
    parts = b".".join(b64(part.encode()) for part in (json.dumps(header), payload))
    signature = jws.JWSRegistry.algorithms[alg].sign(parts, key)
    return (parts + b"." + b64(signature)).decode()


def b64(raw):
    return urlsafe_b64encode(raw).rstrip(b"=")
