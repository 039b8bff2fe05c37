"""A library from npm in a Node.js of its own."""

import json
import subprocess
from typing import Any

from tests.availability import INTEROP, NODE


class Library:
    """A walk of the library; it takes a line and answers with one."""

    def __init__(self, name: str) -> None:
        assert NODE is not None
        self._process = subprocess.Popen(
            [NODE, INTEROP / f"{name}.mjs"],
            cwd=INTEROP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, command: str, **words: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"command": command, **words}), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(10) == 0
        self._process.stdout.close()
