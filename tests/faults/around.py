"""`troth` with something around the stores of all its processes: workers and commands too.

`python -m MODULE WORD` serves, `python -m MODULE WORD keys rotate` is a command. `MODULE` calls
`run`, and `WORD` says more of what it puts around.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from troth import supervisor
from troth.settings import Settings
from troth.store import open as opening

_WORKER = "troth.worker"


def run(around: Callable[[Any, str], Any]) -> None:
    """The command after the first word."""
    word, open_store = sys.argv[1], opening.open_store

    async def opened(settings: Settings) -> Any:
        return around(await open_store(settings), word)

    opening.open_store = opened
    named = (module.__dict__.get("open_store") for module in list(sys.modules.values()))
    assert open_store not in named, "somebody has imported what is replaced here"
    words = sys.argv[2:] or ["serve"]
    if words[0] == _WORKER:
        from troth.worker import main

        sys.argv = words
    else:
        from troth.cli import main

        sys.argv = ["troth", *words]
        supervisor.subprocess.Popen = _with_workers_alike(word)  # type: ignore[attr-defined]
    main()


def _with_workers_alike(word: str) -> Callable[..., Any]:
    start, spec = subprocess.Popen, sys.modules["__main__"].__spec__
    assert spec is not None
    name = spec.name

    def started(words: Sequence[str], **kind: Any) -> Any:
        executable, _, module, *rest = words
        assert module == _WORKER, "the supervisor starts something else"
        return start([executable, "-m", name, word, module, *rest], **kind)

    return started
