"""The storage step of the limit: statements in batches as Troth has them, and no more."""

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import asyncpg

_TABLE = (
    "create table if not exists chain (chain_id {blob} primary key, generation integer not null,"
    " revoked integer not null, facts text not null)"
)
_FACTS = "x" * 120


class Store(Protocol):
    """What a row does with the database."""

    async def redeem(self, chain_id: bytes) -> bool: ...

    async def rotate(self, chain_id: bytes, generation: int) -> bool: ...

    async def revoke(self, chain_id: bytes) -> bool: ...

    async def read(self, chain_id: bytes) -> object: ...


class SQLite:
    """Reads in line; writes of concurrent requests in one transaction of a thread."""

    _SQL = (
        "insert into chain values (?, 0, 0, ?) on conflict do nothing",
        "update chain set generation = generation + 1 where chain_id = ? and generation = ?",
        "update chain set revoked = 1 where chain_id = ?",
    )

    def __init__(self, path: str) -> None:
        self._reader = self._connect(path)
        self._reader.execute(_TABLE.format(blob="blob"))
        self._path = path
        self._waiting: list[tuple[str, Any, asyncio.Future[bool]]] = []
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
            done = [db.execute(sql, values).rowcount == 1 for sql, values, _ in batch]
            db.execute("commit")
            futures = [future for _, _, future in batch]
            self._loop.call_soon_threadsafe(self._settle, futures, done)

    @staticmethod
    def _settle(futures: Sequence["asyncio.Future[bool]"], done: Sequence[bool]) -> None:
        for future, one in zip(futures, done, strict=True):
            future.set_result(one)

    def _do(self, sql: str, values: Any) -> "asyncio.Future[bool]":
        future: asyncio.Future[bool] = self._loop.create_future()
        with self._wake:
            self._waiting.append((sql, values, future))
            self._wake.notify()
        return future

    async def redeem(self, chain_id: bytes) -> bool:
        return await self._do(self._SQL[0], (chain_id, _FACTS))

    async def rotate(self, chain_id: bytes, generation: int) -> bool:
        return await self._do(self._SQL[1], (chain_id, generation))

    async def revoke(self, chain_id: bytes) -> bool:
        return await self._do(self._SQL[2], (chain_id,))

    async def read(self, chain_id: bytes) -> object:
        return self._reader.execute(
            "select * from chain where chain_id = ?", (chain_id,)
        ).fetchone()


class Postgres:
    """One statement for the requests that wait; one batch of a kind under way at a time."""

    _SQL: ClassVar = {
        "redeem": "insert into chain select unnest($1::bytea[]), 0, 0, $2 "
        "on conflict do nothing returning chain_id",
        "rotate": "with asked as (select * from unnest($1::bytea[], $2::int[]) as a(id, g)), "
        "mine as (select chain_id from chain join asked on chain_id = id and generation = g "
        "order by chain_id for update skip locked) update chain set generation = generation + 1 "
        "where chain_id in (select chain_id from mine) returning chain_id",
        "revoke": "update chain set revoked = 1 where chain_id = any($1::bytea[]) "
        "returning chain_id",
        "read": "select chain_id, generation, revoked, facts from chain "
        "where chain_id = any($1::bytea[])",
    }

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._waiting: dict[str, list[Any]] = {kind: [] for kind in self._SQL}
        self._flying: dict[str, asyncio.Task[None]] = {}

    async def _do(self, kind: str, chain_id: bytes, generation: int = 0) -> bool:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[kind].append((chain_id, generation, future))
        if kind not in self._flying:
            self._flying[kind] = asyncio.get_running_loop().create_task(self._fly(kind))
        return await future

    async def _fly(self, kind: str) -> None:
        while self._waiting[kind]:
            batch, self._waiting[kind] = self._waiting[kind][:128], self._waiting[kind][128:]
            ids = [chain_id for chain_id, _, _ in batch]
            more: list[Any] = []
            if kind == "redeem":
                more = [_FACTS]
            elif kind == "rotate":
                more = [[generation for _, generation, _ in batch]]
            found = await self._pool.fetch(self._SQL[kind], ids, *more)
            won = {row[0] for row in found}
            for chain_id, _, future in batch:
                future.set_result(chain_id in won)
        del self._flying[kind]

    async def redeem(self, chain_id: bytes) -> bool:
        return await self._do("redeem", chain_id)

    async def rotate(self, chain_id: bytes, generation: int) -> bool:
        return await self._do("rotate", chain_id, generation)

    async def revoke(self, chain_id: bytes) -> bool:
        return await self._do("revoke", chain_id)

    async def read(self, chain_id: bytes) -> object:
        return await self._do("read", chain_id)


async def open_store(database: str) -> Store:
    """`postgresql://…`, or the path of a SQLite file."""
    if not database.startswith("postgresql://"):
        return SQLite(database)

    async def leave(_: asyncpg.Connection) -> None: ...

    pool = await asyncpg.create_pool(database, min_size=4, max_size=4, reset=leave)
    await pool.execute(_TABLE.format(blob="bytea"))
    return Postgres(pool)
