"""PostgreSQL's schema: all or nothing, whoever is killed; once, however many make it."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.harness import Troth
from tests.postgres import Cluster, binaries
from tests.store.conftest import Database, postgres
from troth.store import migrate
from troth.store.open import migrated

SHAPE = """select table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable
  || coalesce(' ' || column_default, '') from information_schema.columns
  where table_schema = 'public'
union all select indexdef from pg_indexes where schemaname = 'public'
union all select proname || ' ' || prosrc from pg_proc where pronamespace = 'public'::regnamespace
order by 1"""
OF_IT = "select relname from pg_class where relnamespace = 'public'::regnamespace"
# Who waits for a table of somebody else, and who for the lock of those who migrate.
WAITING = "select locktype, pid from pg_locks where not granted order by locktype"

NUMBERS = "select number, name, checksum from migration order by number"
MIGRATES = "select pid from pg_locks where locktype = 'advisory'"
ALL = [migration.number for migration in migrate.available("postgres")]


@pytest.fixture(scope="module")
def to_kill() -> Iterator[Cluster]:
    folder = binaries()
    assert folder is not None
    made = Cluster(folder).start()
    yield made
    made.remove()


@contextlib.asynccontextmanager
async def halted(database: Database, table: str) -> AsyncIterator[asyncpg.Connection]:
    """Whoever makes a table of this name in the meantime waits there."""
    holding = await asyncpg.connect(database.settings.database)
    transaction = holding.transaction()
    await transaction.start()
    await holding.execute(f"create table {table} ()")
    yield holding
    if not holding.is_closed():
        await transaction.rollback()
        await holding.close()


def migrating(folder: Path, database: Database) -> "subprocess.Popen[str]":
    folder.mkdir()
    troth = Troth(folder)
    return subprocess.Popen(
        [sys.executable, "-m", "troth", "migrate", "up", "--json"],
        env={**troth.environment, "TROTH_DATABASE": database.settings.database},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def waiting(holding: asyncpg.Connection, *kinds: str) -> list[int]:
    """The processes of the database that wait for such locks, once there are all of them."""
    async with asyncio.timeout(60):
        while True:
            found = await holding.fetch(WAITING)
            if [kind for kind, _ in found] == list(kinds):
                return [pid for _, pid in found]
            await asyncio.sleep(0.01)


async def given_up(database: Database) -> None:
    """Nobody migrates any more: the server notices a moment later that a command is gone."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(asyncpg.CannotConnectNowError):
                if not database.rows(MIGRATES):
                    return
            await asyncio.sleep(0.01)


async def whole(database: Database, cluster: Cluster) -> None:
    """The schema is what one undisturbed run makes."""
    like = postgres(await asyncio.to_thread(cluster.database))
    await migrated(like.settings)
    assert database.rows(SHAPE) == like.rows(SHAPE)
    assert database.rows(NUMBERS) == like.rows(NUMBERS)


@pytest.mark.parametrize(
    ("killed", "table"),
    [
        ("command", "revision"),
        ("command", "delivery"),
        ("its server", "chain"),
        ("database", "delivery"),
    ],
)
async def test_ST_09_FT_04_a_migration_that_is_killed_on_postgres_leaves_nothing(
    tmp_path: Path, to_kill: Cluster, killed: str, table: str
) -> None:
    """At its beginning, in the middle, and at its end."""
    database = postgres(await asyncio.to_thread(to_kill.database))
    async with halted(database, table) as holding:
        command = migrating(tmp_path / "killed", database)
        (pid,) = await waiting(holding, "transactionid")
        if killed == "command":
            command.kill()
        elif killed == "its server":
            await holding.execute("select pg_terminate_backend($1)", pid)
        else:
            to_kill.kill()
            holding.terminate()
            await asyncio.to_thread(to_kill.start)
    _, said = await asyncio.to_thread(command.communicate)
    assert command.returncode != 0
    assert killed == "command" or len(said.splitlines()) == 1, said
    await given_up(database)
    assert database.rows(OF_IT) == []
    assert await migrated(database.settings) == ALL
    await whole(database, to_kill)


async def test_ST_09_two_hosts_that_migrate_at_once_make_one_schema(
    tmp_path: Path, to_kill: Cluster
) -> None:
    database = postgres(await asyncio.to_thread(to_kill.database))
    async with halted(database, "delivery") as holding:
        commands = [migrating(tmp_path / host, database) for host in ("one", "two")]
        await waiting(holding, "advisory", "transactionid")
    said = [await asyncio.to_thread(command.communicate) for command in commands]
    assert [command.returncode for command in commands] == [0, 0], said
    applied = sorted(json.loads(out)["applied"] for out, _ in said)
    assert applied == [[], ALL], "one of them did it, and the other says so"
    await whole(database, to_kill)
