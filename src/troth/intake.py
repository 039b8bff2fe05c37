"""Reading a request whole, under limits, before anything looks at it (ASVS 13.1.3)."""

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from troth.errors import OAuthError, invalid_request
from troth.http import Headers, Request
from troth.settings import Settings, parse_listen

LONGEST_URL = 10 * 1024
LONGEST_BODY = 64 * 1024
MOST_HEADERS = 100
LONGEST_HEADERS = 32 * 1024


class Intake:
    """The limits and the trust of one server."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = settings.trusted_proxies
        host, port = parse_listen(settings.listen)
        local = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]", host)}
        issuer = settings.origin.partition("://")[2]
        self._hosts = frozenset({issuer, *local})

    async def read(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        request_id: str,
    ) -> Request:
        """The request as a value; raises for what is too large, or for another host."""
        headers: Headers = tuple(scope["headers"])
        query: bytes = scope["query_string"]
        if len(scope.get("raw_path") or b"") + len(query) > LONGEST_URL:
            raise _too_large("uri_too_long", "the URL is too long")
        size = sum(len(name) + len(value) for name, value in headers)
        if len(headers) > MOST_HEADERS or size > LONGEST_HEADERS:
            raise _too_large("headers_too_large", "the headers are too large")
        self._check_host(headers)
        client = scope.get("client") or ("", 0)
        return Request(
            method=scope["method"],
            path=scope["path"],
            query=query,
            headers=headers,
            body=await _body(headers, receive),
            peer=self._peer(client[0], headers),
            request_id=request_id,
        )

    def _check_host(self, headers: Headers) -> None:
        """Nothing is ever derived from Host; one that is not ours is a mistake or an attack."""
        hosts = [value.decode("latin-1").lower() for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            raise invalid_request("the Host header is not valid", reason=f"{len(hosts)} hosts")
        if hosts[0] not in self._hosts:
            raise OAuthError(
                "misdirected_request",
                "this host is not served here",
                reason=f"Host {hosts[0][:100]!r} is not the issuer's",
            )

    def _peer(self, peer: str, headers: Headers) -> str:
        """The right-most address that no trusted proxy vouches for."""
        if not self._is_trusted(peer):
            return peer
        hops = [
            hop.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for hop in value.decode("latin-1").split(",")
        ]
        for hop in reversed(hops):
            if not _is_address(hop):
                return peer
            if not self._is_trusted(hop):
                return hop
            peer = hop
        return peer

    def _is_trusted(self, text: str) -> bool:
        if not self._trusted or not _is_address(text):
            return False
        address = ipaddress.ip_address(text)
        return any(address in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


async def _body(
    headers: Headers, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
) -> bytes:
    announced = next((value for name, value in headers if name == b"content-length"), b"0")
    if not announced.isdigit() or int(announced) > LONGEST_BODY:
        raise _too_large("content_too_large", "the body is too large")
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise invalid_request("the body is not whole", reason="closed within the body")
        chunk: bytes = message.get("body", b"")
        body += chunk
        if len(body) > LONGEST_BODY:
            raise _too_large("content_too_large", "the body is too large")
        if not message.get("more_body", False):
            return body


def _too_large(error: str, description: str) -> OAuthError:
    return OAuthError(error, description, reason=description)
