"""What classes and functions look like here: composition, and signatures that say everything."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import breaks, functions, imports, last_name, offences, python_files

CODE = python_files("src", "guard/src", "tools")

_EXCEPTION = ("Error", "Failure", "Unavailable")


def inheritance(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A base class of our own, unless it is an exception or extends a protocol."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    ours = {node.name for node in classes}
    ours |= {name.split(".")[-1] for _, name in imports(tree) if name.startswith("troth")}
    for node in classes:
        bases = [last_name(b.value if isinstance(b, ast.Subscript) else b) for b in node.bases]
        for base in bases:
            if base in ours and not base.endswith(_EXCEPTION) and "Protocol" not in bases:
                yield node.lineno, f"{node.name} inherits from {base}"


def open_signatures(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """`**kwargs` that a caller elsewhere would have to guess, but for the options of a command."""
    for function in functions(tree):
        options = any("option" in ast.unparse(each) for each in function.decorator_list)
        if function.args.kwarg and not options and not function.name.startswith("_"):
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
        (inheritance, "from troth.grants import Base\nclass Grant(Base): ..."),
        (inheritance, "class BaseGrant: ...\nclass Grant(BaseGrant): ..."),
        (open_signatures, "def f(**kwargs): ..."),
        (module_state, "def f():\n    global x"),
    ],
)
def test_each_rule_sees_what_it_forbids(rule, code):
    assert breaks(rule, code)
