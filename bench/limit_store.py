"""The storage step of the limit: Troth's tables and statements, audit row included, and no more.

Batched as Troth batches them and as durable; none of its ports, changes, deadlines or outcomes.
"""

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import asyncpg

from troth.model.authorization import Authorization
from troth.model.change import Change, Done, Put
from troth.model.client import RegisteredClient
from troth.model.person import Person, Session
from troth.settings import Settings
from troth.store import statements
from troth.store.open import migrated
from troth.store.open import open_store as open_troth

_NOW = int(time.time())
_SUB, _CLIENT, _ID = "a" * 22, "b" * 22, "c" * 32
SESSION_ID = _ID
_FOREVER = _NOW + 10**8
Values = Mapping[str, Any]

SESSION: Values = {"secret_digest": "d" * 64}
AUTHORIZATION: Values = {"sub": _SUB, "client_id": _CLIENT}
_NOTE: Values = {
    "at": _NOW, "event": "token.refreshed", "outcome": "ok", "actor": "", "client_id": _CLIENT,
    "sub": _SUB, "request_id": "e" * 20, "detail": "",
}  # fmt: skip


def redeem(chain_id: bytes, session_id: str | None = None) -> Values:
    """A chain; one that stands only as long as a login session, where `session_id` names it."""
    return {
        "chain_id": chain_id, "authorization_id": _ID, "client_id": _CLIENT, "sub": _SUB,
        "epoch": 1, "generation": 1, "created_at": _NOW, "rotated_at": _NOW,
        "expires_at": _FOREVER, "session_id": session_id, "offline": 0, "asked": None,
        "login_session": _ID, "change_id": os.urandom(8),
    }  # fmt: skip


def rotate(chain_id: bytes, generation: int) -> Values:
    return {
        "chain_id": chain_id, "generation": generation, "now": _NOW, "idle_since": 0,
        "change_id": os.urandom(8),
    }  # fmt: skip


def revoke(chain_id: bytes) -> Values:
    return {
        "chain_id": chain_id, "key": chain_id, "at": _NOW, "revoked_at": _NOW,
        "change_id": os.urandom(8),
    }  # fmt: skip


def chain(chain_id: bytes) -> Values:
    return {"chain_id": chain_id, "now": _NOW}


class Store(Protocol):
    """What a row does with the database: durable writes by their name, and reads."""

    async def write(self, name: str, values: Values) -> bool: ...

    async def read(self, name: str, values: Values) -> object: ...


class SQLite:
    """Reads in line; writes of concurrent requests in one transaction of a thread."""

    def __init__(self, path: str) -> None:
        self._sql = dict(statements.load("sqlite"))
        self._sql["revoke"] = self._sql["revoke_chain"]
        self._reader = self._connect(path)
        self._path = path
        self._waiting: list[tuple[str, Values, asyncio.Future[bool]]] = []
        self._wake = threading.Condition()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._write, daemon=True).start()

    @staticmethod
    def _connect(path: str) -> sqlite3.Connection:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        return db

    def _write(self) -> None:
        db = self._connect(self._path)
        while True:
            with self._wake:
                while not self._waiting:
                    self._wake.wait()
                batch, self._waiting = self._waiting[:128], self._waiting[128:]
            db.execute("begin immediate")
            done = [db.execute(self._sql[name], values).rowcount == 1 for name, values, _ in batch]
            db.executemany(self._sql["audit"], [_NOTE] * len(batch))
            db.execute("commit")
            futures = [future for _, _, future in batch]
            self._loop.call_soon_threadsafe(self._settle, futures, done)

    @staticmethod
    def _settle(futures: Sequence["asyncio.Future[bool]"], done: Sequence[bool]) -> None:
        for future, one in zip(futures, done, strict=True):
            future.set_result(one)

    async def write(self, name: str, values: Values) -> bool:
        future: asyncio.Future[bool] = self._loop.create_future()
        with self._wake:
            self._waiting.append((name, values, future))
            self._wake.notify()
        return await future

    async def read(self, name: str, values: Values) -> object:
        return self._reader.execute(self._sql[name], values).fetchone()


class Postgres:
    """One statement for the requests that wait; one batch of a kind under way at a time."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        loaded = statements.load("postgres")
        self._sql = {name: statements.numbered(text) for name, text in loaded.items()}
        self._pool = pool
        self._waiting: dict[str, list[tuple[Values, asyncio.Future[bool]]]] = {}
        self._flying: dict[str, asyncio.Task[None]] = {}

    async def write(self, name: str, values: Values) -> bool:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, []).append((values, future))
        if name not in self._flying:
            self._flying[name] = asyncio.get_running_loop().create_task(self._fly(name))
        return await future

    async def read(self, name: str, values: Values) -> object:
        return await self.write(name, values)

    async def _fly(self, name: str) -> None:
        sql, names = self._sql[f"{name}_many"]
        while self._waiting[name]:
            batch = self._waiting[name][:128]
            self._waiting[name] = self._waiting[name][128:]
            every = arrays(name, [one for one, _ in batch])
            found = await self._pool.fetch(sql, *(every[n] for n in names))
            won = {row[0] for row in found}
            for one, future in batch:
                future.set_result(one.get("chain_id") in won)
        del self._flying[name]


_READS = ("chain", "session", "authorization")


def arrays(name: str, batch: Sequence[Values]) -> Mapping[str, Any]:
    """What the statement for many of that name is given for a batch."""
    return _keys(batch) if name in _READS else _changes(batch)


def _keys(batch: Sequence[Values]) -> Mapping[str, Any]:
    """Each key once, whoever asks for it."""
    once = {tuple(one.values()): one for one in batch}.values()
    return {n: [one[n] for one in once] for n in batch[0]} | {"now": _NOW}


def _changes(batch: Sequence[Values]) -> Mapping[str, Any]:
    columns: dict[str, Any] = {n: [one[n] for one in batch] for n in batch[0]}
    notes = {n: [value] * len(batch) for n, value in _NOTE.items() if n not in columns}
    notes["note_of"] = columns["chain_id"]
    notes["note_client"] = [_CLIENT] * len(batch)
    notes["note_sub"] = [_SUB] * len(batch)
    return notes | columns | {"at": notes.get("at", [_NOW] * len(batch))}


async def open_store(database: str) -> Store:
    """`postgresql://…`, or the path of a SQLite file: migrated, with what the rows stand on."""
    postgres = database.startswith("postgresql://")
    settings = Settings(database=database if postgres else f"sqlite://{database}")
    await migrated(settings)
    troth = await open_troth(settings)
    nouns = (
        Person(sub=_SUB, username="ada", password_hash="", created_at=_NOW, email=None),
        RegisteredClient(client_id=_CLIENT, client_name="Limit"),
        Authorization(
            authorization_id=_ID, sub=_SUB, client_id=_CLIENT, scope=("read_write",),
            created_at=_NOW, expires_at=_FOREVER,
        ),
        Session(
            session_id=_ID, secret_digest="d" * 64, sub=_SUB, epoch=1, authenticated_at=_NOW,
            last_seen_at=_NOW, expires_at=_FOREVER, user_agent="", network="",
        ),
    )  # fmt: skip
    for noun in nouns:
        assert await troth.commit(Change(verbs=(Put(noun=noun),), audit=())) == Done()
    await troth.close()
    if not postgres:
        return SQLite(database)

    async def leave(_: asyncpg.Connection) -> None: ...

    return Postgres(await asyncpg.create_pool(database, min_size=4, max_size=4, reset=leave))
