"""The process that starts the others: what happens where the machine has no room for one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from troth import supervisor
from troth.server import Sockets
from troth.settings import Settings


class Full:
    """`subprocess` on a machine without room for another process, until there is."""

    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self) -> None:
        self.tries = 0
        self.full = True

    def Popen(self, *_: object, **__: object) -> "subprocess.Popen[bytes]":
        self.tries += 1
        if self.full:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_no_room_for_a_worker_leaves_the_others_alone_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervisor, "_RESTART_PAUSE", 0)
    listening = socket.socket()
    one = supervisor._Supervisor(Settings(workers=1), [Sockets([listening], None)])
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    pulse, writing = os.pipe()
    os.close(writing)
    os.set_blocking(pulse, False)
    one._workers = [supervisor._Worker(process=ended, pulse=pulse, begun_at=0)]
    full = Full()
    monkeypatch.setattr(supervisor, "subprocess", full)
    before = descriptors()
    one._look()
    one._look()
    assert full.tries == 2
    assert descriptors() == before
    assert one._workers[0].process is ended
    assert "no worker can be started" in capsys.readouterr().err
    full.full = False
    one._look()
    assert one._workers[0].process is not ended
    one._end()
    assert one._workers[0].process.poll() is not None


def test_a_worker_that_hangs_before_it_was_ever_heard_is_replaced_too() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    worker = supervisor._Worker(process=process, pulse=-1, begun_at=100)
    patience = supervisor._START_SECONDS + supervisor._SILENT_SECONDS
    assert not worker.hangs(99 + patience)
    assert worker.hangs(101 + patience)
    worker.listen_anew(101 + patience)
    assert not worker.hangs(102 + patience), "who listens anew counts from then on"
