"""Nouns with new ids, as small as they may be."""

import os
import time
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from troth.model.authorization import Authorization, Chain, ChainState
from troth.model.change import Change, Done, Outcome, Put, Redeem, Rotate, Verb
from troth.model.client import RegisteredClient
from troth.model.person import Person, Session
from troth.store import Store

NOW = int(time.time())
HOUR, DAY = 3600, 86400

N = TypeVar("N")


def name(prefix: str) -> str:
    return f"{prefix}{os.urandom(6).hex()}"


def a_person(**changes: Any) -> Person:
    username = name("user")
    made = Person(
        sub=name("sub"), username=username, email=f"{username}@people.example", created_at=NOW
    )
    return replace(made, **changes)


def a_client(**changes: Any) -> RegisteredClient:
    made = RegisteredClient(client_id=name("client"), client_name="Canary", created_at=NOW)
    return replace(made, **changes)


def a_session(person: Person, **changes: Any) -> Session:
    made = Session(
        session_id=name("session"),
        secret_digest=os.urandom(32).hex(),
        sub=person.sub,
        epoch=person.epoch,
        authenticated_at=NOW,
        last_seen_at=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(made, **changes)


def an_authorization(person: Person, client: RegisteredClient, **changes: Any) -> Authorization:
    made = Authorization(
        authorization_id=name("authorization"),
        sub=person.sub,
        client_id=client.client_id,
        scope=("read", "write"),
        created_at=NOW,
        expires_at=NOW + 9 * DAY,
    )
    return replace(made, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a code stands on."""

    client: RegisteredClient
    person: Person
    session: Session
    authorization: Authorization

    def redeem(self, **changes: Any) -> Redeem:
        made = Chain(
            chain_id=os.urandom(16),
            authorization_id=self.authorization.authorization_id,
            client_id=self.client.client_id,
            sub=self.person.sub,
            epoch=self.person.epoch,
            generation=1,
            created_at=NOW,
            rotated_at=NOW,
            expires_at=NOW + DAY,
        )
        return Redeem(chain=replace(made, **changes), session_id=self.session.session_id)


async def standing(store: Store) -> Grant:
    person, client = a_person(), a_client()
    grant = Grant(
        client=client,
        person=person,
        session=a_session(person),
        authorization=an_authorization(person, client),
    )
    for noun in (client, person, grant.session, grant.authorization):
        assert await do(store, Put(noun=noun)) == Done()
    return grant


async def do(store: Store, *verbs: Verb) -> Outcome:
    return await store.commit(Change(verbs=verbs))


async def redeemed(store: Store, grant: Grant, **changes: Any) -> bytes:
    """The id of a chain that stands."""
    redeem = grant.redeem(**changes)
    assert await do(store, redeem) == Done()
    return redeem.chain.chain_id


async def state(store: Store, chain_id: bytes) -> ChainState:
    found = await store.chain(chain_id)
    assert found is not None
    return found


def rotate(chain_id: bytes, generation: int = 1, **changes: Any) -> Rotate:
    made = Rotate(chain_id=chain_id, generation=generation, now=NOW + 1, idle_since=NOW - DAY)
    return replace(made, **changes)
