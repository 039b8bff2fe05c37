"""Other origins (RFC 9700 §2.6): only those where public clients run, never with credentials."""

from troth.http import Headers, Request, Response
from troth.op import Op


async def allowed(request: Request, op: Op) -> Headers:
    """What lets the origin of a request read the answer; nothing where it is not a client's."""
    origin = request.header(b"origin")
    if not origin or len(origin) > 300 or not await op.store.origin_registered(origin):
        return ()
    return ((b"access-control-allow-origin", origin.encode("latin-1")), (b"vary", b"origin"))


async def preflight(request: Request, op: Op) -> Response:
    """The answer to a browser that asks before it sends a form."""
    headers = await allowed(request, op)
    if not headers:
        return Response(403, ((b"vary", b"origin"),))
    allow: Headers = (
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"authorization, content-type"),
        (b"access-control-max-age", b"600"),
    )
    return Response(204, headers + allow)
