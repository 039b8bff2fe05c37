"""Which addresses a page may lead to: the last guard, after registration and request."""

import re
from typing import Final

_WEB: Final = re.compile(r"https?://[^/?#\\\s]", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# Schemes whose address is itself the document or the program.
_RUN: Final = frozenset({"javascript:", "data:", "vbscript:", "blob:", "filesystem:", "about:"})


def require_web(address: str) -> None:
    """Raise ValueError where `address` is not http or https with a host."""
    if not _WEB.match(address):
        raise ValueError("the address must start with https:// or http://")


def require_place(address: str) -> None:
    """Raise ValueError where `address` is relative, or of a scheme that runs what it says."""
    scheme = _SCHEME.match(address)
    if scheme is None or scheme[0].lower() in _RUN:
        raise ValueError("the address must have a scheme that leads somewhere")
