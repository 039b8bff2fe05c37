"""Who asks, where trusted proxies stand between: the last address that none of them vouches for."""

from ipaddress import ip_network

import pytest

from troth.intake import Arrival, Intake
from troth.settings import Settings

INTAKE = Intake(Settings(trusted_proxies=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))))


@pytest.mark.parametrize(
    ("seen", "forwarded", "peer"),
    [
        ("198.51.100.7", ("192.0.2.1",), "198.51.100.7"),
        ("10.0.0.5", (), "10.0.0.5"),
        ("10.0.0.5", ("192.0.2.1",), "192.0.2.1"),
        ("10.0.0.5", ("203.0.113.9, 192.0.2.1, 10.1.1.1",), "192.0.2.1"),
        ("10.0.0.5", ("203.0.113.9", "192.0.2.1", "10.1.1.1"), "192.0.2.1"),
        ("10.0.0.5", ("192.0.2.1, unknown",), "10.0.0.5"),
        ("2001:db8::1", ("2001:db9::7",), "2001:db9::7"),
        # A listener on [::] sees IPv4 through IPv6.
        ("::ffff:10.0.0.5", ("192.0.2.1",), "192.0.2.1"),
        ("::ffff:198.51.100.7", ("192.0.2.1",), "::ffff:198.51.100.7"),
        ("10.0.0.5", ("192.0.2.1, ::ffff:10.1.1.1",), "192.0.2.1"),
    ],
)
def test_LG_07_the_last_address_that_no_trusted_proxy_vouches_for_is_who_asks(
    seen: str, forwarded: tuple[str, ...], peer: str
) -> None:
    hops = tuple((b"x-forwarded-for", one.encode()) for one in forwarded)
    headers = ((b"host", b"127.0.0.1:8000"), *hops)
    arrival = Arrival("GET", "/login", 6, b"", headers, b"", seen)
    assert INTAKE.read(arrival, "id").peer == peer
