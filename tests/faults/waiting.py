"""Waiting for something that can be seen."""

import time
from collections.abc import Callable


def until(seen: Callable[[], bool], seconds: float, otherwise: str) -> float:
    """How many seconds it took; fails after so many."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() < began + seconds, otherwise
        time.sleep(0.01)
    return time.monotonic() - began
