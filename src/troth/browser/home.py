"""The page at the issuer's own address: what this server is."""

from troth.browser.pages.views import HomePage
from troth.http import Cost, Request, Response, page
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD")
cost = Cost.DATABASE


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/",)


async def handle(request: Request, op: Op) -> Response:
    return page(200, op.pages.render(HomePage()))
