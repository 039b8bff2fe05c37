"""Chains that are tied to a login session end with it, and only with it."""

import asyncio
from dataclasses import replace

from tests.store.conftest import Database
from tests.store.nouns import (
    DAY,
    NOW,
    Grant,
    a_person,
    a_session,
    do,
    redeemed,
    rotate,
    standing,
    state,
)
from troth.model.change import Done, Gone, Keep, Moved, Put, Renew, Revoke
from troth.store import Store


async def ended(store: Store, grant: Grant) -> None:
    assert await do(store, Revoke(kind="session", key=grant.session.session_id, at=NOW)) == Done()


async def test_a_tied_chain_ends_with_its_session(store: Store, grant: Grant) -> None:
    tied = await redeemed(store, grant, session_id=grant.session.session_id)
    assert (await state(store, tied)).stands
    assert await do(store, rotate(tied)) == Done()
    await ended(store, grant)
    found = await state(store, tied)
    assert not found.stands
    assert not found.session_stands
    assert isinstance(await do(store, rotate(tied, 2)), Moved)
    joined = await store.chain_with_person(tied)
    assert joined is not None
    assert not joined[0].stands


async def test_offline_chains_and_plain_ones_outlive_the_session(
    store: Store, grant: Grant
) -> None:
    offline = await redeemed(store, grant, session_id=grant.session.session_id, offline=True)
    plain = await redeemed(store, grant)
    await ended(store, grant)
    for chain_id in (offline, plain):
        assert (await state(store, chain_id)).stands
        assert await do(store, rotate(chain_id)) == Done()


async def test_a_session_that_expires_takes_nothing_along(
    store: Store, database: Database, grant: Grant
) -> None:
    person = grant.person
    session = a_session(person, expires_at=NOW - 9)
    await do(store, Put(noun=session))
    tied = await redeemed(store, grant, session_id=session.session_id)
    assert await store.purge("session", NOW) == 1
    assert (await state(store, tied)).stands


async def test_the_clean_up_revives_nothing(store: Store, grant: Grant) -> None:
    """An ended session goes together with what it ended, not before it."""
    person = grant.person
    session = a_session(person, expires_at=NOW + 5)
    await do(store, Put(noun=session))
    tied = await redeemed(store, grant, session_id=session.session_id)
    kept = await redeemed(store, grant, session_id=session.session_id, offline=True)
    await do(store, Revoke(kind="session", key=session.session_id, at=NOW))
    assert await store.purge("session", NOW) == 0
    assert await store.purge("session", NOW + DAY) >= 1
    assert await store.chain(tied) is None
    assert (await state(store, kept)).stands


async def test_who_took_part_in_a_session_is_known_for_as_long_as_it_can_be_ended(
    store: Store, grant: Grant
) -> None:
    """An application without refresh tokens has a chain of an hour, in a session of a month."""
    session = a_session(grant.person, expires_at=NOW + 30 * DAY)
    await do(store, Put(noun=session))
    tied = {"session_id": session.session_id}
    early = await redeemed(store, grant, **tied, expires_at=NOW - 9)
    last = await redeemed(store, grant, **tied, expires_at=NOW - 5)
    plain = await redeemed(store, grant, expires_at=NOW - 5)
    for before in (NOW, NOW + DAY, NOW + 30 * DAY):
        await store.purge("chain", before)
        assert await store.clients_of_session(session.session_id) == [grant.client.client_id]
    assert [await store.chain(gone) for gone in (early, plain)] == [None, None]
    assert await store.chain(last) is not None, "one chain tells of each application"
    await store.purge("chain", NOW + 30 * DAY + 1)
    assert await store.chain(last) is None


async def test_nobody_is_remembered_for_a_session_that_was_ended(
    store: Store, grant: Grant
) -> None:
    tied = await redeemed(store, grant, session_id=grant.session.session_id, expires_at=NOW - 9)
    await ended(store, grant)
    assert await store.purge("chain", NOW) == 1
    assert await store.chain(tied) is None


async def test_those_who_are_remembered_are_in_nobodys_way(store: Store, grant: Grant) -> None:
    """However many there are: a batch is not filled with what stays."""
    session = a_session(grant.person, expires_at=NOW + 30 * DAY)
    await do(store, Put(noun=session))
    named = [f"client{number}" for number in range(1100)]
    tied = {"session_id": session.session_id, "expires_at": NOW - 9}
    await asyncio.gather(*(redeemed(store, grant, **tied, client_id=name) for name in named))
    plain = await redeemed(store, grant, expires_at=NOW - 5)
    for _ in range(3):
        await store.purge("chain", NOW)
    assert await store.chain(plain) is None
    assert len(await store.clients_of_session(session.session_id)) == len(named)


async def test_a_session_is_renewed_under_a_new_secret_once(store: Store) -> None:
    grant = await standing(store)
    former = grant.session
    renewed = replace(former, secret_digest="d" * 64, authenticated_at=NOW + 60, acr="1", amr="pwd")
    verb = Renew(session=renewed, former_digest=former.secret_digest)
    assert await do(store, verb) == Done()
    assert await do(store, verb) == Gone(which="session"), "its former secret is nobody's any more"
    assert await store.session(former.secret_digest) is None
    found = await store.session("d" * 64)
    assert found is not None
    assert found[0] == renewed
    await ended(store, grant)
    again = replace(renewed, secret_digest="e" * 64)
    assert await do(store, Renew(session=again, former_digest="d" * 64)) == Gone(which="session")


async def test_claims_of_a_person_come_back_as_they_were(store: Store) -> None:
    claims = {"name": "Ada L.", "family_name#ja": "ラブレス", "address": {"country": "GB"}}
    person = a_person(claims=claims)
    await do(store, Put(noun=person))
    assert await store.person(person.sub) == person
    changed = replace(person, claims={"name": "A"})
    assert await do(store, Put(noun=changed, expect_epoch=1)) == Done()
    assert await store.person(person.sub) == changed


async def test_a_long_code_is_kept_until_it_has_expired(store: Store) -> None:
    await do(store, Keep(code_id=b"c" * 16, sealed="sealed", expires_at=NOW))
    assert await store.stored_code(b"c" * 16) == "sealed"
    assert await store.stored_code(b"d" * 16) is None
    assert await store.purge("stored_code", NOW) == 0
    assert await store.purge("stored_code", NOW + 1) == 1
    assert await store.stored_code(b"c" * 16) is None
