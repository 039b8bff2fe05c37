"""Somebody else's server: https on loopback with an authority of its own, for what Troth fetches.

`answers` says what each path gives: an `Answer`, or a function that writes to the socket itself.
"""

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme


@dataclass(frozen=True)
class Answer:
    """A whole answer; `body` that is not bytes is sent as JSON."""

    body: Any = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Heard:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Write = Callable[[BaseHTTPRequestHandler], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up in the middle is no news."""


@dataclass
class Outside:
    """Listens on 127.0.0.1. `names` are what its certificate says it is."""

    folder: Path
    names: tuple[str, ...] = ("127.0.0.1", "localhost", "in.example")
    tls: bool = True
    answers: dict[str, Answer | Write] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0

    def start(self) -> "Outside":
        self.ca_file = self.folder / "outside-ca.pem"
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = int(self._server.server_address[1])
        if self.tls:
            authority = trustme.CA()
            authority.cert_pem.write_to_path(str(self.ca_file))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert(*self.names).configure_cert(context)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str = "/", host: str | None = None) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{host or self.names[0]}:{self.port}{path}"

    def allow(self) -> str:
        """What TROTH_FETCH_ALLOW must say for a Troth to reach it."""
        return ",".join(f"{name}:{self.port}" for name in self.names)

    def count(self, path: str) -> int:
        return sum(one.path == path for one in self.heard)


def _handler(outside: Outside) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def setup(self) -> None:
            outside.connections += 1
            super().setup()

        def log_message(self, *_: Any) -> None: ...

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            outside.heard.append(Heard(self.command, self.path, headers, body))
            found = outside.answers.get(self.path.partition("?")[0], Answer(status=404))
            if not isinstance(found, Answer):
                found(self)
                return
            self.send_response(found.status)
            for name, value in found.headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(found.content)))
            self.end_headers()
            self.wfile.write(found.content)

        do_POST = do_GET  # noqa: N815

    return Handler
