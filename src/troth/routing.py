"""Every path of the server, derived from the tuples of endpoints and pages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from troth.browser.site import PAGES
from troth.endpoints import ENDPOINTS
from troth.http import Cost, Request, Response
from troth.op import Op
from troth.settings import Settings

# Endpoints that a person is sent to.
_SHOW_PAGES = ("/oauth/authorize", "/oauth/end_session", "/oauth/check_session")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One exact path: who answers it, by which methods, and whether other origins may ask.

    `browser` says that its errors are pages; `cost` is what a POST asks of the machine.
    """

    handle: Callable[[Request, Op], Awaitable[Response]]
    methods: tuple[str, ...]
    cors: bool
    browser: bool
    label: str
    cost: Cost

    def cost_of(self, method: str) -> Cost:
        """What this request asks of the machine: only a form that was sent has a password in it."""
        if self.cost is Cost.PASSWORD and method != "POST":
            return Cost.DATABASE
        return self.cost


def routes(settings: Settings) -> dict[str, Route]:
    """The one table that a path is looked up in."""
    table: dict[str, Route] = {}
    for endpoint in ENDPOINTS:
        browser = endpoint.paths(settings)[0].removeprefix(settings.base) in _SHOW_PAGES
        for path in endpoint.paths(settings):
            table[path] = Route(
                handle=endpoint.handle,
                methods=endpoint.methods,
                cors=endpoint.cors,
                browser=browser,
                label=path.removeprefix(settings.base),
                cost=endpoint.cost,
            )
    for page in PAGES:
        for path in page.paths(settings):
            table[path] = Route(
                handle=page.handle,
                methods=page.methods,
                cors=False,
                browser=True,
                label=path.removeprefix(settings.base),
                cost=page.cost,
            )
    return table
