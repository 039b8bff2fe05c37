"""FT-10: what a server on SQLite acknowledges is on the disk before, as the kernel was told."""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.availability import STRACE
from tests.harness import Troth

REFRESHES = 200
CALLS = "pwrite64,fsync,fdatasync,read,recvfrom,recvmsg,write,writev,sendto,sendmsg"
# A thread's line; where those of others came between, a call has two.
LINE = re.compile(r"(\d+) +(?:<\.\.\. \w+ (resumed)>)?(.*)")
UNFINISHED = " <unfinished ...>"

_LOG = r"\d+<[^>]*/troth\.db-wal>"
_CONNECTION = r"\w+\(\d+<TCP:\[([^\]]*)\]>"
WRITTEN = re.compile(rf"pwrite64\({_LOG}.* = 4096$")  # a page: the log's head is synced anyway
SYNCED = re.compile(rf"(?:fsync|fdatasync)\({_LOG}\) += 0$")
ASKED = re.compile(rf'{_CONNECTION}.*"POST /oauth/token')
ANSWERED = re.compile(rf'{_CONNECTION}.*"HTTP/1\.1 200')


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A system call, and the places in the log where it began and had ended."""

    text: str
    began: int
    ended: int


def calls(lines: Iterable[str]) -> Iterator[Call]:
    begun: dict[str, tuple[int, str]] = {}
    for place, line in enumerate(lines):
        found = LINE.fullmatch(line)
        assert found is not None, line
        thread, resumed, text = found.groups()
        began, head = begun.pop(thread) if resumed else (place, "")
        if text.endswith(UNFINISHED):
            begun[thread] = began, text.removesuffix(UNFINISHED)
        else:
            yield Call(text=head + text, began=began, ended=place)


def acknowledged(log: list[Call]) -> list[bool]:
    """Of each success of the token endpoint, whether it was on the disk by then.

    After its request a page was written to SQLite's log, and a sync that began after that had ended
    before the answer was handed to the kernel.
    """
    written = [call.began for call in log if WRITTEN.match(call.text)]
    synced = [call for call in log if SYNCED.match(call.text)]
    asked = {found[1]: call.ended for call in log if (found := ASKED.match(call.text))}
    told: list[bool] = []
    for call in log:
        found = ANSWERED.match(call.text)
        if found is None or found[1] not in asked:
            continue
        first = min((place for place in written if place > asked[found[1]]), default=call.began)
        told.append(any(first < sync.began and sync.ended < call.began for sync in synced))
    return told


def watched(folder: Path, log: Path) -> Troth:
    """A server whose every thread is looked at; its process is its own, the watcher's another."""
    assert STRACE is not None
    troth = Troth(folder)
    strace = (STRACE, "-D", "-f", "-yy", "-s", "40", "-o", str(log), "-e", f"trace={CALLS}")
    become = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    troth.command = ("-c", become, *strace, sys.executable, *troth.command)
    return troth


@pytest.mark.strace
@pytest.mark.parametrize("applications", [1, 4])
def test_FT_10_what_is_acknowledged_was_synced_before(
    tmp_path: Path, running: Callable[[Troth], Troth], applications: int
) -> None:
    log = tmp_path / "strace.log"
    troth = running(watched(tmp_path, log))
    person = troth.person()

    def refreshing(_: int) -> None:
        app = troth.client()
        token = app.tokens(person)["refresh_token"]
        for _ in range(REFRESHES // applications):
            token = app.refresh(token).json()["refresh_token"]

    with ThreadPoolExecutor(applications) as pool:
        list(pool.map(refreshing, range(applications)))
    assert troth._process is not None
    end = re.compile(rf"^{troth._process.pid} +\+\+\+ exited with 0", re.MULTILINE)
    assert troth.stop() == 0
    deadline = time.monotonic() + 60
    while end.search(text := log.read_text("utf-8", "replace")) is None:
        assert time.monotonic() < deadline, "who watches does not end"
        time.sleep(0.02)
    told = acknowledged(list(calls(text.splitlines())))
    assert len(told) == REFRESHES + applications, "and each its code"
    assert all(told), f"{told.count(False)} answers came before their sync"
