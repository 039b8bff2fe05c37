"""Server metadata (RFC 8414, OIDC Discovery §3): the sum of what the endpoints say of it."""

from collections.abc import Iterable, Mapping

from troth.http import Cost, Request, Response
from troth.op import Op
from troth.rules import pkce, subject
from troth.settings import Settings
from troth.signing import jwe
from troth.signing.algorithms import SIGNATURES

methods: tuple[str, ...] = ("GET", "HEAD")
cors: bool = False
cost = Cost.CHEAP

WELL_KNOWN = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


def paths(settings: Settings) -> tuple[str, ...]:
    """RFC 8414 §3.1 inserts the well-known part before an issuer's path, OIDC Discovery §4 appends
    it; many ask for either at the other's place.
    """
    names = (WELL_KNOWN, OPENID)
    return tuple(dict.fromkeys(p for n in names for p in (n + settings.base, settings.base + n)))


def members(settings: Settings) -> Mapping[str, object]:
    return {
        "issuer": settings.issuer,
        "authorization_response_iss_parameter_supported": True,
        **pkce.METADATA,
        **subject.METADATA,
        "claim_types_supported": ["normal"],
        "id_token_signing_alg_values_supported": list(SIGNATURES),
        "id_token_encryption_alg_values_supported": list(jwe.ALGS),
        "id_token_encryption_enc_values_supported": list(jwe.ENCS),
    }


# Claims of the ID token that belong to no scope.
SAID_ANYWAY = ("sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid")


async def handle(request: Request, op: Op) -> Response:
    scopes = op.scopes
    document = op.documents.get(WELL_KNOWN, scopes, lambda: _document(op, scopes))
    return document.answer(request)


def _document(op: Op, scopes: Iterable[str]) -> dict[str, object]:
    from troth.endpoints import ENDPOINTS  # this module is one of them

    merged: dict[str, object] = {}
    for endpoint in ENDPOINTS:
        merged.update(endpoint.members(op.settings))
    merged["scopes_supported"] = sorted(scopes)
    merged["claims_supported"] = [*SAID_ANYWAY, *op.claim_map.names]
    return merged
