"""Other processes on the same database: they race, or write until they are killed."""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

from tests.store.nouns import Grant, do, rotate
from troth.model.change import Change, Done, Outcome
from troth.settings import Settings
from troth.store.open import open_store

PATIENCE = 60
_SPAWN = multiprocessing.get_context("spawn")

# The changes that one process commits at once, round by round.
Rounds = Sequence[Sequence[Change]]


def race(settings: Settings, processes: Sequence[Rounds]) -> list[list[Outcome]]:
    """Every process commits its changes of a round together; the outcomes by round."""
    gate = _SPAWN.Barrier(len(processes))
    results: Any = _SPAWN.Queue()
    started = [
        _SPAWN.Process(target=_run, args=(settings, rounds, gate, results)) for rounds in processes
    ]
    for process in started:
        process.start()
    ran: list[list[list[Outcome]]] = [results.get(timeout=PATIENCE) for _ in started]
    for process in started:
        process.join(PATIENCE)
    return [
        [one for of_process in ran for one in of_process[number]]
        for number in range(len(processes[0]))
    ]


def _run(settings: Settings, rounds: Rounds, gate: Barrier, results: Any) -> None:
    results.put(asyncio.run(_commit(settings, rounds, gate)))


async def _commit(settings: Settings, rounds: Rounds, gate: Barrier) -> list[list[Outcome]]:
    store = await open_store(settings)
    await store.fresh()
    outcomes = []
    for changes in rounds:
        await asyncio.to_thread(gate.wait, PATIENCE)
        done = await asyncio.gather(*(store.commit(change) for change in changes))
        outcomes.append(list(done))
    await store.close()
    return outcomes


def writer(settings: Settings, grant: Grant, pipe: Connection) -> None:
    """Redeem and refresh as fast as it goes; tell the pipe what was acknowledged, line by line."""
    asyncio.run(_write(settings, grant, pipe.fileno()))


async def _write(settings: Settings, grant: Grant, pipe: int) -> None:
    store = await open_store(settings)

    async def one() -> None:
        while True:
            redeem = grant.redeem()
            chain_id = redeem.chain.chain_id
            outcome: Outcome = await do(store, redeem)
            for generation in range(1, 6):
                if outcome != Done():
                    sys.exit(f"{outcome}")
                os.write(pipe, f"{chain_id.hex()} {generation}\n".encode())
                outcome = await do(store, rotate(chain_id, generation))

    await asyncio.gather(*(one() for _ in range(16)))
