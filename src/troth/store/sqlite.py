"""The SQLite adapter: reads in line on the loop, writes grouped on one writer thread."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from troth.model.authorization import Authorization, ChainState
from troth.model.change import AuditEvent, Change, Done, Outcome
from troth.model.client import RegisteredClient
from troth.model.person import Person, Scope, Session
from troth.signing.keys import StoredKey
from troth.store import Application, StoreUnavailable, Trace, rows
from troth.store.notes import Note, Notes, say
from troth.store.sqlite_writer import SQL, Writer, connect

MOST_CLIENTS = 10_000


class SQLiteStore:
    """The whole port over one file. Made by `open_store`, which migrates first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = connect(path, write=False)
        self._writer = Writer(path)
        self._revision = -1
        self._scopes: Mapping[str, Scope] = {}
        self._keys: tuple[StoredKey, ...] = ()
        self._clients: dict[str, RegisteredClient] = {}
        self._notes = Notes(self._write_notes)

    def _row(self, name: str, **values: Any) -> Any:
        try:
            return self._db.execute(SQL[name], values).fetchone()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from None

    def _rows(self, name: str, **values: Any) -> list[Any]:
        try:
            return self._db.execute(SQL[name], values).fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from None

    # Reads

    async def fresh(self) -> None:
        revision = self._row("revision")[0]
        if revision == self._revision:
            return
        self._scopes = {row[0]: rows.scope(row) for row in self._rows("scopes")}
        self._keys = tuple(
            StoredKey(
                kid=r[0],
                use=r[1],
                alg=r[2],
                created_at=r[3],
                signs_from=r[4],
                ends_at=r[5],
                wrapped=r[6],
            )
            for r in self._rows("keys")
        )
        self._clients = {}
        self._revision = revision

    @property
    def scopes(self) -> Mapping[str, Scope]:
        return self._scopes

    @property
    def keys(self) -> tuple[StoredKey, ...]:
        return self._keys

    async def client(self, client_id: str) -> RegisteredClient | None:
        client = self._clients.get(client_id)
        if client is None:
            row = self._row("client", client_id=client_id)
            if row is None:
                return None
            client = rows.client(row)
            if len(self._clients) < MOST_CLIENTS:
                self._clients[client_id] = client
        return client

    async def person(self, sub: str) -> Person | None:
        row = self._row("person", sub=sub)
        return None if row is None else rows.person(row)

    async def person_by_login(self, key: str) -> Person | None:
        row = self._row("person_by_login", key=key)
        return None if row is None else rows.person(row)

    async def session(self, secret_digest: str) -> tuple[Session, Person] | None:
        row = self._row("session", secret_digest=secret_digest)
        return None if row is None else rows.session_with_person(row)

    async def authorization(self, sub: str, client_id: str) -> Authorization | None:
        row = self._row("authorization", sub=sub, client_id=client_id)
        return None if row is None else rows.authorization(row)

    async def chain(self, chain_id: bytes) -> ChainState | None:
        row = self._row("chain", chain_id=chain_id, now=int(time.time()))
        return None if row is None else rows.chain_state(row)

    async def origin_registered(self, origin: str) -> bool:
        return self._row("origin_registered", origin=origin) is not None

    async def spent(self, namespace: str, key: bytes) -> bool:
        return self._row("spent", namespace=namespace, key=key) is not None

    # Listings

    async def sessions_of(self, sub: str) -> Sequence[Session]:
        return [rows.session(row) for row in self._rows("sessions_of", sub=sub)]

    async def applications_of(self, sub: str) -> Sequence[Application]:
        found = self._rows("applications_of", sub=sub, now=int(time.time()))
        found.sort(key=lambda row: row[0])
        return [rows.application(list(group)) for _, group in groupby(found, lambda row: row[0])]

    async def clients(self) -> Sequence[RegisteredClient]:
        return [rows.client(row) for row in self._rows("clients")]

    async def people(self) -> Sequence[Person]:
        return [rows.person(row) for row in self._rows("people")]

    async def trace(self, request_id: str) -> Sequence[Trace]:
        return [
            Trace(request_id=r[0], at=r[1], endpoint=r[2], error=r[3], reason=r[4])
            for r in self._rows("trace", request_id=request_id)
        ]

    # Writes

    async def commit(self, change: Change, *, request_id: str = "") -> Outcome:
        if not change.verbs:
            self.note(*change.audit, request_id=request_id)
            return Done()
        now = int(time.time())

        def audit(db: sqlite3.Connection) -> None:
            for event in change.audit:
                _write_note(db, event, request_id, now)

        outcome: Outcome = await self._writer.commit(change, audit)
        if isinstance(outcome, Done):
            say(change.audit, request_id)
        return outcome

    def note(self, *entries: AuditEvent | Trace, request_id: str = "") -> None:
        self._notes.add(entries, request_id)

    async def _write_notes(self, notes: Sequence[Note]) -> None:
        def work(db: sqlite3.Connection) -> None:
            for entry, request_id, at in notes:
                _write_note(db, entry, request_id, at)

        await self._writer.submit(work)

    async def purge(self, name: str, before: int) -> int:
        """Delete up to 1000 rows of one kind that ended before a time; how many there were."""
        statement = SQL[f"purge_{name}"]
        removed: int = await self._writer.submit(
            lambda db: db.execute(statement, {"before": before}).rowcount
        )
        return removed

    async def put_keys(self, keys: Sequence[StoredKey]) -> None:
        """Insert new keys and update when old ones end."""

        def work(db: sqlite3.Connection) -> None:
            for key in keys:
                db.execute(SQL["put_key"], rows.asdict(key))
            db.execute(SQL["bump"])

        await self._writer.submit(work)

    async def end_everything(self, at: int) -> None:
        """End every chain and session: what a restored copy could revive."""

        def work(db: sqlite3.Connection) -> None:
            db.execute(SQL["end_every_chain"], {"at": at})
            db.execute(SQL["end_every_session"], {"at": at})
            db.execute(SQL["bump"])

        await self._writer.submit(work)

    async def ready(self) -> bool:
        try:
            await self.fresh()
        except StoreUnavailable:
            return False
        return True

    async def close(self) -> None:
        await self._notes.close()
        self._writer.close()
        self._db.close()


def _write_note(
    db: sqlite3.Connection, entry: AuditEvent | Trace, request_id: str, at: int
) -> None:
    if isinstance(entry, Trace):
        db.execute(SQL["put_trace"], rows.asdict(entry))
        db.execute(SQL["next_slot"])
    else:
        db.execute(SQL["audit"], {**rows.asdict(entry), "request_id": request_id, "at": at})
