"""An installation that moves to another database takes everything along, or nothing."""

from pathlib import Path

import pytest

from tests.conftest import installed
from tests.harness import Browser, Troth
from tests.postgres import Cluster


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
    once = client.code(person, browser)
    assert client.redeem(once).status_code == 200
    troth.stop()
    before = {table: troth.rows(f'select count(*) from "{table}"') for table in ("chain", "key")}
    troth.environment["TROTH_DATABASE"] = target
    troth.cli("migrate", "up")
    told = troth.cli("copy", "--from", source, "--to", target)
    again = troth.run_cli("copy", "--from", source, "--to", target)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    troth.postgres = target == postgres
    assert {t: [(told["rows"][t],)] for t in before} == before
    troth.start()
    assert client.active(kept["access_token"])
    refreshed = client.refresh(kept["refresh_token"])
    assert refreshed.status_code == 200
    assert client.refresh(revoked["refresh_token"]).status_code == 400
    assert client.redeem(once).status_code == 400, "a code that was used stays used"
    assert browser.get("/account").status_code == 200, "and nobody has to log in again"
    assert troth.stop() == 0


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
    other = tmp_path / "other"
    other.mkdir()
    stranger = Troth(other, database=target)
    wrong = stranger.run_cli("copy", "--from", source, "--to", target)
    assert (wrong.returncode, "master key" in wrong.stderr) == (1, True)
