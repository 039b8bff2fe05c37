"""The addresses that can be fetched at all: a plain https URL, read once by one strict pattern."""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from troth.fetch.values import FetchFailed
from troth.settings_checks import HostPort

_LONGEST: Final = 2048
# No user, no fragment, no escape in the host: what two readers could read in two ways is refused.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~:/@!$&'()*+,;=%-]*)?(?P<query>\?[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*)?"
)
_NAME: Final = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
_ENDS_IN_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a URL leads. `allowed`: the operator named this host and port (TROTH_FETCH_ALLOW)."""

    scheme: str
    host: str
    port: int
    target: str
    allowed: bool

    @property
    def literal(self) -> bool:
        """Whether the host is an address and no name."""
        return ":" in self.host or _ENDS_IN_NUMBER.fullmatch(self.host) is not None

    @property
    def authority(self) -> str:
        """The Host header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == default else f"{host}:{self.port}"


def parse(url: str, allow: Collection[HostPort] = ()) -> Place:
    """Read a URL. Raises `FetchFailed` for everything that is not a plain https URL."""
    found = _URL.fullmatch(url) if len(url) <= _LONGEST else None
    if found is None:
        raise FetchFailed("not a plain https URL")
    host = _host(found["host"], found["v6"])
    port = int(found["port"] or {"https": 443, "http": 80}[found["scheme"]])
    allowed = (host, port) in allow
    if found["scheme"] == "http" and not allowed:
        raise FetchFailed("http, and its host and port are not in TROTH_FETCH_ALLOW")
    # Below 1024 are mail, shells and other services that would read a request as their own.
    if not (port == 443 or 1024 <= port <= 65535 or allowed):
        raise FetchFailed(f"port {port} is none that is fetched from")
    target = (found["path"] or "/") + (found["query"] or "")
    return Place(scheme=found["scheme"], host=host, port=port, target=target, allowed=allowed)


def _host(name: str | None, v6: str | None) -> str:
    """A name, or an address in its one usual form: `0x7f.1` and `127.1` are none."""
    try:
        if v6 is not None:
            return str(ipaddress.IPv6Address(v6))
        host = (name or "").lower()
        if _ENDS_IN_NUMBER.fullmatch(host):
            return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise FetchFailed("the host is not an address") from None
    if not _NAME.fullmatch(host):
        raise FetchFailed("the host is not a name")
    return host
