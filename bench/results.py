"""bench/RESULTS.md: each run writes its own section and leaves the others as they are."""

import datetime
import os
import platform
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"
_PACKAGES = ("uvicorn", "uvloop", "httptools", "cryptography", "asyncpg", "msgspec")


def headline() -> str:
    """When, where and with what a run was made."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"On {datetime.datetime.now(datetime.UTC).date()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {versions}."
    )


def write_section(title: str, text: str) -> None:
    """Put a section in the place of the one of that title, or at the end."""
    old = RESULTS.read_text("utf-8") if RESULTS.exists() else "# Measured\n"
    head, *sections = old.split("\n## ")
    found = {name: body for name, _, body in (one.partition("\n") for one in sections)}
    found[title] = f"\n{text.strip()}\n"
    parts = [head.rstrip(), *(f"## {name}\n\n{body.strip()}" for name, body in found.items())]
    RESULTS.write_text("\n\n".join(parts) + "\n", "utf-8")
