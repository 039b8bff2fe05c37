"""What the commands share: settings, the store, and two ways to print an answer."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from troth.settings import Settings
    from troth.store import Store

T = TypeVar("T")

_LONGEST = 1024 * 1024

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class Failure(Exception):
    """What went wrong, in one sentence for the operator."""


def now() -> int:
    return int(time.time())


def settings() -> "Settings":
    """The settings, or a `Failure` that names what is wrong with them."""
    from troth.settings import SettingsError, load

    try:
        return load()
    except SettingsError as error:
        raise Failure(str(error)) from None


def failing(work: Callable[[], T]) -> T:
    """Run `work`; what is known to go wrong becomes a `Failure`.

    What a command prints is its answer or this one sentence: no log line comes between.
    """
    from troth import log
    from troth.settings import SettingsError
    from troth.signing.keys import KeyRingError
    from troth.store import StoreUnavailable
    from troth.store.migrate import SchemaError

    log.configure("error")
    try:
        return work()
    except (SettingsError, SchemaError, KeyRingError, StoreUnavailable) as error:
        raise Failure(str(error)) from None


def with_store(work: "Callable[[Store, Settings], Awaitable[T]]", database: str | None = None) -> T:
    """Run `work` over the migrated store; what it commits holds when this returns.

    `database` is another than that of the settings.
    """
    from troth.store.open import open_store

    chosen = settings() if database is None else replace(settings(), database=database)

    async def run() -> T:
        store = await open_store(chosen)
        await store.fresh()
        try:
            return await work(store, chosen)
        finally:
            await store.close()

    return failing(lambda: asyncio.run(run()))


def read_source(source: str) -> bytes:
    """A file, or `-` for standard input; no more of it than any command takes."""
    import sys
    from pathlib import Path

    try:
        if source == "-":
            return sys.stdin.buffer.read(_LONGEST)
        with Path(source).open("rb") as file:
            return file.read(_LONGEST)
    except OSError as error:
        raise Failure(f"{source} cannot be read: {error.strerror}") from None


def emit(value: Any, as_json: bool, text: str) -> None:
    """One JSON object, or text for a person."""
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else text)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns, aligned; the first row is the heading."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def confirm(question: str, yes: bool) -> None:
    """Ask before what cannot be undone; `--yes` answers, and so scripts do not hang."""
    if yes:
        return
    import sys

    if not sys.stdin.isatty():
        raise Failure("this cannot be undone; say --yes to do it without being asked")
    click.confirm(question, abort=True, err=True)  # standard output is the answer's
