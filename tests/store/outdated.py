"""How long the processes of a server answer as if a change had not been made."""

import contextlib
import time
from collections.abc import Callable

import httpx2

from tests.harness import Troth

PROMISED = 1.0  # seconds
_WATCHED = 1.5
_PATIENCE = 30.0
# So many that each of two processes has some of them.
_CONNECTIONS = 8


def outdated(
    troth: Troth, change: Callable[[], object], known: Callable[[httpx2.Client], bool]
) -> float:
    """Seconds from the end of a change to the last request that was answered as before it."""
    with contextlib.ExitStack() as kept:
        https = [
            kept.enter_context(httpx2.Client(base_url=troth.issuer, timeout=30, trust_env=False))
            for _ in range(_CONNECTIONS)
        ]
        assert not any(known(http) for http in https), "each process has what was before"
        change()
        done_at = asked_at = last = time.monotonic()
        while asked_at < last + _WATCHED and last < done_at + _PATIENCE:
            for http in https:
                asked_at = time.monotonic()
                if not known(http):
                    last = asked_at
    return last - done_at


def command(troth: Troth, *words: str) -> None:
    """As `Troth.cli`, without giving the processes time to hear of it."""
    done = troth.run_cli(*words)
    assert done.returncode == 0, done.stderr
