"""A change whose answer from PostgreSQL was lost: found again, never done or noted twice."""

import asyncio
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.faults.proxy import COMMITTED, Proxy
from tests.postgres import Cluster
from tests.store.conftest import Database, postgres
from tests.store.nouns import NOW, Grant, redeemed, rotate, standing, state
from troth.model.change import AuditEvent, Change, Done, Redeem, Revoke, Rotate, Verb
from troth.settings import Settings
from troth.store import Store
from troth.store.open import migrated, open_store

MANY = 8
EVENT = AuditEvent(event="canary.done", outcome="ok")
NOTED = "select request_id from audit where event = 'canary.done'"
WAITING = "select pid from pg_locks where not granted"


@pytest.fixture
async def database(cluster: Cluster) -> Database:
    made = postgres(await asyncio.to_thread(cluster.database))
    await migrated(made.settings)
    return made


@pytest.fixture
async def store(database: Database, proxy: Proxy) -> AsyncIterator[Store]:
    """One that reaches its database through the proxy."""
    store = await open_store(Settings(database=proxy.address(database.settings.database)))
    yield store
    await store.close()


async def verbs(kind: str, store: Store, grant: Grant, number: int) -> list[Verb]:
    """Changes of one kind, each of a chain of its own."""
    if kind == "redeem":
        return [grant.redeem() for _ in range(number)]
    chains = [await redeemed(store, grant) for _ in range(number)]
    if kind == "rotate":
        return [rotate(chain_id) for chain_id in chains]
    return [Revoke(kind="chain", key=chain_id, at=NOW) for chain_id in chains]


async def stands_once(store: Store, verb: Verb) -> None:
    """The chain is where the verb, done once, has left it."""
    expected: tuple[int, int | None] = (1, None)
    match verb:
        case Redeem(chain=begun):
            chain_id = begun.chain_id
        case Rotate(chain_id=chain_id):
            expected = (2, None)
        case Revoke(key=bytes(chain_id)):
            expected = (1, NOW)
        case _:
            raise AssertionError(verb)
    chain = (await state(store, chain_id)).chain
    assert (chain.generation, chain.revoked_at) == expected


@pytest.mark.parametrize("cuts", [1, 2])
@pytest.mark.parametrize("number", [1, MANY])
@pytest.mark.parametrize("kind", ["redeem", "rotate", "revoke"])
async def test_FT_08_what_was_committed_unheard_is_done_and_noted_once(
    store: Store, database: Database, proxy: Proxy, kind: str, number: int, cuts: int
) -> None:
    grant = await standing(store)
    asked = await verbs(kind, store, grant, number)
    proxy.worst = re.compile(rb"SELECT %d\0" % number) if cuts == 1 else COMMITTED
    proxy.most_cuts, proxy.mode = cuts, "cut at commit"
    changes = [Change(verbs=(verb,), audit=(EVENT,)) for verb in asked]
    outcomes = await asyncio.gather(
        *(store.commit(change, request_id=f"{n}") for n, change in enumerate(changes))
    )
    assert proxy.cuts == cuts, "nothing was cut: the test saw nothing"
    assert outcomes == [Done()] * len(asked)
    assert sorted(database.rows(NOTED)) == [(f"{n}",) for n in range(len(asked))]
    for verb in asked:
        await stands_once(store, verb)


@pytest.mark.parametrize("end", ["cut", "killed"])
@pytest.mark.parametrize("kind", ["rotate", "revoke"])
async def test_FT_08_what_waited_for_its_row_is_done_and_noted_once(
    store: Store, database: Database, proxy: Proxy, kind: str, end: str
) -> None:
    """Its commit is not heard of, or its server is ended before it could do anything."""
    grant = await standing(store)
    (verb,) = await verbs(kind, store, grant, 1)
    other = await asyncpg.connect(database.settings.database)
    holding = other.transaction()
    await holding.start()
    await other.execute("select 1 from chain for update")
    change = asyncio.create_task(store.commit(Change(verbs=(verb,), audit=(EVENT,))))
    pid = await waits(other)
    proxy.most_cuts, proxy.mode = 1, "cut at commit" if end == "cut" else "open"
    if end == "killed":
        await other.execute("select pg_terminate_backend($1)", pid)
        assert await waits(other, not_the=pid) != pid, "it is tried again"
    await holding.rollback()
    await other.close()
    assert await change == Done()
    assert proxy.cuts == (1 if end == "cut" else 0)
    assert database.rows(NOTED) == [("",)]
    await stands_once(store, verb)


async def waits(other: asyncpg.Connection, not_the: int = 0) -> int:
    """The process of the database that waits for a lock."""
    async with asyncio.timeout(20):
        while True:
            found = await other.fetchval(WAITING)
            if found not in (None, not_the):
                return int(found)
            await asyncio.sleep(0.01)
