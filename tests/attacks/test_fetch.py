"""Fetching what a client names: nothing inside the operator's network can be reached (SSRF)."""

import ipaddress
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.outside import Answer, Outside
from troth.fetch import Fetcher, FetchFailed
from troth.fetch.addresses import blocked, is_public
from troth.fetch.url import parse
from troth.settings_checks import parse_target

INSIDE = ("127.0.0.1", "10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254", "100.64.0.1")
PLAIN = (
    *INSIDE,
    "0.0.0.0",
    "0.1.2.3",
    "127.255.255.254",
    "192.0.0.8",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001:db8::1",
    "2001:10::1",
    "2001:20::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
)


def carried(v4: str) -> list[str]:
    """Every form in which an IPv6 address carries an IPv4 one."""
    bits = int(ipaddress.IPv4Address(v4))
    forms = {
        "mapped": 0xFFFF << 32 | bits,
        "translated": 0xFFFF << 48 | bits,
        "compatible": bits,
        "NAT64": 0x64FF9B << 96 | bits,
        "local NAT64": 0x64FF9B0001 << 80 | bits,
        "6to4": 0x2002 << 112 | bits << 80 | 1,
        "Teredo client": 0x20010000 << 96 | bits ^ 0xFFFFFFFF,
        "Teredo server": 0x20010000 << 96 | bits << 64,
    }
    return [str(ipaddress.IPv6Address(number)) for number in forms.values()]


CARRIED = [form for v4 in INSIDE for form in carried(v4)]
# Spellings that some reader, somewhere, takes for an address or a host that it is not.
HOSTILE_URLS = (
    "http://{host}/",
    "HTTPS://{host}/",
    "ftp://{host}/",
    "gopher://{host}/",
    "file:///etc/passwd",
    "data:application/json,{{}}",
    "unix:///run/x.sock",
    "//{host}/",
    "https:{host}/",
    "https:/{host}/",
    "https:///{host}/",
    "https://{host}\\@good.example/",
    "https://good.example@{host}/",
    "https://a:b@{host}/",
    "https://{host}#@good.example/",
    "https://{host}/#fragment",
    "https://{host}/ x",
    "https://{host}/\r\nHost: x",
    "https://{host}/\tx",
    " https://{host}/",
    "https://{host}/\n",
    "https://{host}%2f/",
    "https://{host}%00.good.example/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::1]:{port}/",
    "https://[::1%25lo]:{port}/",
    "https://[::]:{port}/",
    "https://::1:{port}/",
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.1:{port}/",
    "https://0x7f.0.0.0x1:{port}/",
    "https://017700000001:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://127.0.0.01:{port}/",
    "https://127.0.0.256:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://localhost.localdomain:{port}/",
    "https://a.localhost:{port}/",
    "https://⑯⑨。②⑤④:{port}/",
    "https://ⓛocalhost:{port}/",
    "https://127。0。0。1:{port}/",
    "https://lоcalhost:{port}/",
    "https://-a.example:{port}/",
    "https://a..example:{port}/",
    "https://.example:{port}/",
    "https://:{port}/",
    "https://{host}:0/",
    "https://good.example:99999/",
    "https://good.example:22/",
    "https://good.example:25/",
    "https://good.example:80/",
    "https://good.example:+{port}/",
    "https://good.example:{port}:1/",
    "https://" + "a" * 64 + ".example:{port}/",
    "https://" + "a." * 140 + "example:{port}/",
    "https://{host}/" + "a" * 2100,
    "",
)


class Watch:
    """What this process asked of the network, as the interpreter itself reports it."""

    def __init__(self) -> None:
        self.on = False
        self.connected: list[Any] = []
        self.looked_up: list[Any] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, details: tuple[Any, ...]) -> None:
        if self.on and event == "socket.connect":
            self.connected.append(details[1][:2])
        elif self.on and event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self.looked_up.append(details[0])


WATCH = Watch()


@pytest.fixture
def watch() -> Iterator[Watch]:
    WATCH.connected, WATCH.looked_up, WATCH.on = [], [], True
    yield WATCH
    WATCH.on = False


class Trap:
    """Listens on IPv4 and IPv6 loopback, on one port, and counts who comes."""

    def __init__(self) -> None:
        self.caught = 0
        self._listeners = [self._listen(socket.AF_INET, "127.0.0.1", 0)]
        self.port = self._listeners[0].getsockname()[1]
        self._listeners.append(self._listen(socket.AF_INET6, "::1", self.port))

    def _listen(self, family: int, host: str, port: int) -> socket.socket:
        listener = socket.socket(family)
        listener.bind((host, port))
        listener.listen(64)
        listener.setblocking(False)
        return listener

    def count(self) -> int:
        """How many connections wait to be accepted, or were."""
        for listener in self._listeners:
            try:
                while True:
                    listener.accept()[0].close()
                    self.caught += 1
            except BlockingIOError:
                pass
        return self.caught

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.close()


def answering(*addresses: str) -> tuple[Any, list[str]]:
    """A look-up of names that gives these addresses at first, and loopback ever after."""
    asked: list[str] = []

    def ask(host: str, port: int) -> list[str]:
        asked.append(host)
        return list(addresses) if len(asked) == 1 else ["127.0.0.1"]

    return ask, asked


async def test_the_trap_and_the_watch_see_a_connection(trap: Trap, watch: Watch) -> None:
    ask, asked = answering("127.0.0.1")
    open_door = Fetcher([("in.example", trap.port)], ask=ask)
    with pytest.raises(FetchFailed):
        await open_door.get(f"https://in.example:{trap.port}/", patience=3)
    assert trap.count() == 1
    assert watch.connected == [("127.0.0.1", trap.port)]
    assert asked == ["in.example"]


@pytest.mark.parametrize("address", [*PLAIN, *CARRIED])
async def test_RG_16_S11_a_name_that_leads_inside_is_never_connected_to(
    address: str, trap: Trap, watch: Watch
) -> None:
    for addresses in ([address], ["93.184.216.34", address], [address, "2600:1406::1"]):
        ask, asked = answering(*addresses)
        with pytest.raises(FetchFailed):
            await Fetcher(ask=ask).get(f"https://good.example:{trap.port}/")
        assert asked == ["good.example"]
    assert (watch.connected, watch.looked_up, trap.count()) == ([], [], 0)


@pytest.mark.parametrize("form", HOSTILE_URLS)
async def test_PJ_15_RG_11_S11_a_hostile_url_opens_no_connection(
    form: str, trap: Trap, watch: Watch
) -> None:
    url = form.format(host=f"127.0.0.1:{trap.port}", port=trap.port)
    with pytest.raises(FetchFailed):
        await Fetcher(ask=answering("127.0.0.1")[0]).get(url)
    with pytest.raises(FetchFailed):
        await Fetcher(ask=answering("93.184.216.34", "::1")[0]).post(url, b"x", content_type="a/b")
    assert (watch.connected, watch.looked_up, trap.count()) == ([], [], 0)


def test_S11_there_are_enough_of_them() -> None:
    assert len(HOSTILE_URLS) >= 60
    assert len(PLAIN) + len(CARRIED) >= 60


async def test_S11_the_machines_own_names_are_blocked_by_the_real_look_up(trap: Trap) -> None:
    for host in ("localhost", "ip6-localhost", socket.gethostname().lower()):
        with pytest.raises(FetchFailed):
            await Fetcher().get(f"https://{host}:{trap.port}/", patience=3)
    assert trap.count() == 0


@given(st.ip_addresses())
def test_RG_16_nothing_passes_that_the_standard_library_knows_to_be_special(address: Any) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "192.0.1.1", "2600:1406::1", "2a00:1450::1"]
)
def test_the_open_internet_is_reached(address: str) -> None:
    assert blocked([address], allowed=False) is None


async def test_RG_18_a_name_is_looked_up_once_and_its_checked_address_is_dialled(
    outside: Outside, watch: Watch
) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.99"]

    outside.answers["/once"] = Answer({"a": 1})
    fetcher = Fetcher([("in.example", outside.port)], str(outside.ca_file), ask=rebinding)
    got = await fetcher.get(outside.url("/once", "in.example"))
    assert got.body == b'{"a": 1}'
    assert outside.heard[-1].headers["host"] == f"in.example:{outside.port}"
    assert asked == ["in.example"]
    assert watch.connected == [("127.0.0.1", outside.port)]
    assert watch.looked_up == []


@pytest.mark.parametrize(
    ("address", "passes"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("::1", True),
        ("fd00::1", True),
        ("169.254.169.254", False),
        ("fe80::1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_an_allowed_target_may_be_private_and_no_more(address: str, passes: bool) -> None:
    assert (blocked([address], allowed=True) is None) is passes


@pytest.mark.parametrize(
    "url",
    [
        "https://in.example:{port}/",
        "https://x.in.example:{other}/",
        "https://in.example.:{other}/",
        "http://x.in.example:{other}/",
    ],
)
async def test_only_the_very_target_is_allowed(url: str, trap: Trap) -> None:
    """Another port, a name below it, the name with a dot: each is somebody else."""
    allowed = parse_target("IN.example:1")
    ask, _ = answering("127.0.0.1")
    with pytest.raises(FetchFailed):
        await Fetcher([allowed], ask=ask).get(url.format(port=trap.port, other=1), patience=3)
    assert trap.count() == 0


@pytest.mark.parametrize("port", [0, 1, 22, 25, 80, 444, 1023, 65536, 99999])
def test_RG_11_ports_of_other_services_are_none(port: int) -> None:
    with pytest.raises(FetchFailed, match="port"):
        parse(f"https://good.example:{port}/")


async def test_a_look_up_that_hangs_holds_up_its_own_name_only() -> None:
    hangs = threading.Event()

    def ask(host: str, port: int) -> list[str]:
        if host == "slow.example":
            hangs.wait(60)
        return ["127.0.0.1"]

    fetcher = Fetcher(ask=ask)
    try:
        for reason in ("answer", "answer", "too many"):
            with pytest.raises(FetchFailed, match=reason):
                await fetcher.get("https://slow.example/", patience=0.2)
        with pytest.raises(FetchFailed, match="open internet"):
            await fetcher.get("https://other.example/")
    finally:
        hangs.set()
