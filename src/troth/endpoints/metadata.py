"""Server metadata (RFC 8414): the sum of what the mounted endpoints say of themselves."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from troth.http import Request, Response, public_json
from troth.op import Op
from troth.rules import pkce
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD")
cors: bool = False

WELL_KNOWN = "/.well-known/oauth-authorization-server"


def paths(settings: Settings) -> tuple[str, ...]:
    """RFC 8414 §3.1 inserts the well-known part before an issuer's path; many ask behind it."""
    return tuple(dict.fromkeys((WELL_KNOWN + settings.base, settings.base + WELL_KNOWN)))


def members(settings: Settings) -> Mapping[str, object]:
    return {
        "issuer": settings.issuer,
        "authorization_response_iss_parameter_supported": True,
        **pkce.METADATA,
    }


async def handle(request: Request, op: Op) -> Response:
    body = document(op.settings, tuple(sorted(op.scopes)))
    return public_json(request, body)


@lru_cache(maxsize=8)
def document(settings: Settings, scopes: tuple[str, ...]) -> bytes:
    """The document as bytes, made once for a set of scopes."""
    from troth.endpoints import ENDPOINTS  # this module is one of them

    merged: dict[str, object] = {}
    for endpoint in ENDPOINTS:
        merged.update(endpoint.members(settings))
    merged["scopes_supported"] = list(scopes)
    return msgspec.json.encode(merged)
