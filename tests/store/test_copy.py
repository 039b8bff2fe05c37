"""An installation that moves to another database takes everything along, or nothing."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.harness import Browser, Troth
from tests.postgres import Cluster
from troth.store import sqlite_schema
from troth.store.copy import TABLES


def contents(troth: Troth) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that goes along."""
    return {t.name: sorted(map(tuple, troth.rows(t.read("1"))), key=repr) for t in TABLES}


@pytest.mark.parametrize("way", ["to PostgreSQL", "back to SQLite"])
def test_what_was_issued_before_goes_on_after_the_move(
    tmp_path: Path, cluster: Cluster, way: str
) -> None:
    postgres, sqlite = cluster.database(), f"sqlite://{tmp_path}/troth.db"
    source, target = (sqlite, postgres) if way == "to PostgreSQL" else (postgres, sqlite)
    troth = installed(Troth(tmp_path, database=source))
    client, person = troth.client(), troth.person()
    browser = Browser(troth)
    kept, revoked = client.tokens(person, browser), client.tokens(person, browser)
    client.revoke(revoked["refresh_token"])
    stored = "insert into stored_code (code_id, sealed, expires_at) values (?, ?, ?)"
    troth.execute(stored, b"canary", "sealed", 1)
    owed = "insert into delivery values (?, 'client', 'sub', 'session', ?, 3, ?)"
    troth.execute(owed, b"canary", 2**40, 2**40)
    once = client.code(person, browser)
    assert client.redeem(once).status_code == 200
    troth.client("--auth-method", "none")
    stranger = Browser(troth)
    stranger.sign_in(stranger.get("/login"), replace(person, password="canary of a stranger"))
    troth.stop()
    before = contents(troth)
    assert [table for table, rows in before.items() if not rows] == []
    troth.environment["TROTH_DATABASE"] = target
    troth.cli("migrate", "up")
    told = troth.cli("copy", "--from", source, "--to", target)
    again = troth.run_cli("copy", "--from", source, "--to", target)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    troth.postgres = target == postgres
    assert contents(troth) == before
    assert told["rows"] == {table: len(rows) for table, rows in before.items()}
    troth.start()
    assert client.active(kept["access_token"])
    refreshed = client.refresh(kept["refresh_token"])
    assert refreshed.status_code == 200
    assert client.refresh(revoked["refresh_token"]).status_code == 400
    assert client.redeem(once).status_code == 400, "a code that was used stays used"
    assert browser.get("/account").status_code == 200, "and nobody has to log in again"
    assert troth.stop() == 0


def test_no_column_stays_behind(tmp_path: Path) -> None:
    path = tmp_path / "troth.db"
    sqlite_schema.up(path)
    with closing(sqlite3.connect(path)) as db:
        for table in TABLES:
            columns = {row[1] for row in db.execute(f'pragma table_info("{table.name}")')}
            given_anew = {"id"} if table.name == "audit" else set()
            assert columns - given_anew == set(table.columns), table.name


def test_a_target_that_was_not_migrated_and_a_wrong_master_key_are_refused(
    tmp_path: Path, cluster: Cluster
) -> None:
    troth = installed(Troth(tmp_path))
    troth.stop()
    source, target = troth.environment["TROTH_DATABASE"], cluster.database()
    refused = troth.run_cli("copy", "--from", source, "--to", target)
    assert (refused.returncode, "troth migrate up" in refused.stderr) == (1, True)
    same = troth.run_cli("copy", "--from", source, "--to", source)
    assert (same.returncode, "the same database" in same.stderr) == (1, True)
    missing = troth.run_cli("copy", "--from", source + "x", "--to", target)
    assert (missing.returncode, "there is no file" in missing.stderr) == (1, True)
    other = tmp_path / "other"
    other.mkdir()
    stranger = Troth(other, database=target)
    wrong = stranger.run_cli("copy", "--from", source, "--to", target)
    assert (wrong.returncode, "master key" in wrong.stderr) == (1, True)
    arrived = {table for table, rows in contents(stranger).items() if rows}
    assert arrived == {"scope"}, "nothing was copied: these were there before"
    troth.cli("copy", "--from", source, "--to", target)


def test_a_password_in_an_address_is_not_printed(tmp_path: Path, cluster: Cluster) -> None:
    troth = Troth(tmp_path)
    troth.cli("migrate", "up")
    source = troth.environment["TROTH_DATABASE"]
    address = cluster.database().replace("troth@", "troth:canary@", 1)
    nowhere = "postgresql://troth:canary@127.0.0.1:1/troth"
    for target in (address, nowhere):
        for ends in ((source, target), (target, source)):
            refused = troth.run_cli("copy", "--from", ends[0], "--to", ends[1])
            assert refused.returncode == 1
            assert "canary" not in refused.stdout + refused.stderr
