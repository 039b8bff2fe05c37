"""A process that is killed while it writes: what it acknowledged is there, and nothing is half."""

import multiprocessing
import os
import select
from collections.abc import Awaitable, Callable

import pytest

from tests.store.conftest import Database
from tests.store.nouns import Grant, do, rotate, state
from tests.store.racers import writer
from troth.model.change import Done, Moved
from troth.store import Store

_SPAWN = multiprocessing.get_context("spawn")


def killed_after(lines: int, database: Database, grant: Grant) -> dict[bytes, int]:
    """Let a process write until it told so many lines, kill it; the newest of each chain."""
    reading, writing = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=writer, args=(database.settings, grant, writing))
    process.start()
    writing.close()
    told = b""
    while told.count(b"\n") < lines:
        ready, _, _ = select.select([reading], [], [], 30)
        chunk = os.read(reading.fileno(), 65536) if ready else b""
        assert chunk, "the writer ended by itself"
        told += chunk
    process.kill()
    process.join(30)
    while chunk := os.read(reading.fileno(), 65536):
        told += chunk
    reading.close()
    newest: dict[bytes, int] = {}
    for line in told.decode().splitlines():
        chain_id, generation = line.split()
        newest[bytes.fromhex(chain_id)] = int(generation)
    return newest


@pytest.mark.parametrize("lines", [1, 40, 97, 500])
async def test_FT_01_FT_02_a_killed_writer_loses_nothing_that_it_acknowledged(
    database: Database, grant: Grant, opened: Callable[[], Awaitable[Store]], lines: int
) -> None:
    newest = killed_after(lines, database, grant)
    assert len(newest) > 0
    store = await opened()
    for chain_id, generation in newest.items():
        found = await state(store, chain_id)
        assert found.stands
        assert found.chain.generation in (generation, generation + 1), "done, or never answered"
        outcome = await do(store, rotate(chain_id, generation))
        if found.chain.generation == generation:
            assert outcome == Done()
        else:
            assert outcome == Moved(state=found), "the row from which a retry is answered"
    assert await do(store, grant.redeem()) == Done(), "the next one writes at once"


async def test_FT_01_a_killed_writer_leaves_a_whole_file(
    store: Store, database: Database, grant: Grant
) -> None:
    """Another process has the file open all the while, and goes on."""
    for lines in (20, 80):
        killed_after(lines, database, grant)
        assert await store.ready()
        assert await do(store, grant.redeem()) == Done()
    if database.settings.database.startswith("sqlite"):
        assert database.rows("pragma integrity_check") == [("ok",)]
