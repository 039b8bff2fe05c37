"""Hand-written SQL, read from its files: named blocks, one statement each."""

import re
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent / "sql"
_VALUE = re.compile(r"(?<!:):([a-z_]+)")


def load(dialect: str) -> Mapping[str, str]:
    """The statements of an engine by name: the common ones, and those it says in its own way."""
    return _read("common") | _read(dialect)


def numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """A statement with `$1` for its first named value and so on, and the names in that order."""
    names = tuple(dict.fromkeys(_VALUE.findall(statement)))
    return _VALUE.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names


def _read(file: str) -> dict[str, str]:
    statements: dict[str, str] = {}
    for block in (_HERE / f"{file}.sql").read_text("utf-8").split("-- name: ")[1:]:
        name, _, body = block.partition("\n")
        lines = [line for line in body.splitlines() if not line.startswith("--")]
        statements[name.strip()] = "\n".join(lines).strip()
    return statements
