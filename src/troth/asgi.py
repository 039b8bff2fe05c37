"""Another way to run Troth than its own `Wire`: as an ASGI app, alone or mounted in another one."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from troth.http import Headers, Response
from troth.intake import LONGEST_BODY, Arrival

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Opened(Protocol):
    """What a lifespan opens and closes."""

    async def open(self) -> object: ...

    async def close(self) -> None: ...


async def lifespan(app: Opened, receive: Receive, send: Send) -> None:
    """Open at start-up, close at shutdown."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await app.open()
            await send({"type": "lifespan.startup.complete"})
        else:
            await app.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def arrived(scope: MutableMapping[str, Any], receive: Receive) -> Arrival | None:
    """What an ASGI server hands over; None where the caller left before the body was whole."""
    headers: Headers = tuple(scope["headers"])
    body = b""
    more = not _announces_too_much(headers)
    while more and len(body) <= LONGEST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    query: bytes = scope["query_string"]
    client = scope.get("client") or ("", 0)
    target = len(scope.get("raw_path") or b"") + len(query)
    return Arrival(scope["method"], scope["path"], target, query, headers, body, client[0])


def _announces_too_much(headers: Headers) -> bool:
    announced = next((value for name, value in headers if name == b"content-length"), b"0")
    return not announced.isdigit() or int(announced) > LONGEST_BODY


async def send_response(response: Response, always: Headers, head: bool, send: Send) -> None:
    """An answer as ASGI messages; `always` are headers of every answer."""
    headers = [*response.headers, *always]
    if response.request_id:
        headers.append((b"x-request-id", response.request_id.encode()))
    if response.status not in (204, 304):  # these have no content, not content of length 0
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})
