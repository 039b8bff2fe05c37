"""The repository as the tests of this folder read it: files, syntax trees, and what they found."""

import ast
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

Rule = Callable[[ast.Module], Iterable[tuple[int, str]]]


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, part of the repository."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def name_of(path: Path) -> str:
    """The path as it is written in a message: from the root, with slashes."""
    return path.relative_to(ROOT).as_posix()


def python_files(*folders: str) -> list[Path]:
    """The Python files below any of the folders."""
    below = tuple(f"{folder}/" for folder in folders)
    return [path for path in files() if path.suffix == ".py" and name_of(path).startswith(below)]


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), path.name)


def offences(rule: Rule, paths: Iterable[Path]) -> list[str]:
    """Where a rule is broken, as `file:line: what`."""
    return [f"{name_of(path)}:{n}: {what}" for path in paths for n, what in rule(tree_of(path))]


def breaks(rule: Rule, code: str) -> bool:
    """Whether a rule sees something in a piece of code: how each rule is itself tested."""
    return bool(list(rule(ast.parse(code))))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module that is imported anywhere in a file, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def last_name(node: ast.AST) -> str:
    """`c` of `a.b.c` or of `c`; nothing for other expressions."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
