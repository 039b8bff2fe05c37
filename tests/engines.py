"""The databases that a test runs on, and the promise that an answer does not depend on them."""

import asyncio
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx2

from tests.harness import Troth

# Not part of other words: a test's name without it is the same test on another engine.
VARIANTS = ("on SQLite", "on PostgreSQL", "in one process")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What a variant asks of the servers of its tests; `new_database` makes an address."""

    variant: str
    new_database: Callable[[], str]

    def troth(self, folder: Path, **settings: str) -> Troth:
        """An installation on this engine."""
        if self.variant == "on PostgreSQL":
            settings["database"] = self.new_database()
        elif self.variant == "in one process":
            settings.pop("workers", None)
        return Troth(folder, **settings)


@contextmanager
def locked(troth: Troth) -> Iterator[None]:
    """Somebody else is writing for as long as this lasts: no change of a chain can be committed."""
    if not troth.postgres:
        with closing(sqlite3.connect(troth.database, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            yield
        return
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(troth.environment["TROTH_DATABASE"]))
        runner.run(connection.execute("begin; lock table chain in exclusive mode"))
        yield
        runner.run(connection.close())


# What differs from run to run: identifiers, tokens, numbers of ports and seconds.
_RANDOM = re.compile(r"[A-Za-z0-9_-]{16,}|[0-9]+")


def _wait(response: httpx2.Response) -> str:
    """How long to wait: to the second where the server is busy, else (some have passed) about."""
    told = response.headers.get("retry-after", "")
    if not told or response.status_code == 503:
        return str(told)
    return next((f"up to {most}" for most in (60, 300, 3600) if int(told) <= most), "longer")


def _outline(response: httpx2.Response) -> str | None:
    """A refusal in one line, without what is random in it; None for any other answer."""
    kind = response.headers.get("content-type", "")
    said: object
    if response.status_code >= 400 and kind.startswith("application/json") and response.content:
        said = {name: text for name, text in response.json().items() if name != "request_id"}
    elif response.status_code >= 400:
        said = re.findall(r"<(?:h1|p)[^>]*>([^<]*)", response.text)
    else:
        query = parse_qs(urlsplit(response.headers.get("location", "")).query)
        if "error" not in query:
            return None
        said = {name: query.get(name) for name in ("error", "error_description")}
    asked = f"{response.request.method} {_RANDOM.sub('*', response.request.url.path)}"
    answered = [response.status_code, kind, sorted(set(response.headers)), _wait(response)]
    scheme = _RANDOM.sub("*", response.headers.get("www-authenticate", ""))
    return json.dumps([asked, *answered, scheme, _RANDOM.sub("*", json.dumps(said))])


@dataclass(frozen=True, slots=True)
class Refusals:
    """The refusals of the running test; `hear` is called with every answer."""

    heard: set[str] = field(default_factory=set)

    def hear(self, response: httpx2.Response) -> None:
        outline = _outline(response)
        if outline is not None:
            self.heard.add(outline)

    def compare(self, folder: Path, test: str, variant: str) -> None:
        """G9: the same test was refused in the same words on every engine that ran it."""
        name = re.sub(r"[^a-zA-Z0-9]+", "-", test)[-180:]
        own = folder / f"{name}.{VARIANTS.index(variant)}"
        beside = own.with_suffix(f".part{os.getpid()}")
        beside.write_text("\n".join(sorted(self.heard)), "utf-8")
        beside.rename(own)
        for number, other in enumerate(VARIANTS):
            file = own.with_suffix(f".{number}")
            if file.exists():
                theirs = set(file.read_text("utf-8").splitlines())
                assert theirs == self.heard, f"G9: {variant} and {other} differ: {test}"
