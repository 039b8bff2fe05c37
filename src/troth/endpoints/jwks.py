"""The key set (RFC 7517 §5) that signatures of access tokens are verified with."""

from collections.abc import Mapping

from troth.http import Cost, Request, Response
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD")
cors: bool = False
cost = Cost.CHEAP


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/jwks",)


def members(settings: Settings) -> Mapping[str, object]:
    return {"jwks_uri": settings.issuer + "/oauth/jwks"}


async def handle(request: Request, op: Op) -> Response:
    ring, now = op.ring, op.now
    document = op.documents.get("jwks", ring.published(now), lambda: ring.jwks(now))
    return document.answer(request)
