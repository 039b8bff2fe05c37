"""One request over one connection of its own, to addresses that were checked before.

This is the only module that knows the HTTP client; it is imported at the first fetch.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import Final

import httpcore2

from troth.fetch.url import Place
from troth.fetch.values import CONNECT, Asked, Fetched, FetchFailed

MOST_BYTES: Final = 64 * 1024
_MOST_TRIED: Final = 4
# A plain answer has no compression and no cookie in it, and leaves nothing behind.
_ALWAYS: Final = (
    (b"accept-encoding", b"identity"),
    (b"user-agent", b"troth"),
    (b"connection", b"close"),
)


class CheckedDial(httpcore2.AsyncNetworkBackend):
    """Connects to the given addresses whatever the name: nothing is looked up a second time."""

    def __init__(self, addresses: Sequence[str]) -> None:
        v4 = [address for address in addresses if ":" not in address]
        v6 = [address for address in addresses if ":" in address]
        first, second = (v6, v4) if addresses[0] in v6 else (v4, v6)
        taken = chain.from_iterable(zip_longest(first, second))
        self._addresses = [address for address in taken if address is not None][:_MOST_TRIED]
        self._plain = httpcore2.AnyIOBackend()
        self._stream: httpcore2.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # its signature is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """One address after the other, alternating between IPv6 and IPv4 (RFC 8305 §4)."""
        patience = (timeout or CONNECT) / len(self._addresses)
        for address in self._addresses[:-1]:
            with contextlib.suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return await self._connect(address, port, patience)
        return await self._connect(self._addresses[-1], port, patience)

    async def _connect(
        self, address: str, port: int, patience: float
    ) -> httpcore2.AsyncNetworkStream:
        self._stream = await self._plain.connect_tcp(address, port, patience)
        return self._stream

    async def aclose(self) -> None:
        """Close the connection: the client forgets one whose TLS was cut short."""
        if self._stream is not None:
            await self._stream.aclose()


async def exchange(
    place: Place, addresses: Sequence[str], asked: Asked, context: ssl.SSLContext
) -> Fetched:
    """Send and read whole. TLS is verified against the name. Raises `FetchFailed`."""
    url = httpcore2.URL(
        scheme=place.scheme.encode(),
        host=place.host.encode(),
        port=place.port,
        target=place.target.encode(),
    )
    length = ((b"content-length", b"%d" % len(asked.body)),) if asked.method == "POST" else ()
    request = httpcore2.Request(
        asked.method,
        url,
        headers=[(b"host", place.authority.encode()), *asked.headers, *length, *_ALWAYS],
        content=asked.body,
        extensions={"timeout": {"connect": CONNECT}},
    )
    dial = CheckedDial(addresses)
    connection = httpcore2.AsyncHTTPConnection(
        origin=url.origin, ssl_context=context, network_backend=dial
    )
    try:
        return await _read(await connection.handle_async_request(request))
    except (FetchFailed, TimeoutError, asyncio.CancelledError):
        raise
    except Exception as error:  # whatever three libraries make of what the far end does
        raise FetchFailed(f"{type(error).__name__}: {str(error)[:200]}") from None
    finally:
        with contextlib.suppress(Exception):
            await connection.aclose()
        with contextlib.suppress(Exception):
            await dial.aclose()


async def _read(response: httpcore2.Response) -> Fetched:
    headers = {name.lower(): value for name, value in response.headers}
    if 300 <= response.status < 400:
        raise FetchFailed(f"a redirect ({response.status}), which is not followed")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise FetchFailed("an encoding that was not asked for")
    body = bytearray()
    async for chunk in response.aiter_stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise FetchFailed(f"more than {MOST_BYTES} bytes")
    return Fetched(
        status=response.status,
        content_type=headers.get(b"content-type", b"").decode("latin-1"),
        cache_control=headers.get(b"cache-control", b"").decode("latin-1"),
        body=bytes(body),
    )
