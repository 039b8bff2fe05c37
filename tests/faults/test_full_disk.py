"""A disk that is full is a 503 for what is written, loses nothing, and heals by itself (R14)."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import httpx2
import pytest

from tests.conftest import installed
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.figures import note, percentile, short_or_long
from tests.faults.history import History, problems
from tests.faults.waiting import until
from tests.faults.whole import is_whole
from tests.harness import Troth
from tests.postgres import Cluster

_MEGABYTES = 24
_HEALED = short_or_long(60.0, 5.0)  # seconds


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, of a few megabytes, where PostgreSQL's user comes too."""
    folder = Path(tempfile.mkdtemp(prefix="troth-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m,mode=777", "tmpfs", str(folder)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True, check=False).returncode != 0
    ):
        folder.rmdir()
        pytest.skip("only root may mount: in tests/store SQLite's page limit stands for the disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


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
        ask(cluster, "drop database small")
        ask(cluster, "drop tablespace small")


def on_tablespace(cluster: Cluster, folder: Path) -> str:
    """A database whose tables are in the folder; the log of changes stays on the large disk."""
    place = folder / "tablespace"
    place.mkdir()
    if cluster.user is not None:
        os.chown(place, cluster.user, -1)
    ask(cluster, f"create tablespace small location '{place}'")
    ask(cluster, "create database small tablespace small")
    return f"postgresql://troth@/small?host={cluster.folder}"


def ask(cluster: Cluster, sql: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(f"postgresql://troth@/postgres?host={cluster.folder}")
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    asyncio.run(run())


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
