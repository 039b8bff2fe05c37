"""What is lost behind a COMMIT that was acknowledged takes nothing of it back."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy, Wire
from tests.postgres import Cluster
from tests.store.conftest import postgres
from tests.store.nouns import a_client, do
from troth.model.change import Done, Put
from troth.settings import Settings
from troth.store.open import migrated, open_store


class EndsThen(Proxy):
    """After the answer to a COMMIT nothing comes through any more, once that wire is used again."""

    armed = False
    committed: Wire | None = None

    def _from_database(self, wire: Wire, data: bytes) -> bool:
        if self.armed and self.committed is None and b"COMMIT\0" in data:
            self.committed = wire
        return True

    def _to_database(self, wire: Wire, data: bytes) -> bool:
        if wire is not self.committed:
            return True
        self.mode = "refused"
        self.cut()
        return False


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[EndsThen]:
    made = EndsThen(cluster.folder)
    yield made
    made.close()


async def test_FT_08_what_was_committed_is_done_also_where_its_revision_cannot_be_asked(
    cluster: Cluster, proxy: EndsThen
) -> None:
    """A command that registers a client has made a secret: it must not be told that it failed."""
    direct = postgres(await asyncio.to_thread(cluster.database)).settings
    await migrated(direct)
    store = await open_store(Settings(database=proxy.address(direct.database)))
    client = a_client()
    proxy.armed = True
    assert await do(store, Put(noun=client)) == Done()
    assert proxy.mode == "refused", "the next question found nobody"
    await store.close()
    there = await open_store(direct)
    assert await there.client(client.client_id) == client
    await there.close()
