"""The schema: made once however many start together, and never touched where it is not ours."""

import asyncio
import multiprocessing
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Troth
from tests.store.conftest import Database
from troth.settings import Settings
from troth.store import migrate, sqlite_schema
from troth.store.open import migrated, migrations, open_store

_SPAWN = multiprocessing.get_context("spawn")


def shape(path: Path) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(
            "select type, name, sql from sqlite_master order by 1, 2"
        ).fetchall()
    finally:
        connection.close()


async def test_a_fresh_database_has_every_migration_once(database: Database) -> None:
    known = await migrations(database.settings)
    assert known
    assert all(applied for _, applied in known)
    before = database.rows("select number, name, checksum from migration order by number")
    assert [row[0] for row in before] == [migration.number for migration, _ in known]
    for _ in range(3):
        await migrated(database.settings)
    after = database.rows("select number, name, checksum from migration order by number")
    assert after == before


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_migrations_are_numbered_without_a_gap_and_marked(dialect: str) -> None:
    found = migrate.available(dialect)
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    assert all(m.name.startswith(("expand_", "contract_")) for m in found)


def test_status_tells_pending_from_applied(tmp_path: Path) -> None:
    troth = Troth(tmp_path)
    pending = troth.cli("migrate", "status")["migrations"]
    assert {entry["applied"] for entry in pending} == {False}
    applied = troth.cli("migrate", "up")["applied"]
    assert applied == [entry["number"] for entry in pending]
    assert {e["applied"] for e in troth.cli("migrate", "status")["migrations"]} == {True}
    assert troth.cli("migrate", "up") == {"applied": []}


def _start(each: Sequence[Settings], gate: Barrier, results: Any) -> None:
    for settings in each:
        gate.wait(120)
        try:
            asyncio.run(_open(settings))
        except BaseException as error:
            results.put(f"{type(error).__name__}: {error}")
        else:
            results.put("open")


async def _open(settings: Settings) -> None:
    store = await open_store(settings)
    await store.fresh()
    await store.close()


def test_ST_09_processes_that_start_together_make_one_schema(tmp_path: Path) -> None:
    each = [Settings(database=f"sqlite://{tmp_path}/{number}/troth.db") for number in range(5)]
    gate, results = _SPAWN.Barrier(6), _SPAWN.Queue()
    started = [_SPAWN.Process(target=_start, args=(each, gate, results)) for _ in range(6)]
    for process in started:
        process.start()
    assert [results.get(timeout=120) for _ in started for _ in each] == ["open"] * 6 * 5
    for process in started:
        process.join(120)


def test_ST_09_FT_04_a_migration_that_is_killed_leaves_all_or_nothing(tmp_path: Path) -> None:
    whole = tmp_path / "whole.db"
    sqlite_schema.up(whole)
    command = (
        "import sys; from pathlib import Path; from troth.store import sqlite_schema; "
        "print('go', flush=True); sqlite_schema.up(Path(sys.argv[1]))"
    )
    for number in range(8):
        path = tmp_path / f"{number}.db"
        process = subprocess.Popen(
            [sys.executable, "-c", command, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        time.sleep(number * 0.0008)  # a different place each time; which one is all the same
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()
        for suffix in ("", "-wal", "-shm", "-journal"):
            left = path.with_name(path.name + suffix)
            if left.exists():
                shutil.copy(left, tmp_path / f"copy{suffix}")
        copy = tmp_path / "copy"
        if copy.exists():
            tables = {row[1] for row in shape(copy)} - {"migration"}
            assert tables in (set(), {row[1] for row in shape(whole)} - {"migration"})
        sqlite_schema.up(path)
        assert shape(path) == shape(whole)
        for file in tmp_path.glob("copy*"):
            file.unlink()


async def test_ST_09_a_migration_that_fails_leaves_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "troth.db"
    sqlite_schema.up(path)
    before = shape(path)
    known = migrate.available("sqlite")
    broken = migrate.Migration(
        number=known[-1].number + 1,
        name="expand_canary",
        checksum="x",
        sql="create table canary (a integer); insert into nowhere values (1);",
    )
    monkeypatch.setattr(migrate, "available", lambda _: [*known, broken])
    with pytest.raises(Exception, match="nowhere"):
        sqlite_schema.up(path)
    assert shape(path) == before
    assert broken.number not in sqlite_schema.applied(path)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("insert into migration values (9999, 'expand_future', 'x')", "newer Troth"),
        ("update migration set checksum = 'x' where number = 1", "migration 1"),
    ],
)
def test_ST_09_a_schema_of_another_version_is_refused_and_left_alone(
    tmp_path: Path, change: str, word: str
) -> None:
    troth = Troth(tmp_path)
    troth.person()
    troth.execute(change)
    before = troth.digest()
    for words in (("serve",), ("user", "list"), ("migrate", "up"), ("migrate", "status")):
        done = troth.run_cli(*words)
        assert done.returncode == 1, words
        assert word in done.stderr
        assert done.stderr.startswith("troth: ")
        assert len(done.stderr.splitlines()) == 1, done.stderr
    assert troth.digest() == before
