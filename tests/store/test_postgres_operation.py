"""PostgreSQL as operators run it: roles, TLS, PgBouncer, and a schema that is looked at first."""

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import httpx2
import pytest
import trustme

from tests.availability import PGBOUNCER
from tests.conftest import installed
from tests.harness import Browser, Troth, free_port
from tests.postgres import Cluster
from tests.store.outdated import PROMISED, command, outdated
from troth import housekeeping


def sql(troth: Troth, statement: str) -> list[tuple[object, ...]]:
    return troth.rows(statement)


def whole_story(troth: Troth) -> None:
    """Log in, consent, redeem, refresh, revoke."""
    client, person = troth.client(), troth.person()
    tokens = client.tokens(person, Browser(troth))
    newer = client.refresh(tokens["refresh_token"]).json()
    assert client.active(newer["access_token"])
    assert client.revoke(newer["refresh_token"]).status_code == 200
    assert not client.active(newer["access_token"])


def test_migrate_plan_tells_and_changes_nothing(tmp_path: Path, cluster: Cluster) -> None:
    troth = Troth(tmp_path)
    for address in (cluster.database(), f"sqlite://{tmp_path}/plan.db"):
        troth.environment["TROTH_DATABASE"] = address
        for _ in range(2):
            planned = troth.cli("migrate", "plan")["pending"]
            assert (planned[0]["number"], planned[0]["name"]) == (1, "expand_foundation")
            numbers = [migration["number"] for migration in planned]
        assert "0001  expand" in troth.run_cli("migrate", "plan").stdout
        assert troth.cli("migrate", "up") == {"applied": numbers}
        assert troth.cli("migrate", "plan") == {"pending": []}
        assert "nothing is pending" in troth.run_cli("migrate", "plan").stdout


def test_a_server_refuses_a_schema_that_is_not_its_own_and_says_what_to_do(
    tmp_path: Path, cluster: Cluster
) -> None:
    troth = Troth(tmp_path)
    troth.environment["TROTH_DATABASE"] = cluster.database()
    troth.postgres = True
    missing = troth.run_cli("serve")
    assert (missing.returncode, "run troth migrate up" in missing.stderr) == (1, True)
    troth.cli("migrate", "up")
    troth.execute("insert into migration values (9999, 'expand_later', 'x')")
    newer = troth.run_cli("serve")
    assert (newer.returncode, "newer Troth" in newer.stderr) == (1, True)


def test_a_role_without_rights_to_the_schema_serves(tmp_path: Path, cluster: Cluster) -> None:
    owner = Troth(tmp_path, database=cluster.database())
    owner.execute("create role serving login")
    owner.cli("migrate", "up", "--grant-to", "serving")
    serving = Troth(tmp_path)
    address = owner.environment["TROTH_DATABASE"].replace("troth@", "serving@")
    serving.environment["TROTH_DATABASE"] = address
    serving.postgres = True
    installed(serving)
    whole_story(serving)
    for statement in ("alter table chain add x text", "drop table chain", "create table x ()",
                      "delete from migration", "truncate chain"):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            serving.execute(statement)
    owner.execute("create table of_a_later_version (x bigserial)")
    serving.execute("insert into of_a_later_version default values")
    kinds = [name for name, _ in housekeeping._MARGINS]
    assert "spent" in kinds
    serving.execute("select troth_empty_spent(0)")
    assert serving.stop() == 0
    no_role = owner.run_cli("migrate", "up", "--grant-to", "nobody_there")
    assert (no_role.returncode, "nobody_there" in no_role.stderr) == (1, True)
    on_sqlite = Troth(tmp_path).run_cli("migrate", "up", "--grant-to", "x")
    assert (on_sqlite.returncode, "SQLite" in on_sqlite.stderr) == (1, True)


def test_after_a_restore_to_an_earlier_time_everything_can_be_ended(
    tmp_path: Path, cluster: Cluster
) -> None:
    troth = installed(Troth(tmp_path, database=cluster.database()))
    client, person = troth.client(), troth.person()
    browser = Browser(troth)
    tokens = client.tokens(person, browser)
    assert troth.run_cli("end-everything").returncode == 1, "not without being asked"
    assert client.active(tokens["access_token"])
    assert troth.cli("end-everything", "--yes") == {"ended": True}
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    assert not client.active(tokens["access_token"])
    assert browser.get("/account").status_code == 303
    assert troth.stop() == 0


@dataclass(frozen=True, slots=True)
class Bouncer:
    """A real PgBouncer with two connections to give, for one transaction each."""

    port: int
    authority: Path

    def address(self, database: str, host: str = "127.0.0.1") -> str:
        name = database.partition("@/")[2].partition("?")[0]
        return f"postgresql://troth@{host}:{self.port}/{name}"


@pytest.fixture
def bouncer(cluster: Cluster) -> Iterator[Bouncer]:
    assert PGBOUNCER is not None
    port = free_port()
    folder = cluster.folder / f"bouncer{port}"  # both run as somebody without rights
    folder.mkdir()
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    (folder / "server.pem").write_bytes(chain + certificate.private_key_pem.bytes())
    (folder / "users.txt").write_text('"troth" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={cluster.folder}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users.txt\n"
        f"client_tls_sslmode = allow\nclient_tls_cert_file = {folder}/server.pem\n"
        f"client_tls_key_file = {folder}/server.pem\n"
        "pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 200\n"
    )
    process = subprocess.Popen(
        [PGBOUNCER, "-q", str(folder / "pgbouncer.ini")],
        user=cluster.user,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "PgBouncer does not start"
            time.sleep(0.02)
    yield Bouncer(port, folder / "ca.pem")
    process.terminate()
    process.communicate(timeout=20)


@pytest.mark.pgbouncer
def test_behind_pgbouncer_everything_works_and_changes_are_seen_within_a_second(
    tmp_path: Path, cluster: Cluster, bouncer: Bouncer
) -> None:
    database = cluster.database()
    troth = Troth(tmp_path, database=database, workers="2", database_pooler="transaction")
    troth.environment["TROTH_DATABASE"] = bouncer.address(database)
    installed(troth)
    whole_story(troth)
    client = troth.client("--grant-type", "client_credentials", name="Canary Machine")
    form = {"grant_type": "client_credentials", "scope": "read_write", **client.credentials()}
    assert all(client.post("/oauth/token", form).status_code == 200 for _ in range(10))
    keys = httpx2.get(f"{troth.issuer}/oauth/jwks", trust_env=False).json()
    for words, known in (
        (
            ("client", "disable", client.client_id),
            lambda http: http.post("/oauth/token", data=form).status_code in (401, 429),
        ),
        (("keys", "rotate"), lambda http: http.get("/oauth/jwks").json() != keys),
    ):
        assert outdated(troth, partial(command, troth, *words), known) <= PROMISED
    assert troth.stop() == 0


@pytest.mark.pgbouncer
def test_over_tls_the_database_must_be_who_it_says(
    tmp_path: Path, cluster: Cluster, bouncer: Bouncer
) -> None:
    """PgBouncer ends the TLS here, as it does where it stands before PostgreSQL."""
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "stranger.pem"))
    address = bouncer.address(cluster.database(), "localhost")
    troth = Troth(tmp_path, database_pooler="transaction")
    for host, root in (
        ("127.0.0.1", bouncer.authority),
        ("localhost", tmp_path / "stranger.pem"),
    ):
        there = address.replace("localhost", host)
        troth.environment["TROTH_DATABASE"] = f"{there}?sslmode=verify-full&sslrootcert={root}"
        refused = troth.run_cli("migrate", "up")
        assert (refused.returncode, "certificate verify failed" in refused.stderr) == (1, True)
    verified = f"{address}?sslmode=verify-full&sslrootcert={bouncer.authority}"
    troth.environment["TROTH_DATABASE"] = verified
    troth.postgres = True
    troth.cli("migrate", "up")
    installed(troth)
    whole_story(troth)
    assert troth.stop() == 0
