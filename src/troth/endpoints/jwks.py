"""The key set (RFC 7517 §5) that signatures of access tokens are verified with."""

from collections.abc import Mapping

from troth.http import Request, Response, public_json
from troth.op import Op
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD")
cors: bool = False


def paths(settings: Settings) -> tuple[str, ...]:
    return (settings.base + "/oauth/jwks",)


def members(settings: Settings) -> Mapping[str, object]:
    return {"jwks_uri": settings.issuer + "/oauth/jwks"}


async def handle(request: Request, op: Op) -> Response:
    body = op.ring.jwks(op.now)
    return public_json(request, body)
