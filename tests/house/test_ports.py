"""A server that is started again finds its port: nobody else was given it (tests/ports.py)."""

import subprocess
import sys
from pathlib import Path

from tests.ports import free_port

ASK = "from tests.ports import free_port; print(*(free_port() for _ in range(120))); input()"
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_processes_that_look_for_ports_at_once_are_given_different_ones() -> None:
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(4)
    ]
    lines = [process.stdout.readline() for process in asking if process.stdout is not None]
    for process in asking:
        process.communicate("\n", timeout=60)
    given = [int(port) for line in lines for port in line.split()]
    assert len(given) == len(set(given)) == 4 * 120
    assert free_port() not in given
    assert [port for port in given if not 1024 < port < 32768] == []


def test_outgoing_connections_take_their_ports_elsewhere() -> None:
    first = int(RANGE.read_text("ascii").split()[0]) if RANGE.exists() else 49152
    assert max(free_port() for _ in range(60)) < first
