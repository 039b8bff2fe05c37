"""The catalog is read once when it has moved, however many requests find that at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from structlog.testing import capture_logs

from tests.inside import READ, Inside, an_app
from tests.store.conftest import Database
from tests.store.test_budget import Counting
from troth.http import Response
from troth.intake import Arrival
from troth.model.person import Scope
from troth.signing import ring as rings
from troth.store import StoreUnavailable
from troth.store.batches import Batches
from troth.store.rows import Row
from troth.store.sql_store import SQLStore

MANY = 50


class Catalog(Counting):
    """Counts as the budget's engine does; `then` keeps what was read on its way for a while."""

    then: Callable[[], Any] | None = None

    async def rows(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        found = await super().rows(name, values)
        if self.then is not None:
            await self.then()
        return found


@pytest.fixture
async def inside(database: Database, tmp_path: Path) -> AsyncIterator[Inside]:
    inside = await Inside(tmp_path, database=database.settings.database).open()
    await inside.put(READ, an_app("app"))
    assert (await client_credentials(inside)) == 200
    yield inside
    await inside.close()


@pytest.fixture
def store(inside: Inside) -> SQLStore:
    assert isinstance(inside.op.store, SQLStore)
    return inside.op.store


@pytest.fixture
def catalog(store: SQLStore) -> Catalog:
    store._engine = catalog = Catalog(store._engine)
    return catalog


async def client_credentials(inside: Inside) -> int:
    asked = await inside.token("app", grant_type="client_credentials", scope="read")
    return asked.status_code


async def moved(inside: Inside, name: str = "canary") -> None:
    await inside.put(Scope(name=name, description="See another canary"))


async def failing(store: SQLStore) -> bool:
    try:
        await store.fresh()
    except StoreUnavailable:
        return True
    return False


def read(catalog: Catalog) -> list[str]:
    return [name for name in catalog.waits if name in ("scopes", "keys")]


async def test_many_requests_after_a_change_read_the_catalog_and_make_the_ring_once(
    inside: Inside, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[rings.Ring] = []

    def build(*words: Any) -> rings.Ring:
        built.append(ring(*words))
        return built[-1]

    ring = rings.build
    monkeypatch.setattr(rings, "build", build)
    await moved(inside)
    answers = await asyncio.gather(*(client_credentials(inside) for _ in range(MANY)))
    assert answers == [200] * MANY
    assert read(catalog) == ["scopes", "keys"]
    assert len(built) == 1


@pytest.mark.parametrize("again", [False, True], ids=["and no more", "and again"])
async def test_who_asks_while_it_is_read_has_what_was_changed_before(
    inside: Inside, store: SQLStore, catalog: Catalog, again: bool
) -> None:
    """It is read anew for them where it moved again, and once for all of them."""
    begun, free = asyncio.Event(), asyncio.Event()

    async def held() -> None:
        begun.set()
        await free.wait()

    await moved(inside, "first")
    catalog.then = held
    early = asyncio.create_task(store.fresh())
    async with asyncio.timeout(30):
        await begun.wait()
        if again:
            await moved(inside, "second")
        late = [asyncio.create_task(store.fresh()) for _ in range(MANY)]
        free.set()
        await asyncio.gather(early, *late)
    assert "first" in store.scopes
    assert ("second" in store.scopes) is again
    assert read(catalog) == ["scopes", "keys"] * (2 if again else 1)


async def test_a_reading_that_failed_is_not_remembered(
    inside: Inside, store: SQLStore, catalog: Catalog
) -> None:
    async def gone() -> None:
        raise StoreUnavailable("TimeoutError")

    await moved(inside)
    catalog.then = gone
    with capture_logs() as logged:
        failed = await asyncio.gather(*(failing(store) for _ in range(MANY)))
    assert failed == [True] * MANY
    assert {line["event"] for line in logged} == {"catalog.stale"}
    assert len(logged) < MANY, "once for those who waited together"
    assert "canary" not in store.scopes
    catalog.then = None
    await store.fresh()
    assert "canary" in store.scopes


async def test_nobody_waits_longer_than_for_an_answer(
    inside: Inside, store: SQLStore, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = asyncio.Event()
    await moved(inside)
    catalog.then = free.wait
    with monkeypatch.context() as hurried:
        hurried.setattr(store, "_reloads", Batches(store._reload, key=None, patience=0.05))
        async with asyncio.timeout(30):
            assert await asyncio.gather(*(failing(store) for _ in range(MANY))) == [True] * MANY
    assert "canary" not in store.scopes
    assert not store._clients
    free.set()
    await store.fresh()
    assert "canary" in store.scopes


async def test_R11_who_needs_a_database_that_just_did_not_answer_asks_it_nothing_more(
    inside: Inside, catalog: Catalog
) -> None:
    """A second wait behind the first would be twice as long as anybody was promised."""

    async def gone() -> None:
        raise StoreUnavailable("TimeoutError")

    await moved(inside)
    catalog.then = gone
    before = len(catalog.waits)
    form = urlencode({"grant_type": "client_credentials", "client_id": "app"}).encode()
    headers = (
        (b"host", urlsplit(inside.settings.issuer).netloc.encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", str(len(form)).encode()),
    )
    told = inside.app.begin(Arrival("POST", "/oauth/token", 12, b"", headers, form, "127.0.0.1"))
    assert (told if isinstance(told, Response) else await told).status == 503
    assert catalog.waits[before:] == ["scopes"]
    keys = await inside.browser("nobody").get(f"{inside.settings.issuer}/oauth/jwks")
    assert keys.status_code == 200
    catalog.then = None
    assert await client_credentials(inside) == 200


async def test_a_store_that_never_read_its_catalog_says_that_it_cannot(
    store: SQLStore, catalog: Catalog
) -> None:
    async def gone() -> None:
        raise StoreUnavailable("TimeoutError")

    catalog.then = gone
    new = SQLStore(catalog)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await new.fresh()
    catalog.then = None
    await new.fresh()
    assert new.keys
