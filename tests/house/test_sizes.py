"""Small pieces: what grows past these bounds wants a room of its own."""

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import breaks, functions, name_of, offences, python_files

LINES_OF_A_FILE = 250
LINES_OF_A_FUNCTION = 40
ARGUMENTS = 6
NESTING = 3

CODE = python_files("src", "guard/src", "tools", "examples")

# Files that may be longer than the rule says, and how long they may be at most. A bound here
# only ever goes down; a file that needs none is taken out.
LONGER: dict[str, int] = {}

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match)


def long_functions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for function in functions(tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > LINES_OF_A_FUNCTION:
            yield function.lineno, f"{function.name} has {length} lines"


def many_arguments(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for function in functions(tree):
        given = function.args
        names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        count = sum(name not in ("self", "cls") for name in names)
        # An option of the command line is an argument of its command.
        if count > ARGUMENTS and not any(
            "option" in ast.unparse(d) for d in function.decorator_list
        ):
            yield function.lineno, f"{function.name} takes {count} arguments"


def deep_nesting(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for function in functions(tree):
        if (depth := _depth(function)) > NESTING:
            yield function.lineno, f"{function.name} nests {depth} deep"


def _depth(node: ast.AST) -> int:
    deepest = 0
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.AST):
                elif_ = field == "orelse" and isinstance(child, ast.If) and len(value) == 1
                deepest = max(deepest, _depth(child) + (isinstance(child, _BLOCKS) and not elif_))
    return deepest


def test_no_file_is_longer_than_a_reader_holds_in_mind():
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in CODE}
    too_long = {
        name: length
        for name, length in lengths.items()
        if length > LONGER.get(name, LINES_OF_A_FILE)
    }
    assert not too_long


def test_the_list_of_longer_files_only_shrinks():
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in CODE}
    assert {name for name in LONGER if lengths.get(name, 0) <= LINES_OF_A_FILE} == set()


@pytest.mark.parametrize("rule", [long_functions, many_arguments, deep_nesting])
def test_functions_are_short_flat_and_take_few_arguments(rule):
    assert offences(rule, CODE) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (long_functions, "def f():\n" + "    x = 1\n" * 40),
        (many_arguments, "def f(a, b, c, d, *, e, f, g): ..."),
        (
            deep_nesting,
            "def f():\n for a in b:\n  if a:\n   while a:\n    try: g()\n    finally: h()",
        ),
    ],
)
def test_each_bound_sees_what_passes_it(rule, code):
    assert breaks(rule, code)


def test_a_chain_of_elif_is_one_level():
    chain = "def f():\n if a: b()\n" + " elif c: d()\n" * 8
    assert not breaks(deep_nesting, chain)
