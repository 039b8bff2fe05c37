"""Nouns from rows and rows from nouns: one place, shared by every adapter."""

from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

import msgspec

from troth.accounts.names import login_key
from troth.model.authorization import Authorization, Chain, ChainState
from troth.model.change import Redeem
from troth.model.client import RegisteredClient
from troth.model.delivery import Delivery
from troth.model.person import Person, Scope, Session
from troth.model.request import Wishes
from troth.rules.redirect_uri import origin
from troth.signing.keys import StoredKey
from troth.store import Application, Trace

Row = Sequence[Any]
Values = dict[str, Any]


def asdict(noun: Any) -> Values:
    """The fields of a flat noun by name (`dataclasses.asdict` would copy deeply)."""
    return {name: getattr(noun, name) for name in _names(noun.__class__)}


@lru_cache(maxsize=64)
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def client(row: Row) -> RegisteredClient:
    return msgspec.json.decode(row[0], type=RegisteredClient)


def client_values(client: RegisteredClient) -> Values:
    return {
        "client_id": client.client_id,
        "client_name": client.client_name,
        "client_uri": client.client_uri,
        "metadata": msgspec.json.encode(client).decode(),
        "disabled": client.disabled,
        "created_at": client.created_at,
    }


def client_origins(client: RegisteredClient) -> set[str]:
    """Where a public client runs in a browser; none for those that have a secret."""
    if not client.public or client.disabled:
        return set()
    return {found for uri in client.redirect_uris if (found := origin(uri)) is not None}


def person(row: Row) -> Person:
    sub, username, email, password_hash, epoch, disabled, created_at, claims = row
    return Person(
        sub=sub,
        username=username,
        email=email,
        password_hash=password_hash,
        epoch=epoch,
        disabled=bool(disabled),
        created_at=created_at,
        claims=msgspec.json.decode(claims),
    )


def person_values(person: Person, former: Person | None) -> Values:
    """A person's columns, and under `was_` what the writer had read of those that may stay."""
    told = _told(person)
    read = dict.fromkeys(told) if former is None else _told(former)
    was = {f"was_{name}": "" if former and value is None else value for name, value in read.items()}
    return {**asdict(person), **told, **was}


def _told(person: Person) -> Values:
    return {
        "username": person.username,
        "username_key": login_key(person.username),
        "email": person.email,
        "email_key": login_key(person.email) if person.email else None,
        "claims": msgspec.json.encode(person.claims).decode(),
    }


def session(row: Row) -> Session:
    return Session(
        session_id=row[0],
        secret_digest=row[1],
        sub=row[2],
        epoch=row[3],
        authenticated_at=row[4],
        last_seen_at=row[5],
        expires_at=row[6],
        user_agent=row[7],
        network=row[8],
        ended_at=row[9],
        acr=row[10],
        amr=row[11],
    )


def session_with_person(row: Row) -> tuple[Session, Person]:
    username, email, password_hash, epoch, created_at, claims = row[12:]
    return session(row), Person(
        sub=row[2],
        username=username,
        email=email,
        password_hash=password_hash,
        epoch=epoch,
        created_at=created_at,
        claims=msgspec.json.decode(claims),
    )


def scope(row: Row) -> Scope:
    name, description, required, default = row
    return Scope(name=name, description=description, required=bool(required), default=bool(default))


def key(row: Row) -> StoredKey:
    kid, use, alg, created_at, signs_from, ends_at, wrapped = row
    return StoredKey(
        kid=kid,
        use=use,
        alg=alg,
        created_at=created_at,
        signs_from=signs_from,
        ends_at=ends_at,
        wrapped=wrapped,
    )


def trace(row: Row) -> Trace:
    request_id, at, endpoint, error, reason = row
    return Trace(request_id=request_id, at=at, endpoint=endpoint, error=error, reason=reason)


def authorization(row: Row) -> Authorization:
    return Authorization(
        authorization_id=row[0],
        sub=row[1],
        client_id=row[2],
        scope=tuple(row[3].split()),
        created_at=row[4],
        expires_at=row[5],
        revoked_at=row[6],
        declined=tuple(row[7].split()),
    )


def authorization_values(authorization: Authorization) -> Values:
    return {
        **asdict(authorization),
        "scope": " ".join(authorization.scope),
        "declined": " ".join(authorization.declined),
    }


def chain_state(row: Row) -> ChainState:
    chain = Chain(
        chain_id=row[0],
        authorization_id=row[1],
        client_id=row[2],
        sub=row[3],
        epoch=row[4],
        generation=row[5],
        created_at=row[6],
        rotated_at=row[7],
        expires_at=row[8],
        revoked_at=row[9],
        session_id=row[10],
        offline=bool(row[11]),
        wishes=msgspec.json.decode(row[12], type=Wishes) if row[12] else None,
    )
    return ChainState(
        chain=chain,
        approved=None if row[13] is None else tuple(row[13].split()),
        person_stands=bool(row[14]),
        username=row[15],
        session_stands=bool(row[16]),
    )


def chain_with_person(row: Row) -> tuple[ChainState, Person]:
    return chain_state(row[:17]), person(row[17:])


def redeem_values(redeem: Redeem) -> Values:
    chain = redeem.chain
    return {
        **asdict(chain),
        "offline": int(chain.offline),
        "asked": None if chain.wishes is None else msgspec.json.encode(chain.wishes).decode(),
        "login_session": redeem.session_id,
    }


def delivery(row: Row) -> Delivery:
    delivery_id, client_id, sub, session_id, attempts, expires_at = row
    return Delivery(
        delivery_id=delivery_id,
        client_id=client_id,
        sub=sub,
        session_id=session_id,
        attempts=attempts,
        expires_at=expires_at,
    )


def application(rows: Sequence[Row]) -> Application:
    """One connected client from all its standing authorizations."""
    registered = msgspec.json.decode(rows[0][1], type=RegisteredClient)
    names = {name: None for row in rows for name in row[2].split()}
    return Application(
        client_id=registered.client_id,
        client_name=registered.client_name,
        client_uri=registered.client_uri,
        access_token_format=registered.access_token_format,
        access_token_lifetime=registered.access_token_lifetime,
        scope=tuple(names),
        first_used=min(row[3] for row in rows),
        last_used=max(row[4] for row in rows),
    )
