"""The processes of a running server."""

import subprocess
from pathlib import Path

from tests.harness import Troth


def workers(troth: Troth) -> list[int]:
    """The ids of a supervisor's children."""
    assert troth._process is not None
    found = subprocess.run(
        ["pgrep", "-P", str(troth._process.pid)], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in found.stdout.split()]


def sockets(pid: int) -> int:
    """How many sockets a process has."""
    descriptors = Path(f"/proc/{pid}/fd").iterdir()
    return sum(str(entry.readlink()).startswith("socket:") for entry in descriptors)
