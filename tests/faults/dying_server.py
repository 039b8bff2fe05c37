"""A server, or a command, that is killed at one exact place: before a change, within it or after.

Within: in its transaction, when all of it is done but for the audit that rides along; of several
keys, when the first is written. After: when it is durable, and nobody has been told.
"""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.faults.around import run
from troth.model.change import Change, Outcome, Put
from troth.store.engine import Step


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Lethal(dict[str, Any]):
    """Values of a statement: who looks at one dies."""

    def __getitem__(self, name: str) -> Any:
        _die()


class DyingEngine:
    """The real one, until something comes by that the file `fuse` names: `after Rotate`."""

    def __init__(self, engine: Any, fuse: Path) -> None:
        self._engine = engine
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def commit(self, change: Change, steps: Sequence[Step]) -> Outcome:
        nouns = [verb.noun if isinstance(verb, Put) else verb for verb in change.verbs]
        moment = self._moment({type(noun).__name__ for noun in nouns})
        if moment == "within":
            assert steps, "nothing rides along"
            steps = _lethal(steps)
        outcome: Outcome = await self._engine.commit(change, steps)
        if moment:
            _die()
        return outcome

    async def run(self, steps: Sequence[Step]) -> int:
        moment = self._moment({name for name, _ in steps})
        if moment == "within":
            assert steps[1:], "there is nothing between"
            steps = [steps[0], *_lethal(steps[1:])]
        changed: int = await self._engine.run(steps)
        if moment:
            _die()
        return changed

    def _moment(self, kinds: set[str]) -> str:
        """When to die of something of these kinds, if at all; at once where it is before."""
        moment, _, kind = self._fuse.read_text("ascii").partition(" ")
        if kind not in kinds:
            return ""
        if moment == "before":
            _die()
        return moment


def _lethal(steps: Sequence[Step]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, _Lethal(values)) for name, values in steps]


def _dying(store: Any, fuse: str) -> Any:
    store._engine = DyingEngine(store._engine, Path(fuse))
    return store


if __name__ == "__main__":
    run(_dying)
