"""The only outbound door of the guard: bounded in size and time, never redirected."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx2

from troth_guard.values import Unreachable

MAX_ANSWER = 262_144
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A 200 answer: its bytes, and for how many seconds it says it holds (RFC 9111 §5.2.2.1)."""

    body: bytes = field(repr=False)
    max_age: int | None


class Fetch:
    """HTTP to the issuer. Connections are kept until `aclose`, and belong to one event loop."""

    def __init__(self, *, timeout: float, ssl_context: ssl.SSLContext | None) -> None:
        self._timeout = timeout
        self._ssl_context = ssl_context
        self._client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def get(self, url: str) -> Answer:
        """Fetch a document. Raises Unreachable for anything but a 200 of bearable size."""
        return await self._bounded(httpx2.Request("GET", url, headers=_HEADERS))

    async def post(self, url: str, form: Mapping[str, str], *, authorization: str) -> Answer:
        """Post a form with credentials. Raises Unreachable like `get`."""
        headers = _HEADERS | {"authorization": authorization}
        return await self._bounded(httpx2.Request("POST", url, headers=headers, data=dict(form)))

    async def aclose(self) -> None:
        """Close the connections; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _bounded(self, request: httpx2.Request) -> Answer:
        try:
            # The library's own time-outs begin anew with each byte that drips in.
            async with asyncio.timeout(self._timeout):
                return await self._send(request)
        except TimeoutError:
            raise Unreachable("no answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise Unreachable(type(error).__name__) from None

    async def _send(self, request: httpx2.Request) -> Answer:
        response = await self._connected().send(request, stream=True, follow_redirects=False)
        try:
            if response.status_code != 200:
                raise Unreachable(f"status {response.status_code}")
            if "content-encoding" in response.headers:
                raise Unreachable("an encoding that was not asked for")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise Unreachable("too large")
            return Answer(body=bytes(body), max_age=_max_age(response))
        finally:
            await response.aclose()

    def _connected(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            # Proxies and .netrc of the environment stay out: the secret goes to the issuer only.
            self._client = httpx2.AsyncClient(
                timeout=self._timeout,
                trust_env=False,
                follow_redirects=False,
                verify=self._ssl_context or True,
            )
            self._loop = loop
        return self._client


# Without compression a small answer cannot become a large one.
_HEADERS = {"accept": "application/json", "accept-encoding": "identity"}


def _max_age(response: httpx2.Response) -> int | None:
    found = _MAX_AGE.search(response.headers.get("cache-control", ""))
    return int(found[1]) if found else None
