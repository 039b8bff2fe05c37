"""TLS straight to PostgreSQL: the database must be who it says, and nobody reads the password."""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.availability import POSTGRES_TLS
from tests.harness import Troth, free_port
from tests.postgres import Cluster
from tests.store.test_postgres_operation import whole_story

PASSWORD = "canary-database-password"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A database that is reached over TLS by a password only; its certificate says `localhost`."""

    database: str
    port: int
    authority: Path

    def address(self, host: str, mode: str, root: Path | None = None) -> str:
        head = f"postgresql://serving:{PASSWORD}@{host}:{self.port}/{self.database}"
        return f"{head}?sslmode={mode}" + (f"&sslrootcert={root}" if root else "")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    assert POSTGRES_TLS is not None
    folder, port = tmp_path_factory.mktemp("authority"), free_port()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    cluster = Cluster(
        POSTGRES_TLS,
        careless=True,
        listen_addresses="127.0.0.1",
        port=port,
        ssl="on",
        ssl_cert_file="server.pem",
        ssl_key_file="server.pem",
    )
    certificate = authority.issue_cert("localhost")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    pem = cluster.folder / "data" / "server.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(certificate.private_key_pem.bytes() + chain)
    if cluster.user is not None:
        os.chown(pem, cluster.user, -1)
    lines = "local all troth trust\nhostssl all serving 127.0.0.1/32 scram-sha-256\n"
    (cluster.folder / "data" / "pg_hba.conf").write_text(lines)
    cluster.start()
    database = cluster.database().partition("@/")[2].partition("?")[0]
    for sql in (
        f"create role serving login password '{PASSWORD}'",
        f"alter database {database} owner to serving",
    ):
        asyncio.run(cluster.ask(sql))
    yield Sealed(database, port, folder / "ca.pem")
    cluster.remove()


@pytest.mark.postgres_tls
def test_to_a_database_that_proves_who_it_is_a_server_connects(
    tmp_path: Path, running: Callable[[Troth], Troth], sealed: Sealed
) -> None:
    verified = sealed.address("localhost", "verify-full", sealed.authority)
    troth = running(Troth(tmp_path, database=verified))
    whole_story(troth)
    assert troth.stop() == 0
    assert PASSWORD not in troth.log()


@pytest.mark.postgres_tls
@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("localhost", "unable to get local issuer certificate"),
        ("127.0.0.1", "IP address mismatch"),
    ],
)
def test_a_database_that_does_not_is_refused_and_learns_no_password(
    tmp_path: Path, sealed: Sealed, host: str, why: str
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "stranger.pem"))
    root = tmp_path / "stranger.pem" if host == "localhost" else sealed.authority
    troth = Troth(tmp_path)
    troth.environment["TROTH_DATABASE"] = sealed.address(host, "verify-full", root)
    for words in (("migrate", "up"), ("serve",), ("user", "list")):
        refused = troth.run_cli(*words)
        said = refused.stdout + refused.stderr
        assert (refused.returncode, "certificate verify failed" in said) == (1, True), said
        assert why in said
        assert PASSWORD not in said
        assert len(refused.stderr.splitlines()) == 1, "one sentence"
    assert "no pg_hba.conf entry" in in_the_clear(troth, sealed), "nor is it asked without TLS"


def in_the_clear(troth: Troth, sealed: Sealed) -> str:
    troth.environment["TROTH_DATABASE"] = sealed.address("localhost", "disable")
    return troth.run_cli("migrate", "up").stderr
