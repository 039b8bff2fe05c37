"""docs/reference/cli.md: every command with its arguments and options."""

from collections.abc import Iterator

import click

from troth.cli import troth

_INTRODUCTION = """# The command line

Commands print for people; with `--json` they print one JSON value for programs. What went wrong is
one sentence on standard error, and the exit code is not 0.
"""


def render() -> str:
    """The page."""
    return _INTRODUCTION + "".join(_command(("troth",), troth))


def _command(names: tuple[str, ...], command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=names[-1])
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _command((*names, name), child)
        return
    usage = " ".join((*names, *command.collect_usage_pieces(context)))
    yield f"\n## {' '.join(names)}\n\n{' '.join((command.help or '').split())}\n\n"
    yield f"```text\n{usage}\n```\n"
    rows = [_option(p) for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if rows:
        yield "\n| Option | Meaning |\n|---|---|\n" + "".join(rows)


def _option(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    notes = [" ".join((option.help or "").split())]
    if option.required:
        notes.append("Required.")
    if option.multiple:
        notes.append("May be given more than once.")
    default = option.to_info_dict()["default"]
    if isinstance(default, str | int) and not isinstance(default, bool) and default != "":
        notes.append(f"Default: `{default}`.")
    if isinstance(option.type, click.Choice):
        notes.append("One of " + ", ".join(f"`{c}`" for c in option.type.choices) + ".")
    return f"| {names} | {' '.join(filter(None, notes))} |\n"
