"""How old what a process knows of the catalog's revision may be (PostgreSQL)."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest

from tests.postgres import Cluster
from troth.settings import Settings
from troth.store import StoreUnavailable, postgres_watch
from troth.store.open import migrated
from troth.store.postgres_link import Link
from troth.store.postgres_watch import CHANNEL, Watch

# Seconds: so long that nothing a busy machine does comes near them.
OLD = 1000.0


@dataclass(slots=True)
class Answers:
    """The database's answers, which are held back until they are let go one by one."""

    asked: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    let_go: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    connection: asyncpg.Connection | None = None

    async def revision(self, connection: asyncpg.Connection) -> int:
        found: int = await connection.fetchval("select value from revision")
        self.connection = connection
        self.asked.release()
        await self.let_go.acquire()
        return found

    async def being_asked(self) -> None:
        async with asyncio.timeout(30):
            await self.asked.acquire()


@dataclass(slots=True)
class Clock:
    """The process's, set ahead as if nothing had happened meanwhile."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(postgres_watch, "monotonic", made)
    return made


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    made = Answers()
    monkeypatch.setattr(postgres_watch, "_revision", made.revision)
    for name, seconds in (("_OLD", OLD), ("_PATIENCE", 9 * OLD), ("_EVERY", 0.01)):
        monkeypatch.setattr(postgres_watch, name, seconds)
    return made


@pytest.fixture
async def link(cluster: Cluster) -> AsyncIterator[Link]:
    settings = Settings(database=cluster.database())
    await migrated(settings)
    link = Link(settings.database, pooled=False)
    await link.open()
    yield link
    await link.close()


@pytest.fixture
async def watch(link: Link, answers: Answers) -> AsyncIterator[Watch]:
    watch = Watch(link)
    answers.let_go.release()
    await watch.start()
    await answers.being_asked()
    yield watch
    await watch.stop()


async def test_an_answer_is_as_old_as_its_question(
    watch: Watch, answers: Answers, clock: Clock
) -> None:
    """What was changed while it was on its way is not in it."""
    await answers.being_asked()
    clock.ahead = 0.7 * OLD
    answers.let_go.release()
    await answers.being_asked()  # again: so the answer was heard
    assert watch.current
    clock.ahead = 1.1 * OLD
    assert not watch.current


async def test_it_stops_also_where_its_connection_is_lost_in_that_moment(
    watch: Watch, answers: Answers
) -> None:
    """The driver says "lost" then, and no longer "cancelled"."""
    await answers.being_asked()
    assert answers.connection is not None
    answers.connection.terminate()
    async with asyncio.timeout(10):
        await watch.stop()


async def test_what_this_process_changed_is_not_forgotten_for_an_older_answer(
    watch: Watch, answers: Answers
) -> None:
    await answers.being_asked()
    watch.revision += 5  # as its own change does, while the answer of before is on its way
    changed = watch.revision
    answers.let_go.release()
    await answers.being_asked()
    assert watch.revision == changed


async def test_it_goes_on_where_no_host_was_what_the_address_asks_for(
    watch: Watch, answers: Answers, link: Link
) -> None:
    """Both are standbys for a moment while they change places."""
    await answers.being_asked()
    address, link.dsn = link.dsn, f"{link.dsn}&target_session_attrs=standby"
    assert answers.connection is not None
    answers.connection.terminate()
    answers.let_go.release()
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await link.own()
    await asyncio.sleep(0.2)
    link.dsn = address
    await answers.being_asked()


async def test_nobody_is_failed_where_no_host_was_what_the_address_asks_for(link: Link) -> None:
    other = Link(f"{link.dsn}&target_session_attrs=standby", pooled=False)
    await other.open()
    with pytest.raises(StoreUnavailable):
        async with other.connection():
            pass
    await other.close()


async def test_a_notice_says_what_moved_and_not_that_nothing_else_did(
    watch: Watch, answers: Answers, clock: Clock, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes late where the network is slow; only who asked knows how late."""
    await answers.being_asked()
    monkeypatch.setattr(postgres_watch, "_EVERY", OLD)  # none is heard while it asks
    answers.let_go.release()
    clock.ahead = 1.1 * OLD
    expected = watch.revision + 5
    async with link.connection() as connection:
        await connection.execute(f"notify {CHANNEL}, '{expected}'")
    async with asyncio.timeout(30):
        while True:
            if watch.revision == expected:
                break
            await asyncio.sleep(0.01)
    assert not watch.current
