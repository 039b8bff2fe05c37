"""The only outbound door: https, bounded in time and size, and never into a private network.

A URL that a client gave is fetched from inside the operator's network, where it could reach what
the client itself cannot (server-side request forgery). So a name is looked up once, every address
it has is checked, and the connection goes to one of those. No redirects, proxies or cookies.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from troth import log
from troth.fetch.addresses import blocked
from troth.fetch.names import LookUp, Names, look_up
from troth.fetch.url import Place, parse
from troth.fetch.values import CONNECT, PATIENCE, Asked, Fetched, FetchFailed
from troth.patience import in_a_task
from troth.settings_checks import HostPort

__all__ = ["FetchFailed", "Fetched", "Fetcher"]

_AT_ONCE: Final = 20
_AT_ONE_HOST: Final = 2
# In line for one host, for each place there.
_MOST_WAITING: Final = 16


class Fetcher:
    """Fetches for one process. `allow` and `authorities` are the operator's settings."""

    def __init__(
        self,
        allow: Collection[HostPort] = (),
        authorities: str = "",
        *,
        at_one_host: int = _AT_ONE_HOST,
        ask: LookUp = look_up,
    ) -> None:
        self._allow = frozenset(allow)
        self._authorities = authorities
        self._names = Names(ask)
        self._at_one_host = at_one_host
        self._waiting: Counter[str] = Counter()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._loading = asyncio.Lock()
        self._context: ssl.SSLContext | None = None

    async def get(
        self, url: str, *, accept: str = "application/json", patience: float = PATIENCE
    ) -> Fetched:
        """Fetch a document, whatever its status below 300 or above 399. Raises `FetchFailed`."""
        return await self._fetch("GET", url, ((b"accept", accept.encode()),), b"", patience)

    async def post(
        self, url: str, body: bytes, *, content_type: str, patience: float = PATIENCE
    ) -> Fetched:
        """Post a form or JSON. Raises `FetchFailed` like `get`; it may have arrived."""
        headers = ((b"content-type", content_type.encode()), (b"accept", b"application/json"))
        return await self._fetch("POST", url, headers, body, patience)

    async def _fetch(
        self,
        method: str,
        url: str,
        headers: tuple[tuple[bytes, bytes], ...],
        body: bytes,
        patience: float,
    ) -> Fetched:
        host = ""
        try:
            place = parse(url, self._allow)
            host = place.host
            asked = Asked(method=method, headers=headers, body=body)
            # The client's own time-outs begin anew with each byte that drips in.
            await in_a_task()
            async with asyncio.timeout(patience), self._place(host):
                return await self._exchange(place, asked)
        except TimeoutError:
            raise _failed(host, f"no whole answer within {patience:g} s") from None
        except FetchFailed as failure:
            raise _failed(host, failure.reason) from None

    async def _exchange(self, place: Place, asked: Asked) -> Fetched:
        addresses = [place.host]
        if not place.literal:
            async with asyncio.timeout(CONNECT):
                addresses = await self._names.addresses(place.host, place.port)
        if (wrong := blocked(addresses, allowed=place.allowed)) is not None:
            raise FetchFailed(f"its address {wrong} is not one of the open internet")
        context = await self.ready()
        from troth.fetch.exchange import exchange  # loaded just now, or long since

        return await exchange(place, addresses, asked, context)

    @asynccontextmanager
    async def _place(self, host: str) -> AsyncIterator[None]:
        """A place for this host, then one of all: a slow host keeps no other waiting."""
        if self._waiting[host] >= self._at_one_host * _MOST_WAITING:
            raise FetchFailed("too many wait for this host")
        at_host = self._hosts.setdefault(host, asyncio.Semaphore(self._at_one_host))
        self._waiting[host] += 1
        try:
            async with at_host, self._places:
                yield
        finally:
            self._waiting -= Counter([host])

    async def ready(self) -> ssl.SSLContext:
        """Load what fetching needs, at the first one: a tenth of a second, beside the loop."""
        async with self._loading:
            if self._context is None:
                self._context = await asyncio.to_thread(_load, self._authorities)
        return self._context


def _load(authorities: str) -> ssl.SSLContext:
    import troth.fetch.exchange  # noqa: F401  # the HTTP client

    context = ssl.create_default_context()
    if authorities:
        context.load_verify_locations(cafile=authorities)
    return context


def _failed(host: str, reason: str) -> FetchFailed:
    """The host alone goes to the log: the rest of a URL may be a secret."""
    log.logger().warning("fetch.failed", host=host, reason=reason)
    return FetchFailed(reason)
