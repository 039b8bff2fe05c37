"""The port over an SQL engine: what is read, what is kept in memory, what is written behind.

It knows its statements by name only: an `Engine` runs them.
"""

import time
from collections.abc import Mapping, Sequence
from itertools import groupby

from troth import log
from troth.model.authorization import Authorization, ChainState
from troth.model.change import AuditEvent, Change, Done, Outcome
from troth.model.client import RegisteredClient
from troth.model.person import Person, Scope, Session
from troth.signing.keys import StoredKey
from troth.store import Application, StoreUnavailable, Trace, rows
from troth.store.apply import tells
from troth.store.batches import Batches
from troth.store.ending import Told, end_everything
from troth.store.engine import DEADLINE
from troth.store.engine import Engine as Engine  # noqa: PLC0414 (named here too)
from troth.store.engine import Step as Step  # noqa: PLC0414
from troth.store.notes import Note, Notes, say
from troth.store.outbox import SQLOutbox

MOST_CLIENTS = 10_000
_DAY = 86400
# What is done before things of a kind go.
_BEFORE = {
    "authorization": ("purge_chains_of_ended",),
    "chain": ("keep_chains_of_sessions",),
    "session": ("purge_chains_of_ended_sessions",),
}
# Seconds from one turn of keeping house to the next, whichever process takes it.
_APART = 50


class SQLStore:
    """The whole port. Made by `open_store`, which sees to the schema first."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.outbox = SQLOutbox(engine)
        self._revision = -1
        self._scopes: Mapping[str, Scope] = {}
        self._keys: tuple[StoredKey, ...] = ()
        self._clients: dict[str, RegisteredClient] = {}
        self._reloads = Batches(self._reload, key=None, patience=DEADLINE)
        self._notes = Notes(self._write_notes)

    # Reads

    async def fresh(self) -> None:
        if await self._engine.revision() == self._revision:
            return
        self._clients = {}
        await self._reloads.do(None)

    async def _reload(self, waiting: Sequence[None]) -> Sequence[None]:
        """Once for all who wait; who came while it was read finds here whether that was enough."""
        revision = await self._engine.revision()
        if revision != self._revision:
            try:
                scopes = await self._engine.rows("scopes", {})
                keys = await self._engine.rows("keys", {})
            except StoreUnavailable as error:
                log.logger().warning("catalog.stale", reason=str(error)[:200])
                raise
            self._scopes = {row[0]: rows.scope(row) for row in scopes}
            self._keys = tuple(rows.key(row) for row in keys)
            self._revision = revision
        return waiting

    @property
    def scopes(self) -> Mapping[str, Scope]:
        return self._scopes

    @property
    def keys(self) -> tuple[StoredKey, ...]:
        return self._keys

    async def client(self, client_id: str) -> RegisteredClient | None:
        client = self._clients.get(client_id) if self._engine.current else None
        if client is None:
            kept = self._clients
            row = await self._engine.row("client", {"client_id": client_id})
            if row is None:
                return None
            client = rows.client(row)
            # What was dropped while the row was read is not the dictionary that it goes into.
            if len(kept) < MOST_CLIENTS:
                kept[client_id] = client
        return client

    async def person(self, sub: str) -> Person | None:
        row = await self._engine.row("person", {"sub": sub})
        return None if row is None else rows.person(row)

    async def person_by_login(self, key: str) -> Person | None:
        row = await self._engine.row("person_by_login", {"key": key})
        return None if row is None else rows.person(row)

    async def session(self, secret_digest: str) -> tuple[Session, Person] | None:
        row = await self._engine.row("session", {"secret_digest": secret_digest})
        return None if row is None else rows.session_with_person(row)

    async def authorization(self, sub: str, client_id: str) -> Authorization | None:
        row = await self._engine.row("authorization", {"sub": sub, "client_id": client_id})
        return None if row is None else rows.authorization(row)

    async def chain(self, chain_id: bytes) -> ChainState | None:
        values = {"chain_id": chain_id, "now": int(time.time())}
        row = await self._engine.row("chain", values)
        return None if row is None else rows.chain_state(row)

    async def chain_with_person(self, chain_id: bytes) -> tuple[ChainState, Person] | None:
        values = {"chain_id": chain_id, "now": int(time.time())}
        row = await self._engine.row("chain_with_person", values)
        return None if row is None else rows.chain_with_person(row)

    async def clients_of_session(self, session_id: str) -> Sequence[str]:
        found = await self._engine.rows("clients_of_session", {"session_id": session_id})
        return [row[0] for row in found]

    async def stored_code(self, code_id: bytes) -> str | None:
        row = await self._engine.row("stored_code", {"code_id": code_id})
        return None if row is None else str(row[0])

    async def origin_registered(self, origin: str) -> bool:
        return await self._engine.row("origin_registered", {"origin": origin}) is not None

    async def spent(self, namespace: str, key: bytes) -> bool:
        return await self._engine.row("spent", {"namespace": namespace, "key": key}) is not None

    # Listings

    async def sessions_of(self, sub: str) -> Sequence[Session]:
        return [rows.session(row) for row in await self._engine.rows("sessions_of", {"sub": sub})]

    async def applications_of(self, sub: str) -> Sequence[Application]:
        values = {"sub": sub, "now": int(time.time())}
        found = sorted(await self._engine.rows("applications_of", values), key=lambda row: row[0])
        return [rows.application(list(group)) for _, group in groupby(found, lambda row: row[0])]

    async def clients(self) -> Sequence[RegisteredClient]:
        return [rows.client(row) for row in await self._engine.rows("clients", {})]

    async def approved(self, client_id: str) -> bool:
        return await self._engine.row("approved", {"client_id": client_id}) is not None

    async def people(self) -> Sequence[Person]:
        return [rows.person(row) for row in await self._engine.rows("people", {})]

    async def trace(self, request_id: str) -> Sequence[Trace]:
        found = await self._engine.rows("trace", {"request_id": request_id})
        return [rows.trace(row) for row in found]

    # Writes

    async def commit(self, change: Change, *, request_id: str = "") -> Outcome:
        if not change.verbs:
            self.note(*change.audit, request_id=request_id)
            return Done()
        now = int(time.time())
        steps = [step for event in change.audit for step in _steps(event, request_id, now)]
        outcome = await self._engine.commit(change, steps)
        if isinstance(outcome, Done):
            say(change.audit, request_id)
            if tells(change):
                self.outbox.posted.set()
        return outcome

    def note(self, *entries: AuditEvent | Trace, request_id: str = "") -> None:
        self._notes.add(entries, request_id)

    async def _write_notes(self, notes: Sequence[Note]) -> None:
        await self._engine.run([step for note in notes for step in _steps(*note)])

    async def purge(self, name: str, before: int) -> int:
        """Delete up to 1000 rows of one kind that ended before a time; how many there were.

        An authorization and an ended session take their chains along: what has ended with them
        is of no use either. The last chain that an application has in a login session stays until
        that has ended: it is told of it then.
        """
        statements = (*_BEFORE.get(name, ()), f"purge_{name}")
        return await self._engine.run([(one, {"before": before}) for one in statements])

    async def take_turn(self, now: int) -> int | None:
        values = {"now": now, "jump": _DAY, "pause": _DAY, "apart": _APART}
        if await self._engine.run([("see_clock", values)]) != 1:
            return None
        row = await self._engine.row("believed_from", {})
        return None if row is None else max(0, row[0] - now)

    async def put_keys(self, keys: Sequence[StoredKey], event: AuditEvent) -> None:
        """Insert new keys and update when old ones end, together with what is noted of it."""
        steps: list[Step] = [("put_key", rows.asdict(key)) for key in keys]
        await self._engine.run([*steps, ("bump", {}), *_steps(event, "", int(time.time()))])
        say((event,), "")

    async def add_keys(self, keys: Sequence[StoredKey]) -> None:
        await self._engine.run([*(("add_key", rows.asdict(key)) for key in keys), ("bump", {})])

    async def end_everything(self, at: int, told: Told) -> None:
        await end_everything(self._engine, at, told)

    async def ready(self) -> bool:
        try:
            await self._engine.row("revision", {})
        except StoreUnavailable:
            return False
        return True

    async def close(self) -> None:
        await self._notes.close()
        await self._engine.close()


def _steps(entry: AuditEvent | Trace, request_id: str, at: int) -> Sequence[Step]:
    if isinstance(entry, Trace):
        return [("put_trace", rows.asdict(entry)), ("next_slot", {})]
    values = {
        "at": at,
        "event": entry.event,
        "outcome": entry.outcome,
        "actor": entry.actor,
        "client_id": entry.client_id,
        "sub": entry.sub,
        "request_id": request_id,
        "detail": entry.detail,
    }
    return [("audit", values)]
