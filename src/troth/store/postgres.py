"""PostgreSQL: the hot changes and reads of concurrent requests travel together.

Three shapes of change are batched, each one statement: redeem, rotate and revoke of a chain; and
reads of one row by its key. Every other change is a transaction of its own, and so is one that a
batch did not apply: it is there that it waits for locks, and learns what it lost against.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from troth.model.change import Change, Done, Exists, Outcome, Put
from troth.model.person import Person
from troth.store import StoreUnavailable, statements
from troth.store.apply import apply, bumps
from troth.store.batches import Batches
from troth.store.engine import DEADLINE, Step
from troth.store.postgres_hot import HOT, READS, Entry, Keyed, columns, entry, notes
from troth.store.postgres_link import InDoubt, Link, whole
from troth.store.postgres_watch import Watch
from troth.store.rows import Row

SQL = {name: statements.numbered(text) for name, text in statements.load("postgres").items()}

# Nobody asks what came of these, nor in which order: each kind goes as one. The ring of traces has
# a sequence for its slots.
_NOTES = {"audit", "put_trace", "next_slot"}
_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Statements:
    """The named statements on the connection of one transaction (`apply.Statements`)."""

    def __init__(self, connection: asyncpg.Connection, change_id: bytes = b"") -> None:
        self._connection = connection
        self._change_id = change_id

    async def execute(self, name: str, values: Mapping[str, Any]) -> int:
        sql, names = SQL[name]
        status: str = await self._connection.execute(sql, *self._values(names, values))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def row(self, name: str, values: Mapping[str, Any]) -> Row | None:
        sql, names = SQL[name]
        found: Row | None = await self._connection.fetchrow(sql, *self._values(names, values))
        return found

    async def rows(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        sql, names = SQL[name]
        found: Sequence[Row] = await self._connection.fetch(sql, *self._values(names, values))
        return found

    async def many(self, name: str, values: Sequence[Mapping[str, Any]]) -> None:
        sql, names = SQL[name]
        await self._connection.executemany(sql, [self._values(names, one) for one in values])

    def _values(self, names: Sequence[str], values: Mapping[str, Any]) -> list[Any]:
        return [
            self._change_id if n == "change_id" and n not in values else values[n] for n in names
        ]


class Postgres:
    """The engine over a database whose schema was checked before."""

    def __init__(self, dsn: str, *, pooled: bool = False) -> None:
        self._link = Link(dsn, pooled=pooled)
        self._watch = Watch(self._link)
        self._reads = {name: self._together(name, keyed) for name, keyed in READS.items()}
        self._hot = {name: self._batches(name) for name in HOT}

    async def open(self) -> None:
        await self._link.open()
        await self._watch.start()

    @property
    def current(self) -> bool:
        return self._watch.current

    async def revision(self) -> int:
        return self._watch.revision

    async def row(self, name: str, values: Mapping[str, Any]) -> Row | None:
        if name in self._reads:
            found: Row | None = await self._reads[name].do(values)
            return found
        async with self._link.connection() as connection:
            return await Statements(connection).row(name, values)

    async def rows(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        async with self._link.connection() as connection:
            return await Statements(connection).rows(name, values)

    async def taken(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        return await self.rows(name, values)

    async def commit(self, change: Change, steps: Sequence[Step]) -> Outcome:
        sent = entry(change, steps)
        if not sent.name:
            return await self._commit_alone(sent)
        return await self._hot[sent.name].do(sent)

    async def run(self, steps: Sequence[Step]) -> int:
        changed = 0
        async with self._link.connection() as connection, whole(connection):
            db = Statements(connection)
            if {name for name, _ in steps} <= _NOTES:
                for name in ("audit", "put_trace"):
                    await db.many(name, [values for which, values in steps if which == name])
                return len(steps)
            for name, values in steps:
                changed = await db.execute(name, values)
        if any(name == "bump" for name, _ in steps):
            await self._own_change()
        return changed

    async def close(self) -> None:
        await self._watch.stop()
        await self._link.close()

    # A change alone

    async def _commit_alone(
        self, sent: Entry, *, doubt: bool = False, until: float = 0.0
    ) -> Outcome:
        """A change by itself. A hot one whose end is not known is tried again before `until`.

        In `doubt` it may have been applied before, as nobody but itself can tell.
        """
        for last in (False, True):
            try:
                outcome = await self._transact(sent, doubt)
            except _AGAIN as error:  # the database undid it: nothing of it stands
                if last:
                    raise StoreUnavailable(f"{type(error).__name__}") from None
            except InDoubt:
                if last or asyncio.get_running_loop().time() >= until:
                    raise
                doubt = True
            except asyncpg.UniqueViolationError:
                verbs = sent.change.verbs
                if not any(isinstance(v, Put) and isinstance(v.noun, Person) for v in verbs):
                    raise
                return Exists(what="person")
            else:
                if isinstance(outcome, Done) and bumps(sent.change):
                    await self._own_change()
                return outcome
        raise AssertionError("unreachable")

    async def _transact(self, sent: Entry, doubt: bool) -> Outcome:
        if sent.name == "revoke_many":  # finds by itself what it has done before
            await self._won(sent.name, [sent])
            return Done()
        async with self._link.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            db = Statements(connection, sent.change_id)
            try:
                outcome = await apply(db, sent.change, int(time.time()))
                if isinstance(outcome, Done):
                    for name, values in sent.steps:
                        await db.execute(name, values)
                elif doubt and await db.row("own_change", {"chain_id": sent.chain_id}) is not None:
                    outcome = Done()
            except asyncpg.PostgresError:
                await transaction.rollback()
                raise
            if not isinstance(outcome, Done):
                await transaction.rollback()
                return outcome
            await transaction.commit()
        return outcome

    async def _own_change(self) -> None:
        """What this process itself changed is current for its next request.

        It is done, whatever becomes of this question: then the watch tells within a second.
        """
        with contextlib.suppress(StoreUnavailable, asyncpg.PostgresError):
            async with self._link.connection() as connection:
                row = await Statements(connection).row("revision", {})
            if row is not None:
                self._watch.revision = max(self._watch.revision, row[0])

    # Many at once

    def _batches(self, name: str) -> Batches[Entry, Outcome]:
        async def run(batch: Sequence[Entry]) -> Sequence[Outcome | asyncio.Task[Outcome]]:
            return await self._commit_batch(name, batch)

        return Batches(run, key=lambda sent: sent.chain_id, patience=DEADLINE)

    async def _commit_batch(
        self, name: str, batch: Sequence[Entry]
    ) -> Sequence[Outcome | asyncio.Task[Outcome]]:
        """What it did not apply goes on alone, which may wait for somebody's lock."""
        until = asyncio.get_running_loop().time() + DEADLINE
        try:
            won, doubt = await self._won(name, batch), False
        except (asyncpg.PostgresError, StoreUnavailable, ValueError) as error:
            # One bad value fails them all, and after a lost answer nobody knows: each is done
            # again by itself, where it finds its own row if it was applied. Not when nobody waits
            # for it any more.
            if asyncio.get_running_loop().time() >= until:
                raise StoreUnavailable(f"{type(error).__name__}: {error}") from None
            won, doubt = set(), True
        return [
            Done()
            if sent.chain_id in won
            else asyncio.create_task(self._commit_alone(sent, doubt=doubt, until=until))
            for sent in batch
        ]

    async def _won(self, name: str, batch: Sequence[Entry]) -> set[bytes]:
        """The ids that the batch's one statement applied."""
        values = {**columns(batch), **notes(batch)}
        async with self._link.connection() as connection:
            found = await Statements(connection).rows(name, values)
        return {bytes(row[0]) for row in found}

    def _together(self, name: str, keyed: Keyed) -> Batches[Mapping[str, Any], Row | None]:
        async def run(batch: Sequence[Mapping[str, Any]]) -> Sequence[Row | None]:
            async with self._link.connection() as connection:
                found = await Statements(connection).rows(f"{name}_many", keyed.values(batch))
            return keyed.each_its_own(batch, found)

        return Batches(run, key=None, patience=DEADLINE)
