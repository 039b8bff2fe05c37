"""The catalog's revision beside the file: what every request asks, without asking SQLite.

To read one row costs SQLite's shared locks, an eighth of a token's answer; a word of shared memory
costs nothing. The row stays the truth: around a commit that moves it the word says "ask", and it
says so for ever where a process died between the two.
"""

import mmap
import os
from pathlib import Path

_BYTES = 16


class Mark:
    """Two words that the processes of one file share: a revision, and whether it is settled."""

    def __init__(self, path: Path) -> None:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(file).st_size < _BYTES:
                os.ftruncate(file, _BYTES)
            self._memory = mmap.mmap(file, _BYTES)
        finally:
            os.close(file)
        self._words = memoryview(self._memory).cast("Q")

    @property
    def revision(self) -> int | None:
        """The revision of the last commit; None where the row has to be asked."""
        return self._words[0] if self._words[1] else None

    def unsettle(self) -> None:
        """Before a commit that moves the row, and wherever it is not sure: the row is asked."""
        self._words[1] = 0

    def settle(self, revision: int) -> None:
        """After it, before anything is acknowledged. Only for who holds the file's lock."""
        self._words[0] = revision
        self._words[1] = 1

    def close(self) -> None:
        self._words.release()
        self._memory.close()
