"""People, clients, scopes and sessions: put, replaced, removed; names belong to one person."""

from dataclasses import replace

import pytest

from tests.store.nouns import (
    DAY,
    HOUR,
    NOW,
    Grant,
    a_client,
    a_person,
    a_session,
    an_authorization,
    do,
    name,
    redeemed,
    rotate,
)
from troth.accounts.names import login_key
from troth.model.change import Done, Exists, Gone, Put, Remove, Require, Revoke
from troth.model.client import ClientSecret
from troth.model.person import Person, Scope
from troth.store import Store


async def test_what_is_put_is_read_back_equal(store: Store) -> None:
    person = a_person(username="Zoë-𝔘", email="zoë@ünï.example", password_hash="$argon2id$canary")
    client = a_client(
        redirect_uris=("https://app.example/cb?a=%20", "com.example:/cb"),
        scope=("read", "write"),
        secrets=(ClientSecret(digest="00", expires_at=NOW), ClientSecret(digest="ff")),
        introspects=("https://api.example",),
        client_uri="https://app.example",
        access_token_format="opaque",
    )
    session = a_session(person, user_agent="Canary/1.0 (é)", network="2001:db8::")
    scope = Scope(name=name("scope"), description="Lies mit; 'quotes' \"too\"", required=False)
    for noun in (person, client, session, scope):
        assert await do(store, Put(noun=noun)) == Done()
    assert await store.person(person.sub) == person
    assert await store.client(client.client_id) == client
    assert await store.session(session.secret_digest) == (session, person)
    await store.fresh()
    assert store.scopes[scope.name] == scope


@pytest.mark.parametrize(
    "hostile", ["'", '"', "--", "\\", "%", "_", ";", "' or 1=1 --", ") or (1=1", "ſ", "a\u0301"]
)
async def test_ST_05_what_sql_would_read_is_only_text(store: Store, hostile: str) -> None:
    bystander = a_person()
    person = a_person(username=f"{hostile}{name('x')}", email=None)
    assert await do(store, Put(noun=bystander)) == Done()
    assert await do(store, Put(noun=person)) == Done()
    assert await store.person_by_login(login_key(person.username)) == person
    for key in (hostile, f"%{hostile}%", "%", "_" * len(person.username)):
        assert await store.person_by_login(key) is None
        assert await store.client(key) is None
        assert await store.session(key) is None
        assert await store.authorization(key, key) is None
        assert not await store.origin_registered(key)
        assert await do(store, Remove(kind="person", key=key)) == Gone(which="person")
    assert await store.person(bystander.sub) == bystander


async def test_ST_07_ids_that_differ_in_case_space_or_form_are_two(store: Store) -> None:
    made = [a_client(client_id=text) for text in ("canary", "Canary", "canary ", "cana\u0301ry")]
    for client in made:
        assert await do(store, Put(noun=client)) == Done()
    for client in made:
        assert await store.client(client.client_id) == client
    assert await store.client("CANARY") is None


@pytest.mark.parametrize("taken", ["username", "email"])
async def test_a_name_is_one_persons_as_user_name_and_as_address(store: Store, taken: str) -> None:
    first = a_person()
    assert await do(store, Put(noun=first)) == Done()
    same = {"username": first.username.upper(), "email": (first.email or "").upper()}[taken]
    for other in (a_person(username=same), a_person(email=same)):
        assert await do(store, Put(noun=other)) == Exists(what="person")
        assert await store.person(other.sub) is None
    second = a_person()
    assert await do(store, Put(noun=second)) == Done()
    stolen = replace(second, username=same, email=None)
    assert await do(store, Put(noun=stolen, expect_epoch=1)) == Exists(what="person")
    assert await store.person(second.sub) == second


async def test_a_persons_change_is_compare_and_set_on_the_epoch(store: Store) -> None:
    person = a_person()
    assert await do(store, Put(noun=person, expect_epoch=1)) == Gone(which="person"), "nobody yet"
    assert await do(store, Put(noun=person)) == Done()
    second = replace(person, epoch=2, password_hash="new")
    assert await do(store, Put(noun=second, expect_epoch=1)) == Done()
    assert await do(store, Put(noun=second, expect_epoch=1)) == Gone(which="person")
    assert await store.person(person.sub) == second


async def test_require_holds_for_whom_it_names_as_they_are(store: Store) -> None:
    person, client = a_person(), a_client()
    here = Require(kind="person", key=person.sub, epoch=1)
    there = Require(kind="client", key=client.client_id)
    assert await do(store, here) == Gone(which="person")
    assert await do(store, there) == Gone(which="client")
    await do(store, Put(noun=person), Put(noun=client))
    assert await do(store, here, there) == Done()
    assert await do(store, replace(here, epoch=2)) == Gone(which="person")
    await do(store, Put(noun=replace(client, disabled=True)))
    assert await do(store, there) == Gone(which="client")
    await do(store, Put(noun=replace(person, disabled=True), expect_epoch=1))
    assert await do(store, here) == Gone(which="person")


async def test_what_is_removed_is_gone_and_only_once(store: Store, grant: Grant) -> None:
    chain_id = await redeemed(store, grant)
    scope = Scope(name=name("scope"), description="x")
    await do(store, Put(noun=scope))
    removals = (
        Remove(kind="scope", key=scope.name),
        Remove(kind="client", key=grant.client.client_id),
        Remove(kind="person", key=grant.person.sub),
    )
    for removal in removals:
        assert await do(store, removal) == Done()
        assert await do(store, removal) == Gone(which=removal.kind)
    await store.fresh()
    assert scope.name not in store.scopes
    assert await store.client(grant.client.client_id) is None
    assert await store.person(grant.person.sub) is None
    assert await store.session(grant.session.secret_digest) is None
    found = await store.chain(chain_id)
    assert found is not None
    assert not found.stands
    assert await do(store, rotate(chain_id)) != Done()


async def test_a_session_is_seen_while_it_and_its_person_stand(store: Store) -> None:
    person = a_person()
    sessions = [a_session(person, last_seen_at=NOW - n) for n in range(4)]
    await do(store, Put(noun=person), *(Put(noun=session) for session in sessions))
    assert list(await store.sessions_of(person.sub)) == sessions
    mine, other, *_ = sessions
    end = Revoke(kind="session", key=mine.session_id, at=NOW, sub="another")
    assert await do(store, end) == Gone(which="session"), "it is not theirs"
    assert await do(store, replace(end, sub=person.sub)) == Done()
    assert await do(store, replace(end, sub=person.sub)) == Gone(which="session")
    assert await store.session(mine.secret_digest) is None
    touched = replace(mine, last_seen_at=NOW + 9, ended_at=None)
    await do(store, Put(noun=touched))
    assert await store.session(mine.secret_digest) is None, "use revives nothing"
    spared = Revoke(kind="sessions_of", key=person.sub, at=NOW, spare=other.session_id)
    assert await do(store, spared) == Done()
    assert list(await store.sessions_of(person.sub)) == [other]
    await do(store, Put(noun=replace(person, epoch=2), expect_epoch=1))
    assert await store.session(other.secret_digest) is None
    assert not await store.sessions_of(person.sub)
    assert await do(store, Revoke(kind="sessions_of", key=person.sub, at=NOW)) == Done()


async def test_using_a_session_moves_its_last_use_and_nothing_else(store: Store) -> None:
    person = a_person()
    session = a_session(person)
    await do(store, Put(noun=person), Put(noun=session))
    stretched = replace(session, last_seen_at=NOW + 60, expires_at=NOW + DAY, sub="another")
    assert await do(store, Put(noun=stretched)) == Done()
    found = await store.session(session.secret_digest)
    assert found is not None
    assert found[0] == replace(session, last_seen_at=NOW + 60)


async def test_the_newest_standing_authorization_is_what_was_approved(
    store: Store, grant: Grant
) -> None:
    wider = an_authorization(grant.person, grant.client, scope=("read",), created_at=NOW + HOUR)
    await do(store, Put(noun=wider))
    assert await store.authorization(grant.person.sub, grant.client.client_id) == wider
    assert await store.authorization(grant.client.client_id, grant.person.sub) is None
    declined = replace(wider, declined=("write", "more"), expires_at=NOW + DAY)
    await do(store, Put(noun=declined))
    assert await store.authorization(grant.person.sub, grant.client.client_id) == declined


async def test_the_account_page_sums_up_a_client(store: Store, grant: Grant) -> None:
    chain_id = await redeemed(store, grant)
    await do(store, rotate(chain_id, now=NOW + 120))
    more = an_authorization(grant.person, grant.client, scope=("write", "more"))
    expired = an_authorization(grant.person, grant.client, scope=("old",), expires_at=NOW - 1)
    await do(store, Put(noun=more), Put(noun=expired))
    (application,) = await store.applications_of(grant.person.sub)
    assert application.client_id == grant.client.client_id
    assert set(application.scope) == {"read", "write", "more"}
    assert (application.first_used, application.last_used) == (NOW, NOW + 120)
    key, sub = grant.client.client_id, grant.person.sub
    await do(store, Revoke(kind="authorization", key=key, at=NOW, sub=sub))
    assert not await store.applications_of(sub)


async def test_the_command_lines_lists_are_in_the_order_of_creation(store: Store) -> None:
    people = [a_person(created_at=NOW + n) for n in (2, 0, 1)]
    clients = [a_client(created_at=NOW + n) for n in (2, 0, 1)]
    await do(store, *(Put(noun=noun) for noun in people))
    await do(store, *(Put(noun=noun) for noun in clients))

    def born(noun: Person) -> int:
        return noun.created_at

    assert list(await store.people()) == sorted(people, key=born)
    assert [c.created_at for c in await store.clients()] == [NOW, NOW + 1, NOW + 2]


async def test_only_public_clients_that_stand_have_web_origins(store: Store) -> None:
    uris = ("https://spa.example/cb", "https://spa.example:8443/cb", "com.example:/cb")
    public = a_client(token_endpoint_auth_method="none", redirect_uris=uris)
    secret = a_client(redirect_uris=("https://server.example/cb",))
    await do(store, Put(noun=public), Put(noun=secret))
    assert await store.origin_registered("https://spa.example")
    assert await store.origin_registered("https://spa.example:8443")
    for other in ("https://server.example", "http://spa.example", "null", "com.example:"):
        assert not await store.origin_registered(other)
    await do(store, Put(noun=replace(public, redirect_uris=uris[1:])))
    assert not await store.origin_registered("https://spa.example")
    await do(store, Put(noun=replace(public, disabled=True)))
    assert not await store.origin_registered("https://spa.example:8443")
    await do(store, Put(noun=public))
    await do(store, Remove(kind="client", key=public.client_id))
    assert not await store.origin_registered("https://spa.example")
