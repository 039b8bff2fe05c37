"""Who must be told that a session has ended: written with its end, taken by one process each."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.spec import spec
from tests.store.conftest import Database
from tests.store.nouns import (
    DAY,
    NOW,
    Grant,
    a_client,
    a_person,
    a_session,
    an_authorization,
    do,
    redeemed,
)
from troth.model.change import AuditEvent, Change, Done, Gone, Put, Remove, Require, Revoke
from troth.model.delivery import Delivery
from troth.model.openid_client import LogoutURIs, OpenIDClient
from troth.model.person import Person, Session
from troth.store import Store

TOLD = OpenIDClient(logout=LogoutURIs(backchannel_logout_uri="https://app.example/logout"))
FRAMED = OpenIDClient(logout=LogoutURIs(frontchannel_logout_uri="https://app.example/frame"))

Open = Callable[[], Awaitable[Store]]


async def used(
    store: Store, person: Person, session: Session, openid: OpenIDClient = TOLD, chains: int = 1
) -> str:
    """The id of a client that the person used in the session."""
    client = a_client(openid=openid)
    grant = Grant(
        client=client,
        person=person,
        session=session,
        authorization=an_authorization(person, client),
    )
    await do(store, Put(noun=client), Put(noun=grant.authorization))
    for number in range(chains):
        await redeemed(store, grant, session_id=session.session_id, offline=number > 0)
    return client.client_id


@pytest.fixture
async def person(store: Store) -> Person:
    person = a_person()
    await do(store, Put(noun=person))
    return person


async def begun(store: Store, person: Person, **changes: int) -> Session:
    session = a_session(person, **changes)
    await do(store, Put(noun=session))
    return session


async def waiting(store: Store) -> set[tuple[str, str]]:
    """Clients and sessions of all that is due; it is settled by this."""
    taken = await store.outbox.take(NOW, NOW + 60, 100)
    for one in taken:
        await store.outbox.forget(one)
    return {(one.client_id, one.session_id) for one in taken}


def end(session: Session) -> Revoke:
    return Revoke(kind="session", key=session.session_id, at=NOW)


@spec("OIDC Back-Channel Logout §2.3")
async def test_the_end_of_a_session_leaves_one_delivery_for_each_client_that_wants_it(
    store: Store, person: Person
) -> None:
    session, other = await begun(store, person), await begun(store, person)
    told = await used(store, person, session, chains=3)
    second = await used(store, person, session)
    await used(store, person, session, FRAMED)
    await used(store, person, session, OpenIDClient())
    elsewhere = await used(store, person, other)
    assert await store.outbox.next_due() is None
    store.outbox.posted.clear()
    assert await do(store, end(session)) == Done()
    assert store.outbox.posted.is_set()
    assert await store.outbox.next_due() == NOW
    assert await waiting(store) == {(told, session.session_id), (second, session.session_id)}
    assert await do(store, end(session)) == Gone(which="session"), "it ends once"
    assert await do(store, end(other)) == Done()
    assert await waiting(store) == {(elsewhere, other.session_id)}


async def test_a_change_that_is_lost_leaves_none(store: Store, person: Person) -> None:
    session = await begun(store, person)
    await used(store, person, session)
    lost = Require(kind="person", key=person.sub, epoch=9)
    assert await do(store, end(session), lost) == Gone(which="person")
    stranger = replace(end(session), sub="stranger")
    assert await do(store, stranger) == Gone(which="session")
    assert await store.outbox.next_due() is None
    assert await store.session(session.secret_digest) is not None


async def test_all_sessions_of_a_person_but_the_spared_one(store: Store, person: Person) -> None:
    """Also those that have expired, and of which only the chains are left."""
    here, there = await begun(store, person), await begun(store, person)
    expired, ended = await begun(store, person, expires_at=NOW - 9), await begun(store, person)
    clients = {s.session_id: await used(store, person, s) for s in (here, there, expired, ended)}
    stranger = a_person()
    await do(store, Put(noun=stranger))
    await used(store, stranger, await begun(store, stranger))
    await do(store, end(ended))
    await waiting(store)
    assert await store.purge("session", NOW) == 1
    await do(store, Revoke(kind="sessions_of", key=person.sub, at=NOW, spare=here.session_id))
    found = {(clients[s.session_id], s.session_id) for s in (there, expired)}
    assert await waiting(store) == found
    everything = Revoke(kind="sessions_of", key=person.sub, at=NOW)
    await do(store, everything, Remove(kind="person", key=person.sub))
    assert (clients[here.session_id], here.session_id) in await waiting(store)


async def test_a_delivery_is_settled_by_who_took_it_last(store: Store, person: Person) -> None:
    session = await begun(store, person)
    client_id = await used(store, person, session)
    await do(store, end(session))
    (first,) = await store.outbox.take(NOW, NOW + 30, 9)
    assert first == Delivery(
        delivery_id=first.delivery_id,
        client_id=client_id,
        sub=person.sub,
        session_id=session.session_id,
        attempts=1,
        expires_at=NOW + DAY,
    )
    assert not await store.outbox.take(NOW + 29, NOW + 60, 9), "it is somebody's"
    (second,) = await store.outbox.take(NOW + 30, NOW + 60, 9)
    assert second == replace(first, attempts=2)
    await store.outbox.forget(first)
    await store.outbox.put_off(first, NOW)
    assert await store.outbox.next_due() == NOW + 60, "the first one was too late"
    await store.outbox.put_off(second, NOW + 90)
    assert await store.outbox.next_due() == NOW + 90
    (third,) = await store.outbox.take(NOW + 90, NOW + 99, 9)
    await store.outbox.forget(third)
    assert await store.outbox.next_due() is None


async def test_no_two_processes_take_the_same_one(opened: Open, person: Person) -> None:
    stores = [await opened() for _ in range(3)]
    session = await begun(stores[0], person)
    clients = [await used(stores[0], person, session) for _ in range(20)]
    await do(stores[0], end(session))

    async def take(store: Store) -> list[str]:
        mine: list[str] = []
        while taken := await store.outbox.take(NOW, NOW + 60, 3):
            mine += [one.client_id for one in taken]
        return mine

    shares = await asyncio.gather(*(take(store) for store in stores))
    assert sorted(one for share in shares for one in share) == sorted(clients)


async def test_two_that_end_the_same_sessions_at_once_leave_one_each(
    opened: Open, database: Database, person: Person
) -> None:
    stores = [await opened() for _ in range(2)]
    sessions = [await begun(stores[0], person) for _ in range(3)]
    for session in sessions:
        await used(stores[0], person, session)
        await used(stores[0], person, session)
    everything = Revoke(kind="sessions_of", key=person.sub, at=NOW)
    in_order = sorted(map(end, sessions), key=lambda verb: verb.key)
    changes = [(everything,), tuple(in_order)] * 4
    await asyncio.gather(*(do(stores[n % 2], *verbs) for n, verbs in enumerate(changes)))
    assert database.rows("select count(*) from delivery") == [(6,)]


async def test_what_nobody_could_deliver_is_deleted_in_the_end(
    store: Store, database: Database, person: Person
) -> None:
    session = await begun(store, person)
    await used(store, person, session)
    event = AuditEvent(event="logout", outcome="ok", sub=person.sub)
    await store.commit(Change(verbs=(end(session),), audit=(event,)))
    assert await store.purge("delivery", NOW + DAY) == 0
    assert await store.purge("delivery", NOW + DAY + 1) == 1
    assert database.rows("select count(*) from delivery") == [(0,)]


async def test_the_clients_of_a_session_are_known_also_after_its_end(
    store: Store, person: Person
) -> None:
    session = await begun(store, person)
    clients = [await used(store, person, session, chains=2), await used(store, person, session)]
    assert list(await store.clients_of_session(session.session_id)) == sorted(clients)
    await do(store, end(session))
    assert list(await store.clients_of_session(session.session_id)) == sorted(clients)
    assert not await store.clients_of_session("another")
