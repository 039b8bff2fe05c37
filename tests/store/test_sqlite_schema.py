"""Looking at a schema changes nothing, and another program's file is never touched (SQLite)."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness import Troth
from troth.store import migrate

LOOK = (("migrate", "status"), ("migrate", "plan"))
ALL = (*LOOK, ("migrate", "up"), ("user", "list"), ("serve",))
NUMBERS = [migration.number for migration in migrate.available("sqlite")]


def files(folder: Path) -> dict[str, bytes]:
    found = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found}


def pending(troth: Troth) -> list[int]:
    """As both commands tell it."""
    status = troth.cli("migrate", "status")["migrations"]
    told = [entry["number"] for entry in status if not entry["applied"]]
    assert [entry["number"] for entry in troth.cli("migrate", "plan")["pending"]] == told
    return told


@pytest.mark.parametrize("kind", ["no folder", "no file", "empty file", "no tables"])
def test_where_there_is_nothing_yet_all_is_pending_and_nothing_is_made(
    tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "new" if kind == "no folder" else tmp_path
    troth = Troth(tmp_path, database=f"sqlite://{folder}/new.db")
    if kind == "empty file":
        (folder / "new.db").touch(0o600)
    elif kind == "no tables":
        with closing(sqlite3.connect(folder / "new.db")) as db:
            db.execute("vacuum")
        (folder / "new.db").chmod(0o600)
    before = files(tmp_path)
    assert pending(troth) == NUMBERS
    assert files(tmp_path) == before
    assert folder.exists() is (kind != "no folder")
    assert troth.cli("migrate", "up")["applied"] == NUMBERS
    assert pending(troth) == []


def test_a_schema_that_is_behind_is_only_looked_at(tmp_path: Path) -> None:
    """Also in the journal mode that another tool has left it in."""
    troth = Troth(tmp_path)
    troth.cli("migrate", "up")
    with closing(sqlite3.connect(troth.database)) as db, db:
        db.execute("delete from migration where number = ?", (NUMBERS[-1],))
    with closing(sqlite3.connect(troth.database)) as db:
        db.execute("pragma journal_mode = delete")
    before = files(tmp_path)
    assert pending(troth) == NUMBERS[-1:]
    assert files(tmp_path) == before


def test_a_running_installation_is_looked_at(tmp_path: Path) -> None:
    troth = Troth(tmp_path).start()
    assert pending(troth) == []
    assert troth.stop() == 0
    before = troth.database.read_bytes()
    assert pending(troth) == []
    assert troth.database.read_bytes() == before


FOREIGN = {
    "tables": "create table canary (a integer)",
    "a table of that name": "create table migration (id integer primary key, app text)",
    "what an old look left": f"create table canary (a integer); {migrate.TABLE}",
    "write-ahead log": "pragma journal_mode = wal; create table canary (a integer)",
}


@pytest.mark.parametrize("words", ALL, ids=" ".join)
@pytest.mark.parametrize("kind", FOREIGN)
def test_another_programs_database_is_refused_and_left_as_it_is(
    tmp_path: Path, kind: str, words: tuple[str, ...]
) -> None:
    troth = Troth(tmp_path)
    with closing(sqlite3.connect(troth.database)) as db:
        db.executescript(FOREIGN[kind])
    troth.database.chmod(0o600)
    before = troth.database.read_bytes()
    done = troth.run_cli(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert f"{troth.database} is another program's" in done.stderr
    assert troth.database.read_bytes() == before


@pytest.mark.parametrize("words", LOOK, ids=" ".join)
def test_what_is_no_database_is_refused_and_left_as_it_is(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    troth = Troth(tmp_path)
    troth.database.write_bytes(b"a letter to canary\n" * 100)
    before = files(tmp_path)
    done = troth.run_cli(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{troth.database} cannot be used: file is not a database" in done.stderr
    assert files(tmp_path) == before
