"""Clients that are slow on purpose, or many, or large: the others are served (R20, RX-*)."""

import contextlib
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.asked import get, introspections, post
from tests.faults.figures import LONG, note, short_or_long
from tests.faults.load import offered, saturated
from tests.faults.memory import MEGABYTE, peak
from tests.faults.processes import workers
from tests.harness import Troth


@pytest.fixture(scope="module")
def troth(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    server = installed(engine.troth(tmp_path_factory.mktemp("slow"), workers="2"))
    yield server
    assert server.stop() == 0


def slow_head(troth: Troth) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", troth.port), timeout=10)
    sock.sendall(b"GET /login HTTP/1.1\r\nhost: ")
    return sock


def slow_body(troth: Troth) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", troth.port), timeout=10)
    sock.sendall(post(troth.port, "/oauth/token", {"grant_type": "x" * 200})[:-100])
    return sock


def slow_reader(troth: Troth) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", troth.port))
    sock.sendall(get(troth.port, "/login") * 20)
    return sock


def drip(socks: list[socket.socket], enough: threading.Event) -> None:
    """A byte a second for each, some of them at a time; a server that gave one up may say so."""
    groups = [socks[first::100] for first in range(100)]
    for group in cycle(groups):
        for sock in group:
            with contextlib.suppress(OSError):
                sock.send(b"x")
        if enough.wait(0.01):
            return


def test_R20_RX_03_slow_clients_slow_nobody_else(troth: Troth, engine: Engine) -> None:
    what, seconds = introspections(troth), float(short_or_long(2, 20))
    rate = saturated(troth.port, 5.0, what).rate() / 3 if LONG else 30
    base = offered(troth.port, rate, seconds, what)
    kinds = (slow_head, slow_body, slow_reader)
    number = short_or_long(300, 2000)
    slow = [kinds[i % 3](troth) for i in range(number)]
    enough = threading.Event()
    try:
        offered(troth.port, 30, 3.0, what)  # the pages that they asked for are honest work
        with ThreadPoolExecutor(1) as pool:
            dripping = pool.submit(drip, slow, enough)
            beside = offered(troth.port, rate, seconds, what)
            enough.set()
            dripping.result()
    finally:
        for sock in slow:
            sock.close()
    assert set(base.statuses) == set(beside.statuses) == {200}
    note(
        f"R20 {number} slow clients, {engine.variant}",
        base_p99_ms=round(base.p99() * 1000, 1),
        p99_ms=round(beside.p99() * 1000, 1),
        failed=0,
    )
    if LONG:
        assert beside.p99() <= 2 * base.p99() + 0.01


def test_RX_04_whoever_has_not_proven_anything_writes_nothing(troth: Troth, engine: Engine) -> None:
    """Requests for authorization, logins, failed clients: no table grows with them."""
    client, number = troth.client(), short_or_long(100, 10_000)
    tables = _tables(troth)
    before = {table: _count(troth, table) for table in tables}
    with httpx2.Client(base_url=troth.issuer, timeout=20, trust_env=False) as http:
        for i in range(number):
            assert http.get("/login").status_code == 200
            asked = http.get("/oauth/authorize", params=client.parameters(state=f"s{i}"))
            assert asked.status_code == 303
            assert http.get(asked.headers["location"]).status_code == 200
            wrong = {"grant_type": "authorization_code", "code": f"troth_ac_{i}"}
            bad = http.post("/oauth/token", data={**wrong, **client.credentials()})
            assert bad.status_code == 400
    grown = {table: _count(troth, table) - before[table] for table in tables}
    bounded = {"audit", "trace"}  # aggregated under a flood, and a ring
    assert {table: n for table, n in grown.items() if n and table not in bounded} == {}
    note(f"RX-04 unproven requests, {engine.variant}", requests=4 * number, rows=0)


def _tables(troth: Troth) -> list[str]:
    own = "select name from sqlite_master where type = 'table'"
    if troth.postgres:
        own = "select tablename from pg_tables where schemaname = 'public'"
    return [name for (name,) in troth.rows(own)]


def _count(troth: Troth, table: str) -> int:
    ((number,),) = troth.rows(f'select count(*) from "{table}"')
    return int(number)


def test_RX_13_large_bodies_from_many_find_their_limit_and_not_the_memorys(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    """512 MB for each process, and nobody is killed: 413, and the next one is served."""
    troth = running(engine.troth(tmp_path, workers="2"))
    before = workers(troth)
    for pid in before:
        resource.prlimit(pid, resource.RLIMIT_DATA, (512 * MEGABYTE, 512 * MEGABYTE))
    size, number = 5 * MEGABYTE, short_or_long(40, 400)

    def large(_: int) -> int:
        kind: dict[str, Any] = {"headers": {"content-type": "application/x-www-form-urlencoded"}}
        with httpx2.Client(base_url=troth.issuer, timeout=30, trust_env=False) as http:
            try:
                body = (b"x" * 65536 for _ in range(size // 65536))  # chunked: no length announced
                return http.post("/oauth/token", content=body, **kind).status_code
            except httpx2.WriteError:
                return 0  # closed while it was still sending

    with ThreadPoolExecutor(20) as pool:
        statuses = set(pool.map(large, range(number)))
    assert 413 in statuses <= {413, 0}
    largest = max(peak(pid) for pid in before)
    assert workers(troth) == before, "a process was lost"
    assert largest < 256 * MEGABYTE
    note(f"RX-13 bodies of 5 MB, {engine.variant}", bodies=number, peak_mb=largest // MEGABYTE)
    assert troth.stop() == 0
