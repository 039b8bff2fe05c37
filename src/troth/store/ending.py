"""Ending every session and every chain of an installation, however many there are."""

from collections.abc import Callable

from troth.store import BATCH
from troth.store.engine import Engine

# Hears how many of a table's rows have been ended so far.
Told = Callable[[str, int], None]

# Sessions first: a code of the copy stands on one, and would begin a chain behind our back.
_KINDS = (("session", ""), ("chain", b""))
# Batches after which it is told again.
_OFTEN = 100


async def end_everything(engine: Engine, at: int, told: Told) -> None:
    """Batch after batch in the order of ids, each a transaction with a time of its own.

    What has ended keeps its time, so that it can be begun again wherever it was stopped.
    """
    for kind, before_all in _KINDS:
        await _end_every(engine, kind, before_all, at, told)
    await engine.run([("bump", {})])


async def _end_every(engine: Engine, kind: str, after: str | bytes, at: int, told: Told) -> None:
    ended = batches = 0
    while last := await engine.row(f"last_{kind}", {"after": after, "most": BATCH}):
        values = {"at": at, "after": after, "until": last[0]}
        ended += await engine.run([(f"hold_{kind}s", values), (f"end_{kind}s", values)])
        after = last[0]
        batches += 1
        if batches % _OFTEN == 0:
            told(kind, ended)
    told(kind, ended)
