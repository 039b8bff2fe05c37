"""A client's `jwks_uri` that is slow, large or hostile, and tokens with keys nobody knows."""

import asyncio
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any

import pytest

from tests.outside import Answer, Outside
from tests.rings import Maker
from tests.spec import spec
from troth.client_keys import ClientKeys
from troth.fetch import Fetcher, FetchFailed
from troth.fetch.kept import APART, APART_AFTER_FAILURE, LONGEST, Kept, Loaded
from troth.model.client import RegisteredClient
from troth.model.openid_client import OpenIDClient
from troth.signing.foreign import BadJWS

MAKER, ROTATED = Maker(), Maker()
_PATHS = count()


class Clock:
    """What the server's clock shows."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """A client with a key set at an own path, and the server that looks for it."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.path = f"/jwks{next(_PATHS)}"
        self.clock = Clock()
        fetcher = Fetcher([("127.0.0.1", outside.port)], str(outside.ca_file))
        self.keys = ClientKeys(fetcher, self.clock)
        self.client = client(jwks_uri=outside.url(self.path))
        self.publish({"keys": MAKER.jwks})

    def publish(self, body: Any, **more: Any) -> None:
        self.outside.answers[self.path] = Answer(body, **more)

    @property
    def fetched(self) -> int:
        return self.outside.count(self.path)


def client(client_id: str = "app", **registered: Any) -> RegisteredClient:
    openid = OpenIDClient(**registered)
    return RegisteredClient(client_id=client_id, client_name="Canary App", openid=openid)


@pytest.fixture
def site(outside: Outside) -> Iterator[Site]:
    made = Site(outside)
    yield made
    made.keys.close()


@spec("RFC 7591 §2")
async def test_registered_keys_are_used_and_fetched_ones_kept(site: Site) -> None:
    assert await site.keys.of(client()) == ()
    assert await site.keys.of(client(jwks={"keys": MAKER.jwks})) == tuple(MAKER.jwks)
    for _ in range(3):
        assert await site.keys.of(site.client) == tuple(MAKER.jwks)
    assert site.fetched == 1
    await site.keys.of(client("other", jwks_uri=site.client.openid.jwks_uri))
    assert site.fetched == 2, "what one client makes of a URI is nothing to another"


@pytest.mark.parametrize(
    ("said", "life"),
    [
        ("", 600),
        ("max-age=120", 120),
        ("public, MAX-AGE=1200, immutable", 1200),
        ("max-age=1", 60),
        ("max-age=99999999", LONGEST),
        ("no-store", 60),
        ("max-age=1200, no-cache", 60),
    ],
)
async def test_a_key_set_is_kept_as_long_as_it_says_within_bounds(
    site: Site, said: str, life: int
) -> None:
    site.publish({"keys": MAKER.jwks}, headers=(("cache-control", said),))
    await site.keys.of(site.client)
    site.clock.now += life - 1
    await site.keys.of(site.client)
    assert site.fetched == 1
    site.clock.now += 1
    await site.keys.of(site.client)
    assert site.fetched == 2


async def test_CA_18_a_rotated_key_is_found_and_unknown_ones_are_looked_for_once_a_minute(
    site: Site,
) -> None:
    await site.keys.verified(MAKER.sign("ES256", {"a": 1}), site.client, ["ES256"])
    site.publish({"keys": [ROTATED.jwk("ES256", kid="new")]})
    rotated = ROTATED.sign("ES256", {"a": 2}, kid="new")
    assert (await site.keys.verified(rotated, site.client, ["ES256"])).claims == {"a": 2}
    assert site.fetched == 2
    stranger = Maker()

    async def refused(number: int) -> None:
        text = stranger.sign("ES256", {}, kid=f"unknown{number}")
        with pytest.raises(BadJWS):
            await site.keys.verified(text, site.client, ["ES256"])

    await asyncio.gather(*(refused(number) for number in range(100)))
    site.clock.now += APART - 1
    await refused(100)
    assert site.fetched == 2
    site.clock.now += 1
    await asyncio.gather(*(refused(number) for number in range(100)))
    assert site.fetched == 3
    assert (await site.keys.verified(rotated, site.client, ["ES256"])).claims == {"a": 2}


async def test_CA_18_a_wrong_signature_by_a_known_key_fetches_nothing(site: Site) -> None:
    text = MAKER.sign("ES256", {})
    for forged in (text[:-8] + "AAAAAAAA", ROTATED.sign("ES256", {}), "a.b.c", ""):
        with pytest.raises(BadJWS):
            await site.keys.verified(forged, site.client, ["ES256"])
    assert site.fetched == 1


async def test_CA_17_the_last_good_set_is_used_up_to_its_age(site: Site) -> None:
    await site.keys.of(site.client)
    site.publish(b"down", status=503)
    site.clock.now += LONGEST - 1
    for _ in range(3):
        assert await site.keys.of(site.client) == tuple(MAKER.jwks)
    assert site.fetched == 2, "and it is not asked for again at once"
    site.clock.now += 1
    with pytest.raises(FetchFailed):
        await site.keys.of(site.client)
    site.clock.now += APART_AFTER_FAILURE
    site.publish({"keys": ROTATED.jwks})
    assert await site.keys.of(site.client) == tuple(ROTATED.jwks)


async def test_a_clock_that_goes_back_believes_nothing_kept(site: Site) -> None:
    await site.keys.of(site.client)
    site.clock.now -= 10
    await site.keys.of(site.client)
    assert site.fetched == 2


PRIVATE = {**MAKER.jwk("RS256"), "d": "AQAB"}


NO_KEY_SETS: dict[str, Any] = {
    "a private key": {"keys": [*MAKER.jwks, PRIVATE]},
    "a symmetric key": {"keys": [{"kty": "oct", "k": "AQAB"}]},
    "101 keys": {"keys": [MAKER.jwk("ES256")] * 101},
    "a number among them": {"keys": [MAKER.jwk("ES256"), 5]},
    "null among them": {"keys": [None]},
    "an object of keys": {"keys": {"0": MAKER.jwk("ES256")}},
    "null": {"keys": None},
    "no keys": {},
    "a list": [],
    "a number": 5,
    "nothing": b"",
    "a page": b"<html>",
    "a member twice": b'{"keys": [], "keys": []}',
    "no number": b'{"keys": [1e999]}',
    "without end": b"[" * 60000,
    "no UTF-8": b"\xff\xfe",
    "over 64 kB": b'{"keys": []}' + b" " * 65536,
}


@pytest.mark.parametrize("name", NO_KEY_SETS)
async def test_CA_17_a_key_set_that_is_none_is_refused_whole(site: Site, name: str) -> None:
    site.publish(NO_KEY_SETS[name])
    for _ in range(3):
        with pytest.raises(FetchFailed):
            await site.keys.verified(MAKER.sign("ES256", {}), site.client, ["ES256"])
    assert site.fetched == 1, "what failed is not tried again at once"


async def test_CA_17_so_is_a_registered_one(site: Site) -> None:
    for body in ({"keys": [PRIVATE]}, {"keys": 1}, {}):
        with pytest.raises(FetchFailed):
            await site.keys.of(client(jwks=body))


@pytest.mark.parametrize("status", [204, 206, 301, 404, 500])
async def test_CA_17_only_a_200_is_a_key_set(site: Site, status: int) -> None:
    site.publish({"keys": MAKER.jwks} if status != 204 else b"", status=status)
    with pytest.raises(FetchFailed):
        await site.keys.of(site.client)


async def test_RG_21_all_who_wait_share_one_fetch_and_others_do_not_wait(
    site: Site, outside: Outside
) -> None:
    go_on = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        go_on.wait(60)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n" + b'{"keys":[]}')

    await Site(outside).keys.of(site.client)  # what is loaded at the first fetch is loaded
    site.outside.answers[site.path] = slow
    before = site.fetched
    try:
        waiting = [asyncio.create_task(site.keys.of(site.client)) for _ in range(200)]
        impatient = asyncio.wait_for(site.keys.of(site.client), 0.05)
        with pytest.raises(TimeoutError):
            await impatient
        other = Site(outside)
        assert await other.keys.of(other.client) == tuple(MAKER.jwks)
        assert not any(task.done() for task in waiting)
        go_on.set()
        assert await asyncio.gather(*waiting) == [()] * 200
        assert site.fetched == before + 1
    finally:
        go_on.set()


async def test_RG_21_what_is_kept_is_bounded() -> None:
    loads: list[str] = []

    async def load(url: str) -> Loaded[str]:
        loads.append(url)
        return Loaded(value=url, size=65536, life=600)

    kept = Kept(load, time.monotonic)
    for number in range(65):
        await kept.get("app", str(number))
    await kept.get("app", "64")
    assert len(loads) == 65
    await kept.get("app", "0")
    assert loads[-1] == "0", "the least used one had to go"
    small = Kept(_small, time.monotonic)
    for number in range(1500):
        await small.get("app", str(number))
    assert len(small._entries) <= 1000


async def _small(url: str) -> Loaded[str]:
    return Loaded(value=url, size=1, life=600)
