"""Deleting what has ended, and nothing else; and never by a clock that cannot be believed."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace

import asyncpg
import pytest
from structlog.testing import capture_logs

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
    standing,
    state,
)
from troth import housekeeping
from troth.housekeeping import keep_house, one_round
from troth.model.change import AuditEvent, Change, Count, Done, Limited, Once, Put, Revoke
from troth.store import Store, StoreUnavailable

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


@pytest.mark.parametrize("how", ["revoked", "expired"])
async def test_an_approval_that_has_ended_goes_with_its_chains(
    store: Store, database: Database, grant: Grant, how: str
) -> None:
    """Also with those that would have lived for long: nobody can use them any more."""
    await redeemed(store, grant, expires_at=NOW + YEAR)
    other = await standing(store)
    kept = await redeemed(store, other, expires_at=NOW + YEAR)
    if how == "revoked":
        client_id = grant.client.client_id
        await do(store, Revoke(kind="authorization", key=client_id, sub=grant.person.sub, at=NOW))
    else:
        await do(store, Put(noun=replace(grant.authorization, expires_at=NOW)))
    assert await store.purge("authorization", NOW) == 0, "it has not ended for so long"
    assert database.rows("select count(*) from chain") == [(2,)]
    assert await store.purge("authorization", NOW + 1) == 1
    assert database.rows("select chain_id from chain") == [(kept,)]
    left = database.rows('select authorization_id from "authorization"')
    assert left == [(other.authorization.authorization_id,)]


async def test_an_approval_with_very_many_chains_goes_in_small_batches(
    store: Store, database: Database, grant: Grant
) -> None:
    await asyncio.gather(*(do(store, grant.redeem()) for _ in range(1100)))
    await do(store, Put(noun=replace(grant.authorization, expires_at=NOW)))
    assert await store.purge("authorization", NOW + 1) == 0
    assert database.rows("select count(*) from chain") == [(100,)]
    assert await store.purge("authorization", NOW + 1) == 1
    assert database.rows("select count(*) from chain") == [(0,)]


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


def failing_at(store: Store, monkeypatch: pytest.MonkeyPatch, kind: str, error: Exception) -> None:
    purge = store.purge

    async def but(name: str, before: int) -> int:
        if name == kind:
            raise error
        return await purge(name, before)

    monkeypatch.setattr(store, "purge", but)


@pytest.mark.parametrize(
    "error", [StoreUnavailable("QueryCanceledError"), asyncpg.DeadlockDetectedError("deadlock")]
)
async def test_a_kind_that_cannot_be_deleted_keeps_no_other_from_it(
    store: Store, grant: Grant, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    long_ago = await redeemed(store, grant, expires_at=NOW - 3 * DAY)
    failing_at(store, monkeypatch, "spent", error)
    with capture_logs() as logged:
        await one_round(store, NOW)
    assert [(line["event"], line["what"]) for line in logged] == [("purge.failed", "spent")]
    assert type(error).__name__ == logged[0]["kind"]
    assert await store.chain(long_ago) is None


async def test_whatever_goes_wrong_the_house_is_kept_again_a_minute_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = asyncio.Queue[int]()

    async def take_turn(now: int) -> int | None:
        turns.put_nowait(now)
        raise asyncpg.SerializationError("could not serialize access")

    monkeypatch.setattr(store, "take_turn", take_turn)
    monkeypatch.setattr(housekeeping, "_EVERY", 0.01)
    with capture_logs() as logged:
        house = asyncio.create_task(keep_house(store))
        async with asyncio.timeout(20):
            for _ in range(3):
                await turns.get()
        house.cancel()
    assert {(line["event"], line["kind"]) for line in logged} == {
        ("purge.failed", "SerializationError")
    }


async def test_FT_13_after_a_jump_the_clock_is_not_believed_for_a_day(store: Store) -> None:
    assert await store.take_turn(NOW) == 0, "a new installation has nothing to compare with"
    assert await store.take_turn(NOW + HOUR) == 0, "an hour is summer time, not a fault"
    ahead = NOW + 10 * YEAR
    for minutes in range(0, 1440, 30):
        waits = DAY - minutes * 60
        assert await store.take_turn(ahead + minutes * 60) == waits
    back = NOW + 2 * HOUR
    assert await store.take_turn(back) == DAY, "and back: as well"
    assert await store.take_turn(back + DAY - 1) == 1
    assert await store.take_turn(back + DAY + 60) == 0


async def test_FT_13_what_one_process_saw_holds_for_those_that_start_after_it(
    opened: Callable[[], Awaitable[Store]],
) -> None:
    """A machine that starts with a wrong clock deletes nothing, however often it starts."""
    assert await (await opened()).take_turn(NOW) == 0
    ahead = NOW + 10 * YEAR
    for minute in range(3):
        waits = await (await opened()).take_turn(ahead + minute * 60)
        assert waits == DAY - minute * 60


async def test_one_process_a_minute_keeps_the_house(
    opened: Callable[[], Awaitable[Store]],
) -> None:
    stores = [await opened() for _ in range(3)]
    turns = await asyncio.gather(*(store.take_turn(NOW) for store in stores))
    assert sorted(turns, key=str) == [0, None, None]
    assert await stores[0].take_turn(NOW + 30) is None
    assert await stores[1].take_turn(NOW + 60) == 0


async def test_FT_13_nothing_is_deleted_by_a_clock_that_jumped(store: Store, grant: Grant) -> None:
    chain_id = await redeemed(store, grant)
    await one_round(store, NOW)
    ahead = NOW + 10 * YEAR
    with capture_logs() as logged:
        for minutes in (0, 1, 720, 1439):
            await one_round(store, ahead + minutes * 60)
    assert [line["event"] for line in logged] == ["purge.paused"]
    assert (await state(store, chain_id)).stands
    await one_round(store, ahead + DAY)
    assert await store.chain(chain_id) is None, "who did not look for a day believes it"
