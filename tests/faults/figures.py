"""How long a harness runs, and where its figures go."""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

# `make faults` sets the file; `make test` runs the short versions and keeps no figures.
_FILE = os.environ.get("TROTH_FAULTS_FIGURES", "")
LONG = bool(_FILE)


N = TypeVar("N", int, float)


def short_or_long(short: N, long: N) -> N:
    return long if LONG else short


def note(harness: str, **figures: Any) -> None:
    """One line of the table that `make faults` prints."""
    if _FILE:
        with Path(_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"harness": harness, **figures}) + "\n")


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
