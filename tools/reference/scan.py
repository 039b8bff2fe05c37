"""What the source cites and what the tests assert, read off the syntax trees; nothing is run."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# What a document is called here; `OIDC Core` is one of many of one word.
DOCUMENT = (
    r"(?:RFC [1-9]\d{2,4}|OAuth Form Post Response Mode|OAuth Multiple Response Types"
    r"|OIDC (?:Session Management|User Registration"
    r"|(?:RP-Initiated|Front-Channel|Back-Channel) Logout|[A-Z]\w+)"
    r"|FAPI \d[\w.]*|BCP \d+)"
)
_CITATION = re.compile(
    rf"(?P<document>{DOCUMENT})"
    r"(?P<sections>(?:(?:,| and)? §[0-9A-Z]+(?:\.\d+)*)*)"
)
_SECTION = re.compile(r"§([0-9A-Z]+(?:\.\d+)*)")
_ROW_IN_NAME = re.compile(r"(?<=_)([A-Z]{2})_(\d{2})(?=_|$)")
_ROW_IN_TEXT = re.compile(r"(?<![A-Za-z0-9-])([A-Z]{2})-(\d{2})(?![0-9])")

Functions = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Section:
    """A paragraph of a document; `number` is empty where the document as a whole is meant."""

    document: str
    number: str

    @property
    def sort_key(self) -> tuple[tuple[int, str], ...]:
        """§4.1.10 comes after §4.1.9, an appendix after all numbers."""
        parts = self.number.split(".")
        return tuple((int(p), "") if p.isdigit() else (1000, p) for p in parts if p)


@dataclass(frozen=True)
class Test:
    """A test function: where it is, what it says, which paragraphs and rows it stands for."""

    file: str
    name: str
    sections: frozenset[Section]
    rows: frozenset[str]

    @property
    def sentence(self) -> str:
        """The name as a reader would say it."""
        bare = _ROW_IN_NAME.sub("", self.name.removeprefix("test"))
        return re.sub("_+", " ", bare).strip() or self.name


def sections_in(text: str) -> set[Section]:
    """Every paragraph that a text names: `RFC 6749 §5.2, §4.1.2.1` names two."""
    found: set[Section] = set()
    for match in _CITATION.finditer(re.sub(r"\s+", " ", text)):
        numbers = _SECTION.findall(match["sections"]) or [""]
        found.update(Section(match["document"], number) for number in numbers)
    return found


def citations(*folders: str) -> dict[str, set[Section]]:
    """Source file -> the paragraphs that its docstrings and comments name."""
    cited: dict[str, set[Section]] = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = " ".join(_prose(path.read_text("utf-8")))
            if found := sections_in(text):
                cited[path.relative_to(ROOT).as_posix()] = found
    return cited


def _prose(source: str) -> Iterator[str]:
    """The docstrings and the comments of a file."""
    with_docstring = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, with_docstring):
            yield ast.get_docstring(node) or ""
    for line in source.splitlines():
        yield line.partition("# ")[2]


def all_tests(*folders: str) -> list[Test]:
    """Every test function below the folders."""
    found: list[Test] = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("test_*.py")):
            if "node_modules" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                found.extend(read_tests(name, ast.parse(path.read_text("utf-8"))))
    return found


def read_tests(file: str, tree: ast.Module) -> Iterator[Test]:
    """The tests of one file; a class hands its decorators down to its tests."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in tree.body:
        outer = node.decorator_list if isinstance(node, ast.ClassDef) else []
        for test in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(test, Functions) and test.name.startswith("test"):
                decorators = [*outer, *test.decorator_list]
                named = {"-".join(row) for row in _ROW_IN_NAME.findall(test.name)}
                yield Test(
                    file,
                    test.name,
                    frozenset(_specified(decorators)),
                    frozenset(named | _rows_of(decorators, constants)),
                )


def _specified(decorators: list[ast.expr]) -> Iterator[Section]:
    for decorator in decorators:
        match decorator:
            case ast.Call(func=ast.Name(id="spec"), args=arguments):
                yield from sections_in(" ".join(ast.unparse(argument) for argument in arguments))


def _rows_of(decorators: list[ast.expr], constants: dict[str, ast.expr]) -> set[str]:
    """Row ids among the parameters, also where these stand in a constant of the module."""
    texts = []
    for decorator in decorators:
        for node in ast.walk(decorator):
            shown = constants.get(node.id, node) if isinstance(node, ast.Name) else node
            texts += [
                part.value
                for part in (ast.walk(shown) if shown is not node else [node])
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
    return {"-".join(row) for text in texts for row in _ROW_IN_TEXT.findall(text)}
