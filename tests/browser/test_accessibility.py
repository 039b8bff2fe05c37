"""Every page in every state, in light and dark, on desk and phone: axe finds nothing."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.reading import SEEN
from troth.browser.pages.render import Pages
from troth.browser.pages.views import Brand

pytestmark = pytest.mark.chromium

PAGES = Pages(Brand.sample(), "")


class _Gallery(BaseHTTPRequestHandler):
    """The rendered samples and their static files, as the server would send them."""

    def do_GET(self) -> None:
        name = unquote(self.path.removeprefix("/sample/"))
        if name in SEEN:
            kind, body = "text/html; charset=utf-8", PAGES.render(SEEN[name])
        else:
            file = PAGES.static[self.path]
            kind, body = file.content_type, file.body
            if self.path.endswith(".js"):
                body = b""  # a page that leaves by itself cannot be looked at
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody wants to read it."""


@pytest.fixture(scope="module")
def gallery() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gallery)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sample/"
    server.shutdown()
    thread.join()
    server.server_close()


def alone(page: Page, gallery: str) -> None:
    """Frames of other hosts are empty."""
    ours = gallery.removesuffix("sample/")
    page.route(
        lambda url: not url.startswith(ours), lambda route: route.fulfill(content_type="text/html")
    )


@pytest.mark.parametrize(
    "kind",
    [DESKTOP, {**DESKTOP, "color_scheme": "dark"}, PHONE],
    ids=["desktop", "desktop dark", "phone dark"],
)
def test_axe_finds_nothing_on_any_page(
    sit_down: Callable[..., Page], gallery: str, kind: dict[str, Any]
) -> None:
    page = sit_down(**kind)
    alone(page, gallery)
    violations = {}
    for name in SEEN:
        page.goto(gallery + name)
        found = Axe().run(page).response["violations"]
        if found:
            violations[name] = [(one["id"], one["nodes"][0]["html"][:120]) for one in found]
    assert violations == {}


def test_nothing_is_wider_than_a_phone(sit_down: Callable[..., Page], gallery: str) -> None:
    page = sit_down(viewport={"width": 320, "height": 640})
    alone(page, gallery)
    wide = []
    for name in SEEN:
        page.goto(gallery + name)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append(name)
    assert wide == []
