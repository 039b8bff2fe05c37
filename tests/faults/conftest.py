"""Servers that end with their test, however it ends."""

from collections.abc import Iterator

import pytest

from tests.conftest import installed
from tests.faults.clients import LIVES
from tests.faults.proxy import Proxy
from tests.harness import Troth
from tests.postgres import Cluster, binaries


@pytest.fixture(scope="module")
def database() -> Iterator[Cluster]:
    """A PostgreSQL that this file alone does something to."""
    folder = binaries()
    assert folder is not None
    made = Cluster(folder).start()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def proxy(database: Cluster) -> Iterator[Proxy]:
    """The wire to it."""
    made = Proxy(database.folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def wired(
    tmp_path_factory: pytest.TempPathFactory, database: Cluster, proxy: Proxy
) -> Iterator[Troth]:
    """Two workers at the other end of the wire."""
    address = proxy.address(database.database())
    folder = tmp_path_factory.mktemp("wired")
    server = installed(Troth(folder, workers="2", **LIVES, database=address))
    yield server
    assert server.stop() == 0
