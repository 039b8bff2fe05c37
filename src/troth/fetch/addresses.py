"""Which addresses a fetch may connect to (RFC 6890 and IANA's registries of special addresses).

The list is our own: `ipaddress.is_global` of Python 3.11 lets NAT64, 6to4, site-local and other
addresses pass that carry a private IPv4 address within them. Of IPv6 only what IANA hands out as
global unicast is let through, so that a form nobody thought of is blocked.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(each) for each in text.split())


_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
_SPECIAL: Final = _networks(
    # this host, private, shared, loopback, link-local, IETF, documentation, 6to4, benchmarks
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
    # multicast, reserved, broadcast
    "224.0.0.0/4 240.0.0.0/4 "
    # IETF (Teredo and ORCHID among it), documentation, 6to4
    "2001::/23 2001:db8::/32 2002::/16 3fff::/20"
)
# What an operator may open by name. Never link-local: there clouds hand out their credentials.
_PRIVATE: Final = _networks(
    "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 ::1/128 fc00::/7"
)


def is_public(address: Address) -> bool:
    """Whether the whole world can reach this address, and reaches the same machine there."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _SPECIAL)


def is_private(address: Address) -> bool:
    """Whether it is an address of this machine or of a private network, in its plain form."""
    return any(address in network for network in _PRIVATE)


def blocked(addresses: Sequence[str], *, allowed: bool) -> str | None:
    """The first address that must not be connected to; one is enough to refuse the name."""
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text
        if not (is_public(address) or (allowed and is_private(address))):
            return text
    return None
