"""The processes of a running server."""

from pathlib import Path

from tests.harness import Troth


def workers(troth: Troth) -> list[int]:
    """The ids of a supervisor's children."""
    assert troth._process is not None
    supervisor = troth._process.pid
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children")
    return [int(pid) for pid in children.read_text().split()]


def sockets(pid: int) -> int:
    """How many sockets a process has."""
    descriptors = Path(f"/proc/{pid}/fd").iterdir()
    return sum(str(entry.readlink()).startswith("socket:") for entry in descriptors)
