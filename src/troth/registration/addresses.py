"""Addresses that a registration may name: absolute, plain, and without a fragment."""

import re
from urllib.parse import SplitResult, urlsplit

from troth.registration import RegistrationError

LONGEST = 2048
_PLAIN = re.compile(r"[\x21\x23-\x3B\x3D\x3F-\x5B\x5D\x5F\x61-\x7A\x7E]+")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]+", re.IGNORECASE)
_PORTS = {"https": 443, "http": 80}


def check(name: str, uri: str, *, schemes: tuple[str, ...]) -> None:
    """Raise `RegistrationError`, naming the member, where this is no address of these schemes."""
    problem = _problem(uri, schemes)
    if problem is not None:
        raise RegistrationError(f"{name} {uri[:200]!r} is refused: {problem}")


def _problem(uri: str, schemes: tuple[str, ...]) -> str | None:
    if len(uri) > LONGEST or not _PLAIN.fullmatch(uri):
        return f"it must be at most {LONGEST} characters of a URI"
    parts = _split(uri)
    if parts is None or not _HOST.fullmatch(parts.hostname or ""):
        return f"it must be an absolute {schemes[0]} address"
    if parts.scheme not in schemes:
        return f"it must be {' or '.join(schemes)}"
    if "@" in parts.netloc:
        return "it must have no user name"
    if "#" in uri:
        return "it must have no fragment"
    return None


def origin(uri: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, compared as Front-Channel Logout §2 wants it."""
    parts = _split(uri)
    if parts is None:
        return "", None, None
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _split(uri: str) -> SplitResult | None:
    """The parts of a URI, or None where it is none."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 or parts.netloc.endswith(":") else parts
