"""Two servers on two origins: pages with the headers that Troth sends, and an application."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from troth.browser.pages.render import Pages
from troth.browser.pages.views import Brand
from troth.http import Response

PAGES = Pages(Brand.sample(), "")


@dataclass
class Stage:
    """One origin: what it answers by path, and what it was sent."""

    origin: str
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[str, bytes]] = field(default_factory=list)

    def answer(self, path: str) -> Response:
        bare = path.partition("?")[0]
        if bare in self.answers:
            return self.answers[bare]()
        file = PAGES.static.get(bare)
        if file is None:
            return Response(404, ())
        return Response(200, ((b"content-type", file.content_type.encode()),), file.body)


def html(body: str, *headers: tuple[bytes, bytes]) -> Callable[[], Response]:
    """A page of an application, as anybody might write it."""
    whole = f"<!doctype html><link rel=icon href=data:,><title>x</title>{body}".encode()
    return lambda: Response(200, ((b"content-type", b"text/html"), *headers), whole)


@contextmanager
def stage(host: str = "127.0.0.1") -> Iterator[Stage]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server_.asked.append(self.path)
            self._send(self.server_.answer(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.server_.posted.append((self.path, body))
            self._send(self.server_.answer(self.path))

        def _send(self, response: Response) -> None:
            self.send_response(response.status)
            for name, value in response.headers:
                self.send_header(name.decode(), value.decode("latin-1"))
            self.send_header("content-length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *_: object) -> None:
            """Nobody wants to read it."""

        @property
        def server_(self) -> Stage:
            return here

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Stage(origin=f"http://{host}:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
