"""`troth backup` and `troth restore`."""

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import click

from troth.cli.common import Failure, as_json, confirm, emit, now, settings, with_store

if TYPE_CHECKING:
    from troth.settings import Settings
    from troth.store.sqlite import SQLiteStore


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@as_json
def backup(file: str, as_json: bool) -> None:
    """Copy a running installation to FILE. The master key is not in it: keep that apart."""
    target = Path(file)
    if target.exists():
        raise Failure(f"{file} exists; a backup is never written over another")

    async def work(store: "SQLiteStore", _: "Settings") -> None:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.close(descriptor)
        copy, source = sqlite3.connect(target), sqlite3.connect(store.path)
        try:
            source.backup(copy)
        finally:
            source.close()
            copy.close()

    with_store(work)
    size = target.stat().st_size
    emit({"file": str(target), "bytes": size}, as_json, f"{file}: {size} bytes")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def restore(file: str, yes: bool, as_json: bool) -> None:
    """Put a backup in the place of the database, with the server stopped.

    Every token chain and session of the copy ends: what was revoked or used after it was made
    must not live again. People log in and connect their applications anew.
    """
    from troth.settings import database_path

    path = database_path(settings())
    if path.exists():
        confirm(f"Replace {path} by {file}?", yes)
    source = sqlite3.connect(f"file:{Path(file).resolve()}?mode=ro", uri=True)
    try:
        if source.execute("pragma integrity_check").fetchone()[0] != "ok":
            raise Failure(f"{file} is damaged")
        source.execute("select value from revision").fetchone()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        target = sqlite3.connect(path)
        source.backup(target)
        target.close()
    except sqlite3.Error as error:
        raise Failure(f"{file} is no backup of Troth: {error}") from None
    finally:
        source.close()

    async def work(store: "SQLiteStore", _: "Settings") -> None:
        await store.end_everything(now())

    with_store(work)
    emit({"restored": file}, as_json, f"restored from {file}; every chain and session has ended")
