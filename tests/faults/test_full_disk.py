"""A disk that is full is a 503 for what is written, loses nothing, and heals by itself (R14)."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.conftest import installed
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.everyone import Everyone
from tests.faults.figures import note, percentile, short_or_long
from tests.faults.history import History, problems
from tests.faults.waiting import until
from tests.faults.whole import is_whole
from tests.harness import Troth
from tests.postgres import Cluster, binaries

# Of a disk with an SQLite file or with tables, and of one with all of PostgreSQL, whose log of
# changes keeps 16 MB more after each time that it found no room.
_SMALL, _WHOLE = 24, 512
_HEALED = short_or_long(60.0, 5.0)  # seconds


@contextmanager
def disk(megabytes: int) -> Iterator[Path]:
    """A file system of its own, where PostgreSQL's user comes too."""
    folder = Path(tempfile.mkdtemp(prefix="troth-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=777", "tmpfs", str(folder)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True, check=False).returncode != 0
    ):
        folder.rmdir()
        pytest.skip("only root may mount: in tests/store SQLite's page limit stands for the disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with disk(_SMALL) as folder:
        yield folder


@pytest.fixture(params=["on SQLite", "on PostgreSQL"])
def troth(
    request: pytest.FixtureRequest, tmp_path: Path, small_disk: Path, cluster: Cluster
) -> Iterator[Troth]:
    database = f"sqlite://{small_disk}/troth.db"
    if request.param == "on PostgreSQL":
        database = on_tablespace(cluster, small_disk)
    settings = {"workers": "2", "database": database, **LIVES}
    server = installed(Troth(tmp_path, **settings))
    server.database = small_disk / "troth.db"
    yield server
    assert server.stop() == 0
    if server.postgres:
        do(cluster, "drop database small")
        do(cluster, "drop tablespace small")


def on_tablespace(cluster: Cluster, folder: Path) -> str:
    """A database whose tables are in the folder; the log of changes stays on the large disk."""
    place = folder / "tablespace"
    place.mkdir()
    if cluster.user is not None:
        os.chown(place, cluster.user, -1)
    do(cluster, f"create tablespace small location '{place}'")
    do(cluster, "create database small tablespace small")
    return f"postgresql://troth@/small?host={cluster.folder}"


def do(cluster: Cluster, sql: str) -> None:
    asyncio.run(cluster.ask(sql))


def fill(ballast: Path) -> None:
    """Until nothing more goes in."""
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512):
            with contextlib.suppress(OSError):
                while True:
                    os.write(file.fileno(), b"\0" * size)


def test_R14_a_full_disk_loses_nothing_and_heals_by_itself(troth: Troth, small_disk: Path) -> None:
    history, ballast, healed = History(), small_disk / "ballast", []
    reader = troth.client()
    token = reader.tokens(troth.person())["access_token"]
    them = applications(troth, history, number=8, codes=25, longest=short_or_long(60, 5000))
    with at_work(them), httpx2.Client(base_url=troth.issuer, trust_env=False) as http:
        for _ in range(short_or_long(2, 20)):
            unknown = history.unknown
            until(partial(_filled, ballast, history, unknown), 60, "the disk is not full enough")
            assert http.get("/oauth/jwks").status_code == 200
            assert reader.active(token), "reading goes on"
            known = history.known
            ballast.unlink()
            healed.append(until(partial(_healed, history, known), _HEALED, "it does not heal"))
            time.sleep(0.1)
    assert problems(history.calls) == []
    assert is_whole(troth)
    note(
        f"R14 full disk, {'PostgreSQL' if troth.postgres else 'SQLite'}",
        fills=len(healed),
        calls=len(history.calls),
        unknown=history.unknown,
        broken_promises=0,
        healed_p99_seconds=round(percentile(healed, 0.99), 2),
    )


def _filled(ballast: Path, history: History, unknown: int) -> bool:
    fill(ballast)  # what the database gave back meanwhile as well
    return history.unknown >= unknown + 8


def _healed(history: History, known: int) -> bool:
    return history.known > known + 8


@pytest.fixture
def whole_disk() -> Iterator[Path]:
    with disk(_WHOLE) as folder:
        yield folder


@pytest.fixture
def cramped(whole_disk: Path) -> Iterator[Cluster]:
    """A PostgreSQL that has everything on one small disk, the log of its changes, too.

    Nothing of the log is taken again while it runs, so that its room has an end; and what ends for
    want of it is started by nobody but the test.
    """
    folder = binaries()
    assert folder is not None
    wal: dict[str, Any] = {"min_wal_size": "32MB", "max_wal_size": "1GB"}
    made = Cluster(folder, where=whole_disk, **wal, restart_after_crash="off").start()
    yield made
    made.remove()


def test_R14_a_database_that_ends_for_want_of_room_has_lost_nothing(
    tmp_path: Path, running: Callable[[Troth], Troth], cramped: Cluster, whole_disk: Path
) -> None:
    """Without room for its log PostgreSQL ends, and is started again once there is some."""
    troth = running(Troth(tmp_path, workers="2", **LIVES, database=cramped.database()))
    history, ballast, healed = History(), whole_disk / "ballast", []
    everyone = Everyone(troth)
    codes, longest = short_or_long(6, 25), short_or_long(60, 5000)
    them = applications(troth, history, number=8, codes=codes, longest=longest)
    with at_work(them):
        for _ in range(short_or_long(1, 20)):
            until(partial(_without_room, cramped, ballast), 60, "the log still finds room")
            everyone.all_are_told_to_come_again()
            ballast.unlink()
            known = history.known
            began = time.monotonic()
            cramped.start()
            until(partial(_healed, history, known), _HEALED, "it does not heal")
            healed.append(time.monotonic() - began)
        everyone.until_back(_HEALED)
    everyone.close()
    assert problems(history.calls) == []
    assert is_whole(troth)
    note(
        "R14 full disk, PostgreSQL's log of changes",
        ends=len(healed),
        calls=len(history.calls),
        unknown=history.unknown,
        broken_promises=0,
        healed_p99_seconds=round(percentile(healed, 0.99), 2),
    )
    assert troth.stop() == 0


def _without_room(cluster: Cluster, ballast: Path) -> bool:
    with contextlib.suppress(OSError, asyncpg.PostgresError):
        asyncio.run(_crowd(cluster, ballast))
    return cluster.ended


async def _crowd(cluster: Cluster, ballast: Path) -> None:
    """Fill the disk, and then the log, until the database ends."""
    connection = await asyncpg.connect(cluster.address("postgres"))  # that takes some room, too
    try:
        fill(ballast)
        while True:
            await connection.execute(
                "select pg_logical_emit_message(true, '', repeat('x', 1000000))"
            )
    finally:
        connection.terminate()
