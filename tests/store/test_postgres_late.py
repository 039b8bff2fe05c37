"""A database that falls silent in the middle of a transaction keeps nobody longer than promised."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.proxy import Proxy
from tests.postgres import Cluster
from troth.settings import Settings
from troth.store import StoreUnavailable, postgres, postgres_link, postgres_watch
from troth.store.open import migrated
from troth.store.postgres import Postgres, Statements

# Seconds: the engine's own patience here, and that of the test, which a busy machine may need.
PATIENCE, LONG = 1.0, 30.0


@pytest.fixture
async def address(cluster: Cluster, proxy: Proxy) -> str:
    database = await asyncio.to_thread(cluster.database)
    await migrated(Settings(database=database))
    return proxy.address(database)


@pytest.fixture
def silent(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From a statement on nothing reaches the database, and nothing comes back."""
    for module in (postgres, postgres_link):
        monkeypatch.setattr(module, "DEADLINE", PATIENCE)

    def at(method: str) -> None:
        real = getattr(Statements, method)

        async def then(self: Statements, *words: Any) -> Any:
            proxy.mode = "dead"
            return await real(self, *words)

        monkeypatch.setattr(Statements, method, then)

    return at


@pytest.mark.parametrize("pooled", [False, True], ids=["", "pooled"])
async def test_FT_08_a_change_that_is_late_waits_for_no_rollback(
    address: str, silent: Callable[[str], None], pooled: bool
) -> None:
    engine = Postgres(address, pooled=pooled)
    await engine.open()
    silent("execute")
    async with asyncio.timeout(LONG):
        with pytest.raises(StoreUnavailable):
            await engine.run([("bump", {})])
        await engine.close()


async def test_FT_08_what_was_asked_together_and_late_lets_others_ask(
    address: str, silent: Callable[[str], None]
) -> None:
    engine = Postgres(address, pooled=True)
    await engine.open()
    silent("rows")
    reads = engine._reads["chain"]
    async with asyncio.timeout(LONG):
        with pytest.raises(StoreUnavailable):
            await engine.row("chain", {"chain_id": b"canary of a chain", "now": 1})
        while reads._flight is not None:  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)
        await engine.close()


async def test_FT_08_who_watches_behind_a_pooler_asks_again(
    address: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Postgres(address, pooled=True)
    await engine.open()
    asked = asyncio.Event()

    async def silence(_: object) -> int:
        proxy.mode = "dead"
        asked.set()
        await asyncio.sleep(LONG)
        return 0

    real = postgres_watch._revision
    monkeypatch.setattr(postgres_watch, "_revision", silence)
    async with asyncio.timeout(LONG):
        await asked.wait()
        monkeypatch.setattr(postgres_watch, "_revision", real)
        while engine.current:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await asyncio.sleep(2 * postgres_watch._PATIENCE)
        proxy.mode = "open"
        while not engine.current:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await engine.close()
