"""The folder of the workers' counters goes with the server, however that ended."""

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.faults.test_kill import kill
from tests.harness import Troth
from troth import metrics_folder

Start = Callable[[str], Troth]


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def start(tmp_path: Path, temporary: Path) -> Iterator[Start]:
    started: list[Troth] = []

    def begin(name: str) -> Troth:
        (tmp_path / name).mkdir()
        troth = Troth(tmp_path / name, workers="2")
        troth.environment["TMPDIR"] = str(temporary)
        started.append(troth.start())
        return troth

    yield begin
    for troth in started:
        if troth._process is not None and troth._process.poll() is None:
            assert troth.stop() == 0


def test_a_new_server_removes_what_a_killed_one_left_and_nothing_else(
    start: Start, temporary: Path, tmp_path: Path
) -> None:
    living = start("living")
    (folder,) = temporary.iterdir()
    killed = start("killed")
    (left,) = set(temporary.iterdir()) - {folder}
    kill(killed)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "canary").touch()
    (temporary / "troth-workers-link").symlink_to(kept)
    (temporary / "troth-workers-file").touch()
    start("next")
    assert not left.exists()
    assert (kept / "canary").exists()
    assert {path.name for path in temporary.iterdir()} >= {
        folder.name, "troth-workers-link", "troth-workers-file"
    }  # fmt: skip
    with urlopen(f"http://127.0.0.1:{living.management_port}/metrics") as response:
        assert response.status == 200
    for troth in (living, killed.start()):
        assert troth.stop() == 0
    assert not folder.exists()


def test_the_folder_of_workers_that_outlive_their_supervisor_is_theirs(
    start: Start, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    troth = start("one")
    (folder,) = temporary.iterdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    metrics_folder.remove_left_behind()
    assert folder.exists()
    assert troth._process is not None
    workers = Path(f"/proc/{troth._process.pid}/task/{troth._process.pid}/children").read_text()
    pids = [int(pid) for pid in workers.split()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    troth._process.kill()
    troth._process.wait(30)
    metrics_folder.remove_left_behind()
    assert folder.exists()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_folder_of_another_user_is_left_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    theirs = temporary / "troth-workers-theirs"
    theirs.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    metrics_folder.remove_left_behind()
    assert theirs.exists()
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    metrics_folder.remove_left_behind()
    assert not theirs.exists()


def test_a_folder_that_another_server_took_for_left_behind_is_made_anew(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its making and its lock nothing tells that somebody wants it."""
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    real, taken = fcntl.flock, list[Path]()

    def late(descriptor: int, operation: int) -> None:
        if not taken:
            taken.extend(temporary.iterdir())
            shutil.rmtree(taken[0])
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    made = metrics_folder.MetricsFolder()
    assert taken
    assert made.path not in taken
    assert made.path.is_dir()
    made.remove()
    assert list(temporary.iterdir()) == []
