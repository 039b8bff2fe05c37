"""What is written behind: soon, in order, and never at another's cost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.inside import logging_from
from tests.store.conftest import Database
from tests.store.nouns import NOW, name
from troth.model.change import NOTHING, AuditEvent, Change, Done
from troth.store import Store, StoreUnavailable, Trace, notes

Open = Callable[[], Awaitable[Store]]


def trace(request_id: str) -> Trace:
    return Trace(request_id=request_id, at=NOW, endpoint="/oauth/token", error="e", reason="r")


def event(which: str) -> AuditEvent:
    return AuditEvent(event=which, outcome="ok")


async def written(store: Store) -> None:
    """Until the notes are in the database."""
    await store._notes.flush()  # type: ignore[attr-defined]


async def test_a_change_without_verbs_is_written_behind_with_its_request(
    store: Store, database: Database
) -> None:
    change = Change(audit=(event("canary.noted"),))
    assert await store.commit(change, request_id="canary-id") == Done()
    assert await store.commit(NOTHING) == Done()
    await written(store)
    found = database.rows("select event, request_id from audit")
    assert [tuple(row) for row in found] == [("canary.noted", "canary-id")]


async def test_a_trace_is_found_by_its_request_on_every_process(store: Store, opened: Open) -> None:
    one, two = name("request"), name("request")
    first, second = trace(one), Trace(request_id=one, at=NOW, endpoint="/x", error="y", reason="z")
    store.note(first, second, trace(two))
    await written(store)
    other = await opened()
    assert list(await other.trace(one)) == [first, second]
    assert list(await other.trace(two)) == [trace(two)]
    assert not await other.trace("nobody's")


async def test_what_was_noted_is_written_when_the_store_closes(
    opened: Open, database: Database
) -> None:
    store = await opened()
    store.note(event("canary.last"))
    await store.close()
    assert len(database.rows("select 1 from audit where event = 'canary.last'")) == 1


async def test_one_note_that_no_database_takes_costs_only_itself(
    store: Store, database: Database
) -> None:
    with logging_from("info"):
        store.note(event("canary.before"), event("canary.\ud800"), event("canary.after"))
        await written(store)
    found = {row[0] for row in database.rows("select event from audit")}
    assert found == {"canary.before", "canary.after"}


async def test_RX_09_a_flood_is_bounded(store: Store, database: Database) -> None:
    for first in range(0, 20_000, 1000):
        store.note(*(event(f"canary.flood{first + n}") for n in range(1000)))
    await written(store)
    (row,) = database.rows("select count(*) from audit")
    assert notes.MOST_WAITING <= row[0] < notes.MOST_WAITING + 1000


async def test_RX_09_what_is_alike_in_a_flood_is_one_row_with_its_number(
    store: Store, database: Database
) -> None:
    store.note(*(event("canary.alike") for _ in range(notes.FLOOD)), event("canary.other"))
    await written(store)
    found = sorted(database.rows("select event, detail from audit"))
    assert found == [("canary.alike", f"({notes.FLOOD} times)"), ("canary.other", "")]
    store.note(*(event("canary.alike") for _ in range(notes.FLOOD - 1)))
    await written(store)
    (row,) = database.rows("select count(*) from audit where event = 'canary.alike'")
    assert row[0] == notes.FLOOD, "without a flood each has its row"


async def test_what_a_slow_database_has_no_time_for_is_written_later_and_once(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few at once are in time where all at once never are, and what was taken stays taken."""
    write, calls = store._notes._write, []  # type: ignore[attr-defined]

    async def in_time(some: Sequence[notes.Note]) -> None:
        calls.append(len(some))
        if len(some) > 500 or len(calls) == 3:
            raise StoreUnavailable("TimeoutError")
        await write(some)

    monkeypatch.setattr(store._notes, "_write", in_time)  # type: ignore[attr-defined]
    expected = {f"canary.{number}" for number in range(1500)}
    store.note(*map(event, sorted(expected)))
    await written(store)
    assert 0 < len(database.rows("select 1 from audit")) < 1500
    await written(store)
    found = [row[0] for row in database.rows("select event from audit")]
    assert (len(found), set(found)) == (1500, expected)


async def test_a_note_that_no_database_takes_costs_no_other_where_it_goes_away_then(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store._notes._write  # type: ignore[attr-defined]

    async def gone(some: Sequence[notes.Note]) -> None:
        if len(some) > 1:
            raise ValueError("one of them")
        raise StoreUnavailable("TimeoutError")

    monkeypatch.setattr(store._notes, "_write", gone)  # type: ignore[attr-defined]
    store.note(*(event(f"canary.{number}") for number in range(5)))
    await written(store)
    monkeypatch.setattr(store._notes, "_write", write)  # type: ignore[attr-defined]
    await written(store)
    found = [row[0] for row in database.rows("select event from audit")]
    assert sorted(found) == [f"canary.{number}" for number in range(5)]


async def test_the_end_of_a_process_waits_for_its_notes_and_not_without_end(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "_LAST_WORDS_SECONDS", 0.3)
    for begun in (False, True):
        store = await opened()
        started = asyncio.Event()

        async def never(_: Sequence[notes.Note], started: asyncio.Event = started) -> None:
            started.set()
            await asyncio.sleep(1000)

        monkeypatch.setattr(store._notes, "_write", never)  # type: ignore[attr-defined]
        store.note(event("canary.last"))
        async with asyncio.timeout(30):
            if begun:
                await started.wait()
            await store.close()


async def test_RX_04_traces_are_a_ring(store: Store, database: Database) -> None:
    for start in range(0, 10_200, 3400):
        store.note(*(trace(f"r{n}") for n in range(start, start + 3400)))
        await written(store)
    (row,) = database.rows("select count(*) from trace")
    assert row[0] == 10_000
    assert not await store.trace("r199")
    assert await store.trace("r200")
    assert await store.trace("r10199")


async def test_notes_are_written_soon_by_themselves(store: Store, database: Database) -> None:
    store.note(event("canary.soon"))
    flusher = store._notes._flusher  # type: ignore[attr-defined]
    async with asyncio.timeout(30):
        await flusher
    assert len(database.rows("select 1 from audit where event = 'canary.soon'")) == 1


async def test_what_is_noted_while_others_are_written_is_written_soon_too(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a quiet server nothing comes after it that would take it along."""
    write, begun, free = store._notes._write, asyncio.Event(), asyncio.Event()  # type: ignore[attr-defined]

    async def slowly(some: Sequence[notes.Note]) -> None:
        begun.set()
        await free.wait()
        await write(some)

    monkeypatch.setattr(store._notes, "_write", slowly)  # type: ignore[attr-defined]
    store.note(event("canary.first"))
    flusher = store._notes._flusher  # type: ignore[attr-defined]
    async with asyncio.timeout(30):
        await begun.wait()
        store.note(event("canary.meanwhile"))
        free.set()
        await flusher
    found = {row[0] for row in database.rows("select event from audit")}
    assert found == {"canary.first", "canary.meanwhile"}


async def test_what_could_not_be_written_is_tried_again_by_itself(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = store._notes._write, []  # type: ignore[attr-defined]

    async def at_the_third_time(some: Sequence[notes.Note]) -> None:
        calls.append(len(some))
        if len(calls) < 3:
            raise StoreUnavailable("TimeoutError")
        await write(some)

    monkeypatch.setattr(store._notes, "_write", at_the_third_time)  # type: ignore[attr-defined]
    monkeypatch.setattr(notes, "_PAUSE_WHEN_LOST", 0.01, raising=False)
    store.note(event("canary.again"))
    async with asyncio.timeout(30):
        await store._notes._flusher  # type: ignore[attr-defined]
    assert len(database.rows("select 1 from audit where event = 'canary.again'")) == 1


async def test_closing_does_not_wait_for_a_database_that_is_gone(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once more is tried, not for ever; also where it begins while a write is under way."""
    store, begun, free = await opened(), asyncio.Event(), asyncio.Event()

    async def gone(some: Sequence[notes.Note]) -> None:
        begun.set()
        await free.wait()
        raise StoreUnavailable("TimeoutError")

    monkeypatch.setattr(store._notes, "_write", gone)  # type: ignore[attr-defined]
    store.note(event("canary.lost"))
    async with asyncio.timeout(30):
        await begun.wait()
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        free.set()
        await closing
