"""Many who guess at once, at two servers of one database: the limit is exact (R7, LG-04)."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.figures import note, short_or_long
from tests.faults.pages import Filled
from tests.faults.races import crowd_of
from tests.harness import Browser, Troth, somewhere
from troth.accounts import passwords

AT_ONCE = short_or_long(16, 64)
# Who can find no place in the queue of hashes, of the half that each server is asked by.
_TOO_MANY = 2 * max(0, AT_ONCE // 2 - (1 + passwords._WAITING_PER_SLOT))
_FREE = 5


@dataclass(frozen=True)
class Nodes:
    """Two servers; `hashes` grows by a byte for each password that one of them hashes."""

    one: Troth
    two: Troth
    hashes: Path

    def hashed(self) -> int:
        return self.hashes.stat().st_size


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("nodes")
    proxied = {"trusted_proxies": "127.0.0.1/32"}
    one = engine.troth(folder, **proxied)
    one.cli("keys", "rotate")
    same = {"issuer": one.issuer, "database": one.environment["TROTH_DATABASE"]}
    two = Troth(folder, **same, **proxied)
    hashes = folder / "hashes"
    for node in (one, two):
        node.command = ("-m", "tests.faults.counting_server", str(hashes))
    yield Nodes(installed(one), two.start(), hashes)
    one.stop()
    two.stop()


def most_in(seconds: int) -> int:
    """Five are free; then each waits twice as long as the one before.

    The fifth makes the sixth wait a second: so one more in 1 s, two in 3 s, three in 7 s.
    """
    return _FREE + (seconds + 1).bit_length() - 1


def test_R7_LG_04_a_limit_is_exact_when_many_guess_at_once(nodes: Nodes, engine: Engine) -> None:
    """No password more is hashed than the budget of its account allows, whoever is asked.

    Who finds no place in the queue of hashes is told to come again, and has not tried.
    """
    most = 0
    for _ in range(short_or_long(2, 20)):
        person, before = nodes.one.person(), nodes.hashed()
        began = int(time.time())  # the servers' clock, which shows whole seconds
        statuses = guessed(nodes, person.username)
        tried = statuses.count(400)
        assert set(statuses) <= {400, 429, 503}
        assert statuses.count(503) <= _TOO_MANY
        counted = 'select failures, seen_at from attempt where "key" = ?'
        ((failures, last),) = nodes.one.rows(counted, f"account:{person.sub}")
        assert tried == failures == nodes.hashed() - before
        assert _FREE <= tried <= most_in(last - began)
        most = max(most, tried)
    note(f"R7 {AT_ONCE} wrong logins at once, {engine.variant}", most_hashed=most)


def guessed(nodes: Nodes, username: str) -> list[int]:
    """What all are told who guess this person's password, half of them at each server."""
    browser = Browser(nodes.one)
    pages = {
        node: Filled(browser, browser.get(f"http://127.0.0.1:{node.port}/login"), "login")
        for node in (nodes.one, nodes.two)
    }
    typed = {"username": username, "password": "canary wrong"}

    def guess(number: int, http: httpx2.Client) -> httpx2.Response:
        page = pages[(nodes.one, nodes.two)[number % 2]]
        return page.send(http, typed, **{"x-forwarded-for": somewhere()})

    with crowd_of(nodes.one, AT_ONCE) as crowd:
        return [answer.status_code for answer in crowd.ask(guess)]
