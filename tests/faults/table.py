"""The figures of a run of `make faults` as a table."""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any


def table(lines: list[str]) -> str:
    """One row for each harness: the number of runs, and the worst of each figure."""
    worst: dict[str, dict[str, Any]] = defaultdict(dict)
    runs: dict[str, int] = defaultdict(int)
    for line in lines:
        figures = json.loads(line)
        harness = figures.pop("harness")
        runs[harness] += 1
        for name, value in figures.items():
            worst[harness][name] = max(value, worst[harness].get(name, value))
    rows = ["| harness | runs | figures (the worst of all runs) |", "|---|---|---|"]
    for harness, figures in worst.items():
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in figures.items())
        rows.append(f"| {harness} | {runs[harness]} | {told} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(Path(sys.argv[1]).read_text("utf-8").splitlines()))
