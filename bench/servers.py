"""The servers that are measured: each on the first core, asked what processor time it took."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import installed
from tests.harness import Troth, free_port

CORE, OTHER_CORE = 0, max(os.sched_getaffinity(0))


def family(pid: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return [pid, *(int(child) for child in found.split())]


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time of processes, with all their threads, to the nanosecond."""
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def pin(pids: Sequence[int], core: int) -> None:
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})


class LimitServer:
    """`bench.limit` on a database of its own."""

    def __init__(self, database: str) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.limit", str(self.port), database],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.pids = [self._process.pid]
        pin(self.pids, CORE)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


class TrothServer:
    """`troth serve` as an operator starts it."""

    def __init__(self, folder: Path, database: str, workers: int = 1) -> None:
        settings = {"workers": str(workers), "code_lifetime": "600"}
        if database.startswith("postgresql://"):
            settings["database"] = database
        self.troth = installed(Troth(folder, **settings))
        self.troth.stop()
        began = time.monotonic()
        self.troth.start()
        self.ready_seconds = time.monotonic() - began
        self.port = self.troth.port
        assert self.troth._process is not None
        self.pids = family(self.troth._process.pid)
        pin(self.pids[:2], CORE)  # without workers there is one process, else the supervisor is it
        pin(self.pids[2:], OTHER_CORE)

    def stop(self) -> None:
        self.troth.stop()
