"""How many bytes of a PostgreSQL one client, login, approval, code and refresh take."""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from troth.model.authorization import Authorization, Chain
from troth.model.change import AuditEvent, Change, Done, Once, Put, Redeem, Rotate, Verb
from troth.model.client import ClientSecret, RegisteredClient
from troth.model.person import Person, Session
from troth.settings import Settings
from troth.store import Store
from troth.store.open import migrated, open_store

COUNT = 5000
_TOGETHER = 8
_DAY = 86400
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_NOW = int(time.time())

_HELD = """
select pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
  sum(pg_total_relation_size(oid)),
  sum(pg_total_relation_size(oid)) filter (where relname = 'audit')
from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Bytes of one thing: in its tables and their indexes, in the audit, and in the log."""

    what: str
    kept: float
    audit: float
    wal: float


def _digest(kind: str, number: int) -> bytes:
    return hashlib.sha256(f"{kind}{number}".encode()).digest()[:16]


def _id(kind: str, number: int) -> str:
    return _digest(kind, number).hex()


def _client(number: int) -> Sequence[Verb]:
    client = RegisteredClient(
        client_id=_id("client", number)[:24],
        client_name=f"Application {number}",
        redirect_uris=(f"https://app-{number}.example/callback",),
        secrets=(ClientSecret.of(_id("secret", number)),),
        scope=("openid", "read_write"),
        created_at=_NOW,
    )
    return (Put(noun=client),)


def _person(number: int) -> Sequence[Verb]:
    person = Person(
        sub=_id("person", number),
        username=f"person{number}",
        email=f"person{number}@people.example",
        password_hash="h" * 97,
        created_at=_NOW,
    )
    return (Put(noun=person),)


def _login(number: int) -> Sequence[Verb]:
    session = Session(
        session_id=_id("session", number),
        secret_digest=os.urandom(32).hex(),
        sub=_id("person", number),
        epoch=1,
        authenticated_at=_NOW,
        last_seen_at=_NOW,
        expires_at=_NOW + _DAY // 2,
        user_agent=_BROWSER,
        network="203.0.113.0/24",
    )
    return (Put(noun=session),)


def _approval(number: int) -> Sequence[Verb]:
    authorization = Authorization(
        authorization_id=_id("authorization", number),
        sub=_id("person", number),
        client_id=_id("client", number)[:24],
        scope=("openid", "read_write"),
        created_at=_NOW,
        expires_at=_NOW + 365 * _DAY,
    )
    answered = Once(namespace="transaction", key=os.urandom(16), expires_at=_NOW + 3600)
    return answered, Put(noun=authorization)


def _code(number: int) -> Sequence[Verb]:
    chain = Chain(
        chain_id=_digest("chain", number),
        authorization_id=_id("authorization", number),
        client_id=_id("client", number)[:24],
        sub=_id("person", number),
        epoch=1,
        generation=1,
        created_at=_NOW,
        rotated_at=_NOW,
        expires_at=_NOW + 90 * _DAY,
    )
    return (Redeem(chain=chain, session_id=_id("session", number)),)


def _refresh(generation: int) -> Callable[[int], Sequence[Verb]]:
    def refresh(number: int) -> Sequence[Verb]:
        rotate = Rotate(
            chain_id=_digest("chain", number),
            generation=generation,
            now=_NOW + generation,
            idle_since=_NOW - 60 * _DAY,
        )
        return (rotate,)

    return refresh


_THINGS: Mapping[str, tuple[Callable[[int], Sequence[Verb]], str]] = {
    "client": (_client, ""),
    "person": (_person, ""),
    "login": (_login, "login"),
    "approval": (_approval, "consent"),
    "code (a chain begins)": (_code, "token.issued"),
    "first refresh": (_refresh(1), "token.refreshed"),
    "second refresh": (_refresh(2), "token.refreshed"),
    "third refresh": (_refresh(3), "token.refreshed"),
}


async def _done(store: Store, verbs: Callable[[int], Sequence[Verb]], event: str) -> None:
    """Commit one of these for each number, as its request would."""
    waiting = list(range(COUNT))

    async def worker() -> None:
        while waiting:
            number = waiting.pop()
            sub, client_id = _id("person", number), _id("client", number)[:24]
            noted = AuditEvent(event=event, outcome="ok", client_id=client_id, sub=sub)
            change = Change(verbs=tuple(verbs(number)), audit=(noted,) if event else ())
            outcome = await store.commit(change, request_id=_id("request", number)[:20])
            if outcome != Done():
                raise SystemExit(f"{event or 'registration'} {number} was not written: {outcome}")

    await asyncio.gather(*(worker() for _ in range(_TOGETHER)))


async def bytes_of_each(dsn: str) -> Sequence[Cost]:
    """Write some thousand of each kind into an empty database, and weigh it in between."""
    await migrated(Settings(database=dsn))
    store = await open_store(Settings(database=dsn))
    scales = await asyncpg.connect(dsn)
    costs = []
    try:
        await store.fresh()
        log, held, noted = await scales.fetchrow(_HELD)
        for what, (verbs, event) in _THINGS.items():
            await _done(store, verbs, event)
            before = log, held, noted
            log, held, noted = await scales.fetchrow(_HELD)
            wal, every, audit = (
                float(new - old) / COUNT
                for new, old in zip((log, held, noted), before, strict=True)
            )
            costs.append(Cost(what=what, kept=every - audit, audit=audit, wal=wal))
    finally:
        await scales.close()
        await store.close()
    return costs
