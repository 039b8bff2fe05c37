"""A server that writes a byte into a file for each password that it compares with a hash."""

import os
import sys
from typing import Any

from tests.faults.around import run
from troth.accounts import passwords

_verify = passwords._verify


def _counted(file: int) -> None:
    def verify(stored: str, password: str) -> bool:
        os.write(file, b".")
        return _verify(stored, password)

    passwords._verify = verify


def _as_it_is(store: Any, _word: str) -> Any:
    return store


if __name__ == "__main__":
    _counted(os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    run(_as_it_is)
