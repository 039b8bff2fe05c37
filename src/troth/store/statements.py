"""Hand-written SQL, read from its files: named blocks, one statement each."""

from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent


def load(dialect: str) -> Mapping[str, str]:
    """The statements of `sql/<dialect>.sql` by name."""
    statements: dict[str, str] = {}
    for block in (_HERE / "sql" / f"{dialect}.sql").read_text("utf-8").split("-- name: ")[1:]:
        name, _, body = block.partition("\n")
        statements[name.strip()] = body.strip()
    return statements
