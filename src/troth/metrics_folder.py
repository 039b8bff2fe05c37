"""Where the workers of one server keep their counters: a folder that goes when they have gone.

Whoever lives holds a lock on it, and the kernel lets go of that however a process ends. So a new
server can tell which folders of former ones were left behind by a kill, and removes them.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_PREFIX: Final = "troth-workers-"


class MetricsFolder:
    """A new folder, its lock held by all who have the `descriptor`."""

    def __init__(self) -> None:
        self.path, self.descriptor = _made()

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.descriptor)


def _made() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = _opened(path)
        if descriptor is None:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.is_dir():
            return path, descriptor
        os.close(descriptor)  # another server took it for one that was left behind


def remove_left_behind() -> None:
    """Remove the folders of this user's servers that have ended without doing so."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        descriptor = _opened(path)
        if descriptor is None:
            continue
        with contextlib.suppress(BlockingIOError):  # it is in use
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def _opened(path: Path) -> int | None:
    """A folder of this user; None for a link, for somebody else's, and for what is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    if os.fstat(descriptor).st_uid == os.geteuid():
        return descriptor
    os.close(descriptor)
    return None
