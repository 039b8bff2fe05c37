"""What is held in memory is dropped when another process changes it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest

from tests.store.conftest import Database
from tests.store.nouns import NOW, Grant, a_client, do, name, redeemed, rotate, state
from troth.log import Secret
from troth.model.change import AuditEvent, Done, Put, Remove, Revoke, Verb
from troth.model.client import RegisteredClient
from troth.model.person import Scope
from troth.signing import ring
from troth.signing.keys import KINDS, KeyRingError, StoredKey, Use, new_key
from troth.store import Store, StoreUnavailable
from troth.store.open import ensure_keys

Open = Callable[[], Awaitable[Store]]
Current = Callable[[], Awaitable[bool]]
MASTER = Secret(b"canary master key of 32 bytes!!!")
ROTATED = AuditEvent(event="key.rotated", outcome="ok", actor="operator", detail="a key")


async def test_CC_13_another_process_sees_a_change_at_its_next_request(
    store: Store, database: Database, opened: Open
) -> None:
    other = await opened()
    client = a_client()
    await do(store, Put(noun=client))
    for changed in (client, replace(client, disabled=True), replace(client, client_name="New")):
        await do(store, Put(noun=changed))
        await until(other, sees(other, client.client_id, changed), database)
        assert await other.client(client.client_id) == changed, "from memory, too"
    await do(store, Remove(kind="client", key=client.client_id))
    await until(other, sees(other, client.client_id, None), database)


def sees(store: Store, client_id: str, expected: RegisteredClient | None) -> Current:
    async def current() -> bool:
        return await store.client(client_id) == expected

    return current


async def test_scopes_and_keys_are_kept_current(
    store: Store, database: Database, opened: Open
) -> None:
    other = await opened()
    scope = Scope(name=name("scope"), description="x", required=False, default=True)
    await do(store, Put(noun=scope))
    key = new_key("sig", now=NOW, signs_from=NOW + 60, master=MASTER)
    await store.put_keys([key], ROTATED)
    if not database.settings.postgres:
        assert scope.name not in other.scopes, "until its next request"

    async def has(expected: StoredKey) -> bool:
        return other.keys == (expected,)

    await until(other, partial(has, key), database)
    assert other.scopes[scope.name] == scope
    ended = replace(key, ends_at=NOW)
    await store.put_keys([ended], ROTATED)
    await until(other, partial(has, ended), database)


async def until(store: Store, current: Current, database: Database) -> None:
    """At the next request of a process; with the database on a network a moment later.

    That it is a second at most is measured in tests/faults (AD-11).
    """
    await store.fresh()
    async with asyncio.timeout(20):
        while not await current():
            assert database.settings.postgres
            await asyncio.sleep(0.01)
            await store.fresh()


async def test_what_is_kept_is_not_read_again_while_nothing_changes(
    store: Store, database: Database, opened: Open
) -> None:
    scope = Scope(name=name("scope"), description="x")
    await do(store, Put(noun=scope))
    await store.fresh()
    before, keys = store.scopes, store.keys
    await store.fresh()
    assert store.scopes is before
    assert store.keys is keys, "so that the ring is not built again"


async def test_only_changes_of_the_catalog_move_the_revision(
    store: Store, database: Database, grant: Grant
) -> None:
    def revision() -> int:
        return int(database.rows("select value from revision")[0][0])

    before = revision()
    chain_id = await redeemed(store, grant)
    await do(store, rotate(chain_id))
    await do(store, Revoke(kind="chain", key=chain_id, at=NOW))
    await do(store, Put(noun=replace(grant.session, last_seen_at=NOW + 1)))
    assert revision() == before, "hot requests leave the others' memory alone"
    changes: tuple[Verb, ...] = (
        Put(noun=replace(grant.client, client_name="New")),
        Put(noun=Scope(name="s", description="x")),
        Put(noun=replace(grant.person, epoch=2), expect_epoch=1),
        Remove(kind="scope", key="s"),
    )
    for count, change in enumerate(changes, start=1):
        assert await do(store, change) == Done()
        assert revision() == before + count


async def test_CC_13_what_one_process_revoked_is_revoked_for_all(
    store: Store, grant: Grant, opened: Open
) -> None:
    other = await opened()
    chain_id = await redeemed(store, grant)
    assert (await state(other, chain_id)).stands
    await do(store, Revoke(kind="chain", key=chain_id, at=NOW))
    assert not (await state(other, chain_id)).stands
    assert await do(other, rotate(chain_id)) != Done()


async def test_a_key_is_stored_as_it_was_made(store: Store, database: Database) -> None:
    uses: tuple[Use, ...] = ("sig", "seal", "sig")
    made = [
        new_key(use, now=NOW + n, signs_from=NOW + n, master=MASTER) for n, use in enumerate(uses)
    ]
    await store.put_keys(made, ROTATED)
    await store.fresh()
    assert list(store.keys) == made
    (noted,) = database.rows("select event, actor, detail from audit")
    assert tuple(noted) == (ROTATED.event, ROTATED.actor, ROTATED.detail), "and not some time later"


async def made_by(store: Store) -> None:
    """Make the keys that are missing, however long the others make theirs."""
    while True:
        try:
            return await ensure_keys(store, MASTER)
        except StoreUnavailable:
            await asyncio.sleep(0.1)


async def test_CC_09_processes_that_start_at_once_agree_on_the_one_key_that_must_be_one(
    store: Store, database: Database, opened: Open
) -> None:
    others = [store, await opened(), await opened()]
    await asyncio.gather(*(made_by(other) for other in others))
    await store.fresh()
    rings = []
    for other in others:
        async with asyncio.timeout(10):
            while set(other.keys) != set(store.keys):
                await asyncio.sleep(0.01)
                await other.fresh()
        rings.append(ring.build(other.keys, MASTER, "https://login.example"))
    assert {key.kind for key in store.keys} == set(KINDS)
    assert len({made.pairwise_key for made in rings}) == 1
    assert len([key for key in store.keys if key.use == "pairwise"]) == 1
    assert len({made.sign_jwt({}, "RS256", None, NOW * 2).split(".")[0] for made in rings}) == 1
    before = database.rows('select kid, wrapped from "key" order by kid')
    late = new_key("pairwise", now=NOW, signs_from=NOW, master=MASTER)
    await store.add_keys([late])
    assert database.rows('select kid, wrapped from "key" order by kid') == before


async def test_ST_04_what_is_lacking_is_not_made_with_another_master_key(store: Store) -> None:
    kept = new_key("sig", now=NOW, signs_from=NOW, master=MASTER)
    await store.put_keys([kept], ROTATED)
    with pytest.raises(KeyRingError):
        await ensure_keys(store, Secret(b"another master key of 32 bytes!!"))
    await store.fresh()
    assert store.keys == (kept,)
    await ensure_keys(store, MASTER)
    assert kept in store.keys
    assert {key.kind for key in store.keys} == set(KINDS)


async def test_ST_12_ending_everything_ends_every_chain_and_session(
    store: Store, grant: Grant, opened: Open
) -> None:
    other = await opened()
    chains = [await redeemed(store, grant) for _ in range(3)]
    await store.end_everything(NOW, lambda _kind, _ended: None)
    for chain_id in chains:
        assert not (await state(other, chain_id)).stands
    assert await other.session(grant.session.secret_digest) is None
    assert await do(other, grant.redeem()) != Done(), "nor is a code of the copy redeemed"
    assert await other.person(grant.person.sub) == grant.person
    assert (await other.ready()) is True
