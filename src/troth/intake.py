"""From what arrived to a `Request`: limits and trust, before anything looks at it (ASVS 13.1.3)."""

import ipaddress
from urllib.parse import unquote

import httptools

from troth.errors import OAuthError, invalid_request
from troth.http import Headers, Request
from troth.settings import Settings, parse_listen
from troth.value import frozen_positional

LONGEST_URL = 10 * 1024
LONGEST_BODY = 64 * 1024
MOST_HEADERS = 100
LONGEST_HEADERS = 32 * 1024

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@frozen_positional
class Arrival:
    """A request as a web server hands it over: nothing of it has been checked.

    A `body` longer than LONGEST_BODY need not be whole, and what announces such a length may come
    without any; `target` is the length of path and query as they were sent.
    """

    method: str
    path: str
    target: int
    query: bytes
    headers: Headers
    body: bytes
    peer: str


def target(url: bytes) -> tuple[str, bytes]:
    """Path and query of a request's target (RFC 9112 §3.2); ValueError where it is malformed."""
    if url.startswith(b"/") and b"#" not in url and not url.startswith(b"//"):
        raw, _, query = url.partition(b"?")
    else:
        try:
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            raise ValueError("not a URL") from None
        raw, query = parsed.path, parsed.query or b""
        if raw is None:
            raise ValueError("no path")
    path = raw.decode("ascii")
    return unquote(path) if "%" in path else path, query


class Intake:
    """The limits and the trust of one server."""

    def __init__(self, settings: Settings) -> None:
        self._trusted = settings.trusted_proxies
        host, port = parse_listen(settings.listen)
        local = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]", host)}
        issuer = settings.origin.partition("://")[2]
        self._hosts = frozenset(host.encode() for host in (issuer, *local))

    def read(self, arrival: Arrival, request_id: str) -> Request:
        """The request as a value; raises for what is too large, or for another host."""
        if arrival.target > LONGEST_URL:
            raise _too_large("uri_too_long", "the URL is too long")
        hosts: list[bytes] = []
        announced = b"0"
        size = 0
        for name, value in arrival.headers:
            size += len(name) + len(value)
            if name == b"host":
                hosts.append(value)
            elif name == b"content-length":
                announced = value
        if len(arrival.headers) > MOST_HEADERS or size > LONGEST_HEADERS:
            raise _too_large("headers_too_large", "the headers are too large")
        self._check_host(hosts)
        if not announced.isdigit() or int(announced) > LONGEST_BODY:
            raise _too_large("content_too_large", "the body is too large")
        if len(arrival.body) > LONGEST_BODY:
            raise _too_large("content_too_large", "the body is too large")
        return Request(
            method=arrival.method,
            path=arrival.path,
            query=arrival.query,
            headers=arrival.headers,
            body=arrival.body,
            peer=self._peer(arrival.peer, arrival.headers) if self._trusted else arrival.peer,
            request_id=request_id,
        )

    def _check_host(self, hosts: list[bytes]) -> None:
        """Nothing is ever derived from Host; one that is not ours is a mistake or an attack."""
        if len(hosts) != 1:
            raise invalid_request("the Host header is not valid", reason=f"{len(hosts)} hosts")
        if hosts[0].lower() not in self._hosts:
            raise OAuthError(
                "misdirected_request",
                "this host is not served here",
                reason=f"Host {hosts[0][:100]!r} is not the issuer's",
            )

    def _peer(self, peer: str, headers: Headers) -> str:
        """The right-most address that no trusted proxy vouches for."""
        address = _address(peer)
        if address is None or not self._is_trusted(address):
            return peer
        hops = [
            hop.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for hop in value.decode("latin-1").split(",")
        ]
        for hop in reversed(hops):
            before = _address(hop)
            if before is None:
                break
            address = before
            if not self._is_trusted(address):
                break
        return str(address)

    def _is_trusted(self, address: _Address) -> bool:
        return any(address in network for network in self._trusted)


def _address(text: str) -> _Address | None:
    """An address as it is without the socket that it was seen through (IPv4 through IPv6)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _too_large(error: str, description: str) -> OAuthError:
    return OAuthError(error, description, reason=description)
