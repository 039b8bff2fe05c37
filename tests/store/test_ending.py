"""After a restore everything ends, however much there is: in batches, each with its own time."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing

import asyncpg
import pytest

from tests.store.conftest import Database
from tests.store.nouns import NOW
from troth.settings import database_path
from troth.store import BATCH, Store, StoreUnavailable, postgres_link
from troth.store.engine import Step

CHAINS, SESSIONS = 200_300, 2500

_CHAINS = """insert into chain (chain_id, authorization_id, client_id, sub, epoch, generation,
  created_at, rotated_at, expires_at) select {id}, 'a', 'c', 's', 1, 1, 0, 0, 9999999999 from {n}"""
_SESSIONS = """insert into session (session_id, secret_digest, sub, epoch, authenticated_at,
  last_seen_at, expires_at, user_agent, network)
  select 's' || n, 'd' || n, 's', 1, 0, 0, 9999999999, '', '' from {n}"""
_COUNTED = (
    "(with recursive s(n) as (select 1 union all select n + 1 from s where n < {}) select n from s)"
)
_ENDS = {
    "chain": "select revoked_at, count(*) from chain group by 1 order by 1",
    "session": "select ended_at, count(*) from session group by 1 order by 1",
}


@pytest.fixture(autouse=True)
def hurried(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement has as long as when it serves; all of them at once would take longer."""
    session = postgres_link._SESSION | {"statement_timeout": "1500"}
    monkeypatch.setattr(postgres_link, "_SESSION", session)


@pytest.fixture
async def full(store: Store, database: Database) -> Store:
    if database.settings.postgres:
        connection = await asyncpg.connect(database.settings.database)
        series = "generate_series(1, {}) as n"
        chain_id = "sha256(n::text::bytea)"
        await connection.execute(_CHAINS.format(id=chain_id, n=series.format(CHAINS)))
        await connection.execute(_SESSIONS.format(n=series.format(SESSIONS)))
        await connection.close()
    else:
        with closing(sqlite3.connect(database_path(database.settings))) as db, db:
            db.execute(_CHAINS.format(id="randomblob(16)", n=_COUNTED.format(CHAINS)))
            db.execute(_SESSIONS.format(n=_COUNTED.format(SESSIONS)))
    return store


def watched(
    store: Store, monkeypatch: pytest.MonkeyPatch, stops_after: int | None = None
) -> list[int]:
    """How many rows each transaction changed; `stops_after` so many the database is gone."""
    engine = store._engine  # type: ignore[attr-defined]
    run: Callable[[Sequence[Step]], Awaitable[int]] = engine.run
    changed: list[int] = []

    async def counted(steps: Sequence[Step]) -> int:
        if len(changed) == stops_after:
            raise StoreUnavailable("TimeoutError")
        changed.append(await run(steps))
        return changed[-1]

    monkeypatch.setattr(engine, "run", counted)
    return changed


async def test_ST_12_very_many_chains_and_sessions_end_in_small_batches(
    full: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = watched(full, monkeypatch)
    told: list[tuple[str, int]] = []
    await full.end_everything(NOW, lambda kind, ended: told.append((kind, ended)))
    assert max(changed) == BATCH
    assert sum(changed[:-1]) == CHAINS + SESSIONS
    assert database.rows(_ENDS["chain"]) == [(NOW, CHAINS)]
    assert database.rows(_ENDS["session"]) == [(NOW, SESSIONS)]
    often = [("chain", 100_000), ("chain", 200_000)]
    assert told == [("session", SESSIONS), *often, ("chain", CHAINS)]


async def test_ST_12_ending_everything_goes_on_where_it_was_stopped(
    full: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as once:
        watched(full, once, stops_after=50)
        with pytest.raises(StoreUnavailable):
            await full.end_everything(NOW, lambda _kind, _ended: None)
    ended = sum(number for at, number in database.rows(_ENDS["chain"]) if at is not None)
    assert 0 < ended < CHAINS
    for later in (NOW + 1, NOW + 2):
        await full.end_everything(later, lambda _kind, _ended: None)
    assert database.rows(_ENDS["chain"]) == [(NOW, ended), (NOW + 1, CHAINS - ended)]
    assert database.rows(_ENDS["session"]) == [(NOW, SESSIONS)]


async def test_ST_12_a_run_that_changed_nothing_tells_so(store: Store) -> None:
    told: list[tuple[str, int]] = []
    await store.end_everything(NOW, lambda kind, ended: told.append((kind, ended)))
    assert told == [("session", 0), ("chain", 0)]
