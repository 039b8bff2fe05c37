"""Deleting what has ended, and nothing else; and never by a clock that cannot be believed."""

import asyncio
import os
from dataclasses import replace

import pytest

from tests.store.conftest import Database
from tests.store.nouns import (
    DAY,
    HOUR,
    NOW,
    Grant,
    a_person,
    a_session,
    do,
    redeemed,
    rotate,
    state,
)
from troth import housekeeping
from troth.housekeeping import Watch, keep_house
from troth.model.change import AuditEvent, Change, Count, Done, Limited, Once, Put, Revoke
from troth.store import Store

YEAR = 365 * DAY


async def test_what_has_ended_goes_and_all_else_stays(
    store: Store, database: Database, grant: Grant
) -> None:
    old, new = await redeemed(store, grant, expires_at=NOW - 9), await redeemed(store, grant)
    person = a_person()
    over, stands = a_session(person, expires_at=NOW - 9), a_session(person)
    await do(store, Put(noun=person), Put(noun=over), Put(noun=stands))
    used = {key: Once(namespace="n", key=key, expires_at=NOW) for key in (b"old", b"new")}
    used[b"old"] = replace(used[b"old"], expires_at=NOW - 3 * DAY)
    await do(store, *used.values())
    for name in ("chain", "session"):
        assert await store.purge(name, NOW - 1) == 1, name
        assert await store.purge(name, NOW - 1) == 0, name
    await store.purge("spent", NOW - DAY)
    assert await store.chain(old) is None
    assert (await state(store, new)).stands
    assert [s.session_id for s in await store.sessions_of(person.sub)] == [stands.session_id]
    assert [await store.spent("n", key) for key in used] == [False, True]
    assert await store.person(person.sub) == person
    assert await do(store, rotate(new)) == Done()


async def test_an_approval_goes_when_it_has_ended_and_nothing_came_of_it_any_more(
    store: Store, grant: Grant
) -> None:
    async def stands() -> bool:
        return await store.authorization(grant.person.sub, grant.client.client_id) is not None

    chain_id = await redeemed(store, grant, expires_at=NOW + YEAR)
    ended = replace(grant.authorization, expires_at=NOW - HOUR)
    await do(store, Put(noun=ended))
    assert await store.purge("authorization", NOW) == 0, "a chain still names it"
    await do(store, Revoke(kind="chain", key=chain_id, at=NOW))
    assert await store.purge("chain", NOW + 2 * YEAR) == 1
    assert await store.purge("authorization", NOW - DAY) == 0, "it has not ended for so long"
    assert await store.purge("authorization", NOW) == 1
    assert not await stands()


async def test_a_delay_that_still_runs_is_not_deleted(store: Store) -> None:
    attempt = Count(key="k", now=NOW - 60, free=1, longest=300, forget=DAY)
    for _ in range(2):
        await do(store, attempt)
    blocked = await do(store, attempt)
    assert isinstance(blocked, Limited)
    assert await store.purge("attempt", blocked.until) == 0
    assert await do(store, attempt) == blocked
    assert await store.purge("attempt", NOW + YEAR) == 1
    assert await do(store, attempt) == Done()


async def test_audit_rows_are_kept_for_long(store: Store, database: Database) -> None:
    event = AuditEvent(event="canary", outcome="ok")
    once = Once(namespace="n", key=os.urandom(8), expires_at=NOW)
    await store.commit(Change(verbs=(once,), audit=(event,)))
    assert await store.purge("audit", NOW) == 0
    assert await store.purge("audit", NOW + HOUR) == 1


async def test_a_batch_is_small(store: Store, grant: Grant) -> None:
    gone = [grant.redeem(expires_at=NOW - 9) for _ in range(1100)]
    await asyncio.gather(*(do(store, redeem) for redeem in gone))
    assert await store.purge("chain", NOW) == 1000
    assert await store.purge("chain", NOW) == 100


async def test_the_housekeeper_leaves_what_a_late_replay_needs(
    store: Store, grant: Grant, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = await redeemed(store, grant, expires_at=NOW - 3 * DAY)
    yesterday = await redeemed(store, grant, expires_at=NOW - DAY)
    rounds = asyncio.Event()
    purge = store.purge

    async def told(name: str, before: int) -> int:
        gone = await purge(name, before)
        if name == "audit":  # the last of a round
            rounds.set()
        return gone

    monkeypatch.setattr(store, "purge", told)
    monkeypatch.setattr(housekeeping, "_EVERY", 0.01)
    house = asyncio.create_task(keep_house(store))
    async with asyncio.timeout(20):
        await rounds.wait()
    house.cancel()
    assert await store.chain(long_ago) is None
    assert await store.chain(yesterday) is not None
    assert await store.session(grant.session.secret_digest) is not None


def test_FT_13_after_a_jump_the_clock_is_not_believed_for_a_day() -> None:
    wall, steady = float(NOW), 1000.0
    watch = Watch(wall, steady)
    assert watch.believes(wall + 60, steady + 60)
    assert watch.believes(wall + HOUR + 120, steady + 120), "an hour is summer time, not a fault"
    wall += 10 * YEAR
    for minutes in range(3, 1440):
        assert not watch.believes(wall + minutes * 60, steady + minutes * 60)
    back = float(NOW)
    for minutes in range(1441, 2880):
        assert not watch.believes(back + minutes * 60, steady + minutes * 60), "and back: as well"
    assert watch.believes(back + 2882 * 60, steady + 2882 * 60)
