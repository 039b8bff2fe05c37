"""Connections come to all processes alike, and are served where theirs does not (FT-21)."""

import os
import resource
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.faults.asked import get
from tests.faults.processes import sockets, workers
from tests.harness import Troth
from tests.operation.test_tls import certified

MANY = 64


@pytest.fixture
def pair(tmp_path: Path, running: Callable[[Troth], Troth]) -> Troth:
    return running(Troth(tmp_path, workers="2"))


def connected(troth: Troth) -> socket.socket:
    return socket.create_connection(("127.0.0.1", troth.port), timeout=20)


def answered(troth: Troth, sock: socket.socket) -> bool:
    sock.sendall(get(troth.port, "/oauth/jwks"))
    return sock.recv(65536).startswith(b"HTTP/1.1 200 ")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_what_comes_in_a_moment_is_spread_over_the_processes(pair: Troth) -> None:
    """Heads for each of 64: that one process has less than 12 of them happens once in 10^7."""
    time.sleep(1.5)  # until they sleep, as in a quiet night
    before = {pid: sockets(pid) for pid in workers(pair)}
    with ExitStack() as kept:
        for sock in [kept.enter_context(connected(pair)) for _ in range(MANY)]:
            assert answered(pair, sock)
        more = [sockets(pid) - had for pid, had in before.items()]
    assert sum(more) == MANY
    assert min(more) >= 12


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_FT_21_who_comes_to_a_process_that_hangs_is_served_by_another(
    tmp_path: Path, tls: bool
) -> None:
    trusted = None
    if tls:
        troth, trusted = certified(tmp_path, workers="2")
    else:
        troth = installed(Troth(tmp_path, workers="2"))
    hangs = workers(troth)[0]
    with ExitStack() as kept, stopped(hangs):
        for _ in range(MANY):
            sock = kept.enter_context(connected(troth))
            if trusted:
                sock = kept.enter_context(trusted.wrap_socket(sock, server_hostname="127.0.0.1"))
            assert answered(troth, sock)
        assert hangs in workers(troth), "it was replaced, and perhaps its successor served"
    assert troth.stop() == 0


def test_who_speaks_no_tls_to_the_process_that_helps_harms_nobody(tmp_path: Path) -> None:
    troth, trusted = certified(tmp_path, workers="2")
    with ExitStack() as kept, stopped(workers(troth)[0]):
        for _ in range(20):
            with connected(troth) as plain:
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert not plain.recv(65536).startswith(b"HTTP"), "nothing is served in the clear"
        sock = kept.enter_context(connected(troth))
        closed: ssl.SSLSocket = trusted.wrap_socket(sock, server_hostname="127.0.0.1")
        assert answered(troth, kept.enter_context(closed))
    assert troth.stop() == 0
    assert "Traceback" not in troth.log()


def test_without_a_descriptor_it_waits_and_goes_on_once_there_is_one(pair: Troth) -> None:
    hangs, helps = workers(pair)
    most = resource.prlimit(helps, resource.RLIMIT_NOFILE)
    with stopped(hangs), ExitStack() as kept:
        taken = {int(entry.name) for entry in Path(f"/proc/{helps}/fd").iterdir()}
        lowest_free = next(number for number in range(4096) if number not in taken)
        resource.prlimit(helps, resource.RLIMIT_NOFILE, (lowest_free, most[1]))
        made = [kept.enter_context(connected(pair)) for _ in range(20)]
        deadline = time.monotonic() + 20
        while "accept.failed" not in pair.log():
            assert time.monotonic() < deadline, "nobody says why nothing is accepted"
            time.sleep(0.05)
        resource.prlimit(helps, resource.RLIMIT_NOFILE, most)
        # Those of its own socket the web server turns away where it has no descriptor.
        assert any(served(pair, sock) for sock in made)
        assert answered(pair, kept.enter_context(connected(pair)))


def served(troth: Troth, sock: socket.socket) -> bool:
    try:
        return answered(troth, sock)
    except OSError:
        return False
