"""What classes and functions look like here: composition, and signatures that say everything."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import breaks, functions, last_name, offences, python_files

CODE = python_files("src", "guard/src", "tools")

_BASES = frozenset(
    "Protocol Exception Generic Mapping NamedTuple Enum IntEnum StrEnum TypedDict".split()
)


def inheritance(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A base class other than a protocol, an exception or a kind of value."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                name = last_name(base.value if isinstance(base, ast.Subscript) else base)
                if name not in _BASES and not name.endswith(("Error", "Failure")):
                    yield node.lineno, f"{node.name} inherits from {ast.unparse(base)}"


def open_signatures(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """`**kwargs`, but for the options of a command."""
    for function in functions(tree):
        options = any("option" in ast.unparse(each) for each in function.decorator_list)
        if function.args.kwarg and not options:
            yield function.lineno, f"{function.name} takes **{function.args.kwarg.arg}"


def module_state(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """`global`: what changes belongs to a value that is handed around."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield node.lineno, f"global {', '.join(node.names)}"


@pytest.mark.parametrize("rule", [inheritance, open_signatures, module_state])
def test_nothing_is_found_by_magic(rule):
    assert offences(rule, CODE) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (inheritance, "class Grant(BaseGrant): ..."),
        (open_signatures, "def f(**kwargs): ..."),
        (module_state, "def f():\n    global x"),
    ],
)
def test_each_rule_sees_what_it_forbids(rule, code):
    assert breaks(rule, code)
