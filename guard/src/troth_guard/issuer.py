"""Whose tokens are accepted: the issuer's address and its metadata (RFC 8414 §3). Pure."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import msgspec

from troth_guard.strict_json import read_object

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_WELL_KNOWN = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What the metadata of an issuer says that a guard needs (RFC 8414 §2)."""

    issuer: str
    jwks_uri: str | None = None
    introspection_endpoint: str | None = None


def check_issuer(issuer: str) -> str:
    """The issuer as it was configured (RFC 8414 §2). Raises ValueError unless it is safe to trust.

    https, or http where its host is this very machine; no query, fragment or user name.
    """
    parts = _split(issuer)
    if not _is_safe(parts, plain_http=True) or "?" in issuer or "#" in issuer:
        raise ValueError("issuer must be an https URL (http only on loopback), without a query")
    return issuer


def metadata_url(issuer: str) -> str:
    """Where the metadata is: the well-known path goes between host and path (RFC 8414 §3.1)."""
    parts = _split(issuer)
    return f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}{parts.path.rstrip('/')}"


def read_metadata(raw: bytes, issuer: str) -> Endpoints:
    """The endpoints, if the document is the asked issuer's own (RFC 8414 §3.3). Raises ValueError.

    An endpoint that is not https is refused too: keys or secrets would travel in the open.
    """
    found = msgspec.convert(read_object(raw), Endpoints)
    if found.issuer != issuer:
        raise ValueError("the metadata is another issuer's")
    plain_http = _split(issuer).scheme == "http"
    for url in (found.jwks_uri, found.introspection_endpoint):
        if url is not None and not _is_safe(_split(url), plain_http=plain_http):
            raise ValueError("an endpoint in the metadata is not https")
    return found


def _split(url: str) -> SplitResult:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValueError("not a URL")
    parts = urlsplit(url)
    # Reading the port raises ValueError where it is none.
    if parts.port == 0 or parts.username is not None or parts.password is not None:
        raise ValueError("not a URL of a server")
    return parts


def _is_safe(parts: SplitResult, *, plain_http: bool) -> bool:
    if parts.scheme == "https":
        return bool(parts.hostname)
    return plain_http and parts.scheme == "http" and parts.hostname in _LOOPBACK
