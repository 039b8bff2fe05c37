"""A real Troth in processes of its own, and a plain HTTP client that behaves like a browser.

Nothing here knows the code under test: it goes through the command line and sockets only.
"""

import asyncio
import json
import os
import re
import secrets
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

import asyncpg
import httpx2

from tests import forked
from tests.oracles import check_response
from tests.ports import free_port as free_port  # noqa: PLC0414  # where every test looks for it

_MAKES_OR_TELLS = {"create", "add", "list", "show", "up", "status", "plan"}
PASSWORD = "canary correct horse battery"
REDIRECT_URI = "https://app.example/cb"
# Reading the machine's certificates takes longer than most tests: once is enough.
_TLS = ssl.create_default_context()


class Troth:
    """One installation in a folder: `cli` runs commands, `start` and `stop` the server."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.management_port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.database = folder / "troth.db"
        self.log_file = folder / "troth.log"
        key_file = folder / "master.key"
        if not key_file.exists():
            key_file.touch(mode=0o600)
            key_file.write_bytes(urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=") + b"\n")
        self.environment = {
            **{name: value for name, value in os.environ.items() if "TROTH_" not in name},
            "TROTH_ISSUER": self.issuer,
            "TROTH_DATABASE": f"sqlite://{self.database}",
            "TROTH_LISTEN": f"127.0.0.1:{self.port}",
            "TROTH_MANAGEMENT_LISTEN": f"127.0.0.1:{self.management_port}",
            "TROTH_MASTER_KEY_FILE": str(key_file),
            **{f"TROTH_{name.upper()}": value for name, value in settings.items()},
        }
        self.issuer = self.environment["TROTH_ISSUER"]
        self.postgres = self.environment["TROTH_DATABASE"].startswith("postgresql://")
        self.command: tuple[str, ...] = ("-m", "troth", "serve")
        self._process: subprocess.Popen[str] | None = None
        if self.postgres:
            self.cli("migrate", "up")

    def run_cli(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command that may fail; whatever serves is started as an operator starts it."""
        if words[0] not in ("serve", "dev"):
            return forked.run(words, self.environment, stdin)
        return subprocess.run(
            [sys.executable, "-m", "troth", *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def cli(self, *words: str, stdin: str = "") -> Any:
        """A command's JSON; fails the test where the command fails."""
        done = self.run_cli(*words, "--json", stdin=stdin)
        assert done.returncode == 0, f"troth {' '.join(words)}: {done.stderr}"
        if words[1:] and words[1] not in _MAKES_OR_TELLS:
            self._let_it_be_heard()
        return json.loads(done.stdout)

    def _let_it_be_heard(self) -> None:
        """PostgreSQL tells the processes of a change at once, which is promised within a second."""
        if self.postgres:
            time.sleep(0.1)

    def start(self) -> "Troth":
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
                env=self.environment,
                stdout=log,
                stderr=log,
                text=True,
            )
        before = self.log().count("\nready") + self.log().startswith("ready")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            text = self.log()
            if text.count("\nready") + text.startswith("ready") > before:
                return self
            assert self._process.poll() is None, f"the server ended: {text[-2000:]}"
            time.sleep(0.02)
        raise AssertionError(f"the server is not ready: {self.log()[-2000:]}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(timeout=30)

    def log(self) -> str:
        return self.log_file.read_text("utf-8", "replace") if self.log_file.exists() else ""

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Ask the database behind the server's back; `?` stands for a value."""
        if self.postgres:
            return _ask(self.environment["TROTH_DATABASE"], sql, values)
        connection = sqlite3.connect(self.database, timeout=10)
        try:
            with connection:
                return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def execute(self, sql: str, *values: Any) -> None:
        """Change the database behind the server's back: time that passed, rows that broke."""
        self.rows(sql, *values)

    def edit_client(
        self, client_id: str, change: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        """Change a registration's JSON behind the server's back, as a commit would announce it."""
        ((metadata,),) = self.rows("select metadata from client where client_id = ?", client_id)
        changed = json.dumps(change(json.loads(metadata)))
        self.execute("update client set metadata = ? where client_id = ?", changed, client_id)
        self.execute("update revision set value = value + 1")
        if not self.postgres:
            self.cli("keys", "rotate", "--use", "seal")  # a commit that announces itself
        if self.postgres:
            self.execute("select pg_notify('troth_revision', value::text) from revision")
        self._let_it_be_heard()

    def dump(self) -> str:
        """Every value of every table, as text; bytes are what they would be in Latin 1."""
        own = "select name from sqlite_master where type = 'table'"
        if self.postgres:
            own = "select tablename from pg_tables where schemaname = 'public'"
        tables = [table for (table,) in self.rows(own)]
        rows = [row for table in tables for row in self.rows(f'select * from "{table}"')]
        values = [value for row in rows for value in row]
        return "\n".join(v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in values)

    def raw(self, request: bytes, timeout: float = 10) -> bytes:
        """Send bytes as they are and read until the server closes, or says nothing more."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as sock:
            sock.sendall(request)
            sock.settimeout(timeout)
            try:
                while chunk := sock.recv(65536):
                    answer += chunk
            except (TimeoutError, ConnectionError):
                pass
        return answer

    def digest(self) -> dict[str, str]:
        """What every table holds, but for audit, traces, counters and session touches (G5)."""
        tables = ("client", "person", "authorization", "chain", "spent", "scope", "key")
        return {
            t: sha256(repr(self.rows(f'select * from "{t}"')).encode()).hexdigest() for t in tables
        }

    # What most tests register

    def person(
        self,
        username: str | None = None,
        password: str = PASSWORD,
        claims: Mapping[str, Any] | None = None,
    ) -> "Person":
        name = username or "user" + secrets.token_hex(4)
        made = self.cli(
            "user",
            "create",
            "--username",
            name,
            "--email",
            f"{name}@people.example",
            "--password-stdin",
            stdin=password,
        )
        if claims is not None:
            self.cli("user", "update", made["sub"], "--claims", "-", stdin=json.dumps(claims))
        return Person(name, password, made["sub"])

    def client(
        self,
        *words: str,
        scope: str = "read_write extra",
        metadata: Mapping[str, Any] | None = None,
        **kind: Any,
    ) -> "OAuthClient":
        """Register by option; what `metadata` (registration JSON) names is left to it."""
        given = metadata or {}
        options = {
            "client_name": ["--name", kind.get("name", "Canary App")],
            "redirect_uris": [
                word
                for uri in kind.get("redirect_uris", (REDIRECT_URI,))
                for word in ("--redirect-uri", uri)
            ],
            "scope": ["--scope", scope],
        }
        said = [word for name, option in options.items() if name not in given for word in option]
        if metadata is not None:
            said += ["--metadata", "-"]
        made = self.cli("client", "create", *said, *words, stdin=json.dumps(given))
        return OAuthClient(self, made)


def _ask(url: str, sql: str, values: tuple[Any, ...]) -> list[Any]:
    number = count(1)
    numbered = re.sub(r"\?", lambda _: f"${next(number)}", sql)

    async def ask() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(numbered, *values)]
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as beside:  # a test may have a loop of its own
        return beside.submit(lambda: asyncio.run(ask())).result()


# Told of every answer; the engines' tests compare what they hear.
listeners: list[Callable[[httpx2.Response], None]] = []


@dataclass
class Person:
    username: str
    password: str
    sub: str


_HOPS = count(1)


def somewhere() -> str:
    """A network that nobody was in before, for X-Forwarded-For."""
    number = next(_HOPS)
    return f"198.18.{number // 200}.{number % 200 + 1}"


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, Any]] = {}
        self._open: dict[str, Any] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._open = {"action": given.get("action", ""), "inputs": []}
            self.forms[given.get("id") or given.get("action") or ""] = self._open
        elif tag == "input" and self._open is not None and given.get("name"):
            unticked = given.get("type") == "checkbox" and "checked" not in given
            if not unticked and "disabled" not in given:
                self._open["inputs"].append((given["name"], given.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms(html: str) -> dict[str, dict[str, Any]]:
    """The forms of a page by id, with the inputs that would be sent."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


class Browser:
    """A cookie jar and no JavaScript. Every answer goes through the oracles."""

    def __init__(self, troth: Troth, headers: dict[str, str] | None = None, **kind: Any) -> None:
        self.troth = troth
        kind.setdefault("verify", _TLS)
        self.http = httpx2.Client(
            base_url=troth.issuer, headers=headers, timeout=20, trust_env=False, **kind
        )

    def __del__(self) -> None:
        self.http.close()

    def request(self, method: str, url: str, **kind: Any) -> httpx2.Response:
        response = self.http.request(method, url, **kind)
        check_response(response, self.troth.issuer)
        for listener in listeners:
            listener(response)
        return response

    def get(self, url: str, **kind: Any) -> httpx2.Response:
        return self.request("GET", url, **kind)

    def post(self, url: str, data: Any = None, **kind: Any) -> httpx2.Response:
        if isinstance(data, list):
            kind["content"] = urlencode(data)
            kind.setdefault("headers", {})["content-type"] = "application/x-www-form-urlencoded"
            data = None
        return self.request("POST", url, data=data, **kind)

    def follow(self, response: httpx2.Response) -> httpx2.Response:
        """Follow redirects as long as they stay on the server."""
        for _ in range(10):
            location = response.headers.get("location", "")
            if not location.startswith(self.troth.issuer + "/"):
                return response
            response = self.get(location)
        raise AssertionError("redirects without end")

    def submit(
        self,
        response: httpx2.Response,
        form: str,
        changes: dict[str, str] | None = None,
        **kind: Any,
    ) -> httpx2.Response:
        """Send a form back as it came, with some values typed in."""
        found = forms(response.text)[form]
        inputs = [(n, v) for n, v in found["inputs"] if n not in (changes or {})]
        action = urljoin(str(response.request.url), found["action"])
        return self.post(action, [*inputs, *(changes or {}).items()], **kind)

    def sign_in(self, response: httpx2.Response, person: Person) -> httpx2.Response:
        typed = {"username": person.username, "password": person.password}
        return self.follow(self.submit(response, "login", typed))

    def authorize(
        self, parameters: Any, person: Person, decision: str = "allow"
    ) -> httpx2.Response:
        """The whole way of a person; the last answer (a redirect to the application)."""
        response = self.follow(self.get("/oauth/authorize", params=parameters))
        if 'id="login"' in response.text:
            response = self.sign_in(response, person)
        if 'id="consent"' in response.text:
            response = self.follow(self.submit(response, "consent", {"decision": decision}))
        return response


def together(count: int, work: Callable[[], Any]) -> list[Any]:
    """What `work` gives when it is done so many times at once."""
    with ThreadPoolExecutor(count) as pool:
        return [one.result() for one in [pool.submit(work) for _ in range(count)]]


def answer(response: httpx2.Response) -> dict[str, str]:
    """The parameters of a redirect to an application, in the query or in the fragment."""
    assert response.status_code == 303, (response.status_code, response.text[:500])
    parts = urlsplit(response.headers["location"])
    carried = parts.fragment if "iss=" in parts.fragment else parts.query
    pairs = parse_qsl(carried, keep_blank_values=True)
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


@dataclass
class OAuthClient:
    """A registered application that makes the contract's four requests."""

    troth: Troth
    registration: dict[str, Any]
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def client_id(self) -> str:
        return str(self.registration["client_id"])

    @property
    def secret(self) -> str:
        return str(self.registration.get("client_secret", ""))

    @property
    def redirect_uri(self) -> str:
        return str(self.registration["redirect_uris"][0])

    @property
    def public(self) -> bool:
        return self.registration["token_endpoint_auth_method"] == "none"

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """An authorization request of this client; None leaves a parameter out."""
        given: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "read_write",
            "state": "canary-state",
        }
        if self.public:
            given |= {"code_challenge": challenge(self.verifier), "code_challenge_method": "S256"}
        given |= changes
        return {name: value for name, value in given.items() if value is not None}

    def credentials(self) -> dict[str, str]:
        if self.public:
            return {"client_id": self.client_id, "code_verifier": self.verifier}
        return {"client_id": self.client_id, "client_secret": self.secret}

    def code(self, person: Person, browser: Browser | None = None, **changes: str | None) -> str:
        browser = browser or Browser(self.troth)
        return answer(browser.authorize(self.parameters(**changes), person))["code"]

    def post(self, path: str, data: Any, **kind: Any) -> httpx2.Response:
        with Plain(self.troth) as http:
            return http.post(path, data, **kind)

    def redeem(self, code: str, **changes: str | None) -> httpx2.Response:
        given: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            **self.credentials(),
            **changes,
        }
        return self.post("/oauth/token", {k: v for k, v in given.items() if v is not None})

    def tokens(self, person: Person, browser: Browser | None = None, **changes: str | None) -> Any:
        response = self.redeem(self.code(person, browser, **changes))
        assert response.status_code == 200, response.text
        return response.json()

    def refresh(self, refresh_token: str, **changes: str | None) -> httpx2.Response:
        credentials = {k: v for k, v in self.credentials().items() if k != "code_verifier"}
        given: dict[str, str | None] = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            **credentials,
            **changes,
        }
        return self.post("/oauth/token", {k: v for k, v in given.items() if v is not None})

    def revoke(self, token: str) -> httpx2.Response:
        credentials = {k: v for k, v in self.credentials().items() if k != "code_verifier"}
        return self.post("/oauth/revoke", {"token": token, **credentials})

    def introspect(self, token: str) -> Any:
        response = self.post("/oauth/introspect", {"token": token, **self.credentials()})
        assert response.status_code == 200, response.text
        return response.json()

    def active(self, token: str) -> bool:
        return bool(self.introspect(token)["active"])


class Plain(Browser):
    """A machine's HTTP client: no cookies kept, closed after use."""

    def __enter__(self) -> "Plain":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()


def challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def is_page(response: httpx2.Response) -> bool:
    """PAGE: an HTML error on the own origin that leads nowhere."""
    html = response.headers.get("content-type", "").startswith("text/html")
    leads = "location" in response.headers or "http-equiv" in response.text
    return response.status_code in (400, 403, 414) and html and not leads


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)
