"""A change is applied whole or not at all, whoever is committed beside it."""

import asyncio
from typing import Any

import pytest

from tests.store.conftest import Database
from tests.store.nouns import NOW, Grant, a_client, a_person, do, name, redeemed, rotate, state
from troth.model.change import (
    AuditEvent,
    Change,
    Count,
    Done,
    Exists,
    Gone,
    Lost,
    Moved,
    Once,
    Put,
    Remove,
    Require,
    Revoke,
    Verb,
)
from troth.model.person import Scope
from troth.store import Store, StoreUnavailable


def first_half(grant: Grant, chain_id: bytes) -> tuple[Verb, ...]:
    """One of each verb that leaves a trace."""
    return (
        Put(noun=a_person(username="canary-half")),
        Put(noun=Scope(name="canary-half", description="x")),
        Once(namespace="half", key=b"1", expires_at=NOW),
        Count(key="canary-half", now=NOW, free=1, longest=1, forget=1),
        Revoke(kind="session", key=grant.session.session_id, at=NOW),
        Revoke(kind="authorization", key=grant.client.client_id, at=NOW, sub=grant.person.sub),
        Revoke(kind="chain", key=chain_id, at=NOW),
        Revoke(kind="access_token", key=b"half", at=NOW, expires_at=NOW),
        Remove(kind="client", key=grant.client.client_id),
    )


def everything(database: Database) -> dict[str, list[Any]]:
    tables = ("client", "person", "session", '"authorization"', "chain", "spent", "attempt")
    return {
        table: sorted(map(repr, database.rows(f"select * from {table}")))
        for table in (*tables, "scope", "revision", "audit")
    }


@pytest.mark.parametrize("which", ["require", "once", "rotate", "redeem", "remove", "put"])
async def test_a_refused_verb_takes_the_whole_change_with_it(
    store: Store, database: Database, grant: Grant, which: str
) -> None:
    chain_id = await redeemed(store, grant)
    used = Once(namespace="used", key=b"1", expires_at=NOW)
    await do(store, used)
    found = await state(store, chain_id)
    refused: dict[str, tuple[Verb, Lost]] = {
        "require": (Require(kind="client", key="nobody"), Gone(which="client")),
        "once": (used, Exists(what="used")),
        "rotate": (rotate(b"nobody's"), Gone(which="chain")),
        "redeem": (grant.redeem(chain_id=chain_id), Exists(what="chain")),
        "remove": (Remove(kind="scope", key="nobody"), Gone(which="scope")),
        "put": (Put(noun=a_person(username=grant.person.username)), Exists(what="person")),
    }
    verb, lost = refused[which]
    before = everything(database)
    event = AuditEvent(event="canary.half", outcome="ok")
    verbs = (*first_half(grant, chain_id), verb)
    assert await store.commit(Change(verbs=verbs, audit=(event,))) == lost
    assert everything(database) == before
    assert await state(store, chain_id) == found
    assert await store.commit(Change(verbs=verbs[:-1], audit=(event,))) == Done()
    after = everything(database)
    assert all(after[table] != before[table] for table in before), "and without it all is done"


async def test_a_bad_change_of_a_group_fails_alone(
    store: Store, database: Database, grant: Grant
) -> None:
    """Changes that wait together are committed together, each behind its own savepoint."""
    redeems = [grant.redeem() for _ in range(20)]
    bad: list[Verb] = [
        Once(namespace="huge", key=b"1", expires_at=2**70),
        Once(namespace="half \ud800 a pair", key=b"1", expires_at=NOW),
        grant.redeem(chain_id=redeems[0].chain.chain_id),
        Require(kind="client", key="nobody"),
    ]
    mixed = [verb for pair in zip(redeems, bad * 5, strict=True) for verb in pair]
    outcomes = await asyncio.gather(*(do(store, verb) for verb in mixed), return_exceptions=True)
    assert outcomes[0::2] == [Done()] * 20
    assert not any(isinstance(outcome, Done) for outcome in outcomes[1::2])
    assert len(database.rows("select * from chain")) == 20
    assert database.rows("select * from spent") == []


HUGE = 2**63
BAD: list[Verb] = [
    Once(namespace="n", key=b"k", expires_at=HUGE),
    Count(key="k", now=-HUGE - 1, free=1, longest=1, forget=1),
    Put(noun=Scope(name="\udfff", description="lone surrogate")),
    Put(noun=a_client(client_name="\ud800")),
    Put(noun=a_person(username="x\ud800")),
    Revoke(kind="session", key="\ud800", at=NOW),
    Remove(kind="person", key="\ud800"),
    rotate(b"x", generation=HUGE),
]


@pytest.mark.parametrize("verb", BAD, ids=lambda verb: type(verb).__name__)
async def test_ST_05_a_value_that_no_database_takes_breaks_nothing(
    store: Store, database: Database, grant: Grant, verb: Verb
) -> None:
    before = everything(database)
    try:
        outcome: object = await do(store, verb)
    except (OverflowError, UnicodeEncodeError, ValueError, StoreUnavailable) as error:
        outcome = error
    assert not isinstance(outcome, Done)
    assert everything(database) == before
    assert await do(store, grant.redeem()) == Done()


async def test_audit_rows_ride_in_the_change(
    store: Store, database: Database, grant: Grant
) -> None:
    event = AuditEvent(
        event="token.issued", outcome="ok", actor="a", client_id="c", sub="s", detail="é'\""
    )
    redeem = grant.redeem()
    change = Change(verbs=(redeem,), audit=(event, event))
    assert await store.commit(change, request_id="canary-request") == Done()
    select = "select event, outcome, actor, client_id, sub, detail, request_id from audit"
    row = ("token.issued", "ok", "a", "c", "s", "é'\"", "canary-request")
    assert [tuple(found) for found in database.rows(select)] == [row, row]
    assert await store.commit(change, request_id="lost") == Exists(what="chain")
    assert len(database.rows(select)) == 2, "what was not done is not written down"


async def test_concurrent_changes_all_become_durable(store: Store, database: Database) -> None:
    puts = [Put(noun=a_client(client_id=name("c"))) for _ in range(300)]
    assert set(await asyncio.gather(*(do(store, put) for put in puts))) == {Done()}
    rows = {row[0] for row in database.rows("select client_id from client")}
    assert rows == {put.noun.client_id for put in puts if hasattr(put.noun, "client_id")}


async def test_two_changes_of_one_row_at_once_lose_none(store: Store, grant: Grant) -> None:
    chain_id = await redeemed(store, grant)
    asked = [rotate(chain_id, generation) for generation in (1, 1, 2, 2, 3, 3)]
    outcomes = await asyncio.gather(*(do(store, one) for one in asked))
    moved = (await state(store, chain_id)).chain.generation
    assert sum(outcome == Done() for outcome in outcomes) == moved - 1
    assert all(isinstance(outcome, Done | Moved) for outcome in outcomes)
