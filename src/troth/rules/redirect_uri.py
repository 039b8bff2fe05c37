"""Redirect URIs: exact strings, but for the port of a loopback (RFC 8252 §7.3, RFC 9700 §4.1.3)."""

import re
from urllib.parse import urlsplit

from troth.model.client import RegisteredClient

LONGEST = 2048
MOST = 50

_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([0-9]{1,5}))?(/[^#]*|)")
_PRINTABLE = re.compile(r"[\x21-\x7E]+")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/[^/].*")
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")


def match(client: RegisteredClient, presented: str) -> bool:
    """Whether the presented URI is one that the client registered."""
    if len(presented) > LONGEST:
        return False
    return any(_same(registered, presented, client) for registered in client.redirect_uris)


def _same(registered: str, presented: str, client: RegisteredClient) -> bool:
    if registered == presented:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(presented)
    if ours is None or theirs is None:
        return False
    if ours[1].endswith("localhost") and not client.public:
        return False  # a name can be pointed elsewhere: only for native clients
    port_fits = theirs[2] is None or 0 < int(theirs[2]) <= 65535
    return port_fits and ours[1] == theirs[1] and ours[3] == theirs[3]


def check_registration(uri: str, own_origin: str) -> str | None:
    """Why a URI cannot be registered, or None where it can."""
    if len(uri) > LONGEST or not _PRINTABLE.fullmatch(uri):
        return "it must be at most 2048 printable ASCII characters"
    if "#" in uri:
        return "it must have no fragment (RFC 6749 §3.1.2)"
    if "*" in uri or "\\" in uri:
        return "it must be exact, without wildcards or backslashes"
    if uri.startswith(("https:", "http:")):
        return _check_web(uri, own_origin)
    if _PRIVATE_SCHEME.fullmatch(uri):
        return None
    return "it must be https, or a reversed domain as in com.example.app:/callback"


def _check_web(uri: str, own_origin: str) -> str | None:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return "it is not a URI"
    if "@" in parts.netloc:
        return "it must have no user name"
    if parts.netloc != parts.netloc.lower() or not _HOST.fullmatch(parts.hostname or ""):
        return "its host must be valid and in lower case"
    if port == 0 or parts.netloc.endswith(":"):
        return "its port is not valid"
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(uri):
        return "http is only for 127.0.0.1, [::1] and localhost; use https"
    default = _DEFAULT_PORTS[parts.scheme]
    if f"{parts.scheme}://{parts.netloc.removesuffix(default)}" == own_origin.removesuffix(default):
        return "it must not lead to this server itself"
    return None


def origin(uri: str) -> str | None:
    """The web origin of a redirect URI as browsers say it, or None for a private-use scheme."""
    parts = urlsplit(uri)
    if parts.scheme not in ("https", "http"):
        return None
    return f"{parts.scheme}://{parts.netloc.removesuffix(_DEFAULT_PORTS[parts.scheme])}"
