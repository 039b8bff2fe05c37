"""docs/reference/settings.md: every setting with its variable, default and meaning."""

from dataclasses import fields

from troth.settings import Settings

_INTRODUCTION = """# Settings

A setting is read from the environment, or from the TOML file that `TROTH_CONFIG_FILE` names; the
environment wins. Durations are whole seconds. A name that is not listed here stops the start.

| In the file | In the environment | Default | Meaning |
|---|---|---|---|
"""


def render() -> str:
    """The page."""
    rows = [
        f"| `{f.name}` | `TROTH_{f.name.upper()}` | {_default(f.default)} | {f.metadata['doc']} |"
        for f in fields(Settings)
    ]
    return _INTRODUCTION + "\n".join(rows) + "\n"


def _default(value: object) -> str:
    if value in ("", (), None):
        return "none"
    if isinstance(value, int) and value >= 600:
        return f"`{value}` ({_duration(value)})"
    return f"`{value}`"


def _duration(seconds: int) -> str:
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(seconds, length)
        if count and not rest:
            return f"{count} {name}{'s' * (count > 1)}"
    return f"{seconds} s"
