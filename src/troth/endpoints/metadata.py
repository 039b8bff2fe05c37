"""Server metadata (RFC 8414): the sum of what the mounted endpoints say of themselves."""

from collections.abc import Iterable, Mapping

from troth.http import Cost, Request, Response
from troth.op import Op
from troth.rules import pkce
from troth.settings import Settings

methods: tuple[str, ...] = ("GET", "HEAD")
cors: bool = False
cost = Cost.CHEAP

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
    scopes = op.scopes
    document = op.documents.get(WELL_KNOWN, scopes, lambda: _document(op.settings, scopes))
    return document.answer(request)


def _document(settings: Settings, scopes: Iterable[str]) -> dict[str, object]:
    from troth.endpoints import ENDPOINTS  # this module is one of them

    merged: dict[str, object] = {}
    for endpoint in ENDPOINTS:
        merged.update(endpoint.members(settings))
    merged["scopes_supported"] = sorted(scopes)
    return merged
