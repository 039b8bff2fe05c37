"""Copying a running installation, and putting a copy back in its place."""

import os
import sqlite3
from pathlib import Path

from troth.store import StoreUnavailable


def backup(database: Path, target: Path) -> int:
    """A consistent copy of a database in use, readable by its owner only; its size in bytes.

    Raises `StoreUnavailable`, also where `target` exists: a backup is never written over another.
    """
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"{target} cannot be created: {error.strerror}") from None
    try:
        _copy(database, target)
    except StoreUnavailable:
        target.unlink()
        raise
    return target.stat().st_size


def restore(source: Path, database: Path) -> None:
    """Replace a database that nobody uses by a copy, once the copy has proven whole."""
    copy = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
    try:
        if copy.execute("pragma integrity_check").fetchone()[0] != "ok":
            raise StoreUnavailable(f"{source} is damaged")
        copy.execute("select value from revision").fetchone()
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{source} is no backup of Troth: {error}") from None
    finally:
        copy.close()
    database.parent.mkdir(parents=True, exist_ok=True)
    database.touch(mode=0o600, exist_ok=True)
    _copy(source, database)


def _copy(source: Path, target: Path) -> None:
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reading.backup(writing)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{source} cannot be copied: {error}") from None
    finally:
        reading.close()
        writing.close()
