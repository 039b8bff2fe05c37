"""Ports that stay free until a test's server takes them, however often it is started again.

Two things could come between a test and its port. Outgoing connections take theirs from the
machine's ephemeral range: ours lie below it. Other tests, of this run or another one on the same
machine, look for ports as well: a process reserves a block of ports by binding its first number
for UDP, where nobody listens, and holds that until it ends, however it ends.
"""

import random
import socket
import threading
from collections.abc import Iterator

# Linux begins its ephemeral ports at 32768, others at 49152.
_LOWEST, _HIGHEST, _BLOCK = 12_000, 32_000, 50
_held: list[socket.socket] = []
_lock = threading.Lock()


def free_port() -> int:
    """A port of the loopback interface that no test is given again while this process lives."""
    with _lock:
        return next(_PORTS)


def _ports() -> Iterator[int]:
    blocks = list(range(_LOWEST, _HIGHEST, _BLOCK))
    random.SystemRandom().shuffle(blocks)
    for first in blocks:
        if _reserve(first):
            yield from filter(_is_free, range(first + 1, first + _BLOCK))
    raise AssertionError("every port is taken")


def _reserve(port: int) -> bool:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError:
        sock.close()
        return False
    _held.append(sock)
    return True


def _is_free(port: int) -> bool:
    """Some other program of this machine may listen here, on this address or on all."""
    try:
        with socket.socket() as sock:
            sock.bind(("", port))
    except OSError:
        return False
    return True


_PORTS = _ports()
