"""Who may import whom, beyond the layers that the import linter holds (pyproject.toml)."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.house.source import breaks, functions, imports, name_of, offences, python_files

PURE_ROOMS = (
    "src/troth/model/",
    "src/troth/grants/",
    "src/troth/rules/",
    "src/troth/client_auth/",
    "src/troth/browser/approval.py",
    "src/troth/browser/steps.py",
)
# Clock, chance, the outside and the log reach a decision as values, or not at all.
NOT_IN_PURE_ROOMS = frozenset(
    "asyncio asyncpg click concurrent httpcore2 httpx2 jinja2 logging os pathlib "
    "prometheus_client random secrets socket sqlite3 ssl starlette structlog subprocess "
    "tempfile threading time uuid uvicorn uvloop".split()
)
# A library is used behind one door, where its traps are known and its replacement is one file.
DOORS = {
    "argon2": ("src/troth/accounts/",),
    "asyncpg": ("src/troth/store/",),
    "cryptography": ("src/troth/signing/",),
    "httpcore2": ("src/troth/fetch/",),
    "httpx2": ("src/troth/demo/",),
    "jinja2": ("src/troth/browser/pages/", "src/troth/demo/"),
    "joserfc": ("src/troth/signing/",),
    "sqlite3": ("src/troth/store/",),
    "zxcvbn": ("src/troth/accounts/",),
}
COMPOSITION = (
    "src/troth/app.py",
    "src/troth/cli/",
    "src/troth/demo/",
    "src/troth/opening.py",
    "src/troth/store/",
    "src/troth/supervisor.py",
)


def impure_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for line, module in imports(tree):
        if module.split(".")[0] in NOT_IN_PURE_ROOMS:
            yield line, f"imports {module}"


def reads_the_clock(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="now" | "utcnow" | "today" | "urandom")):
                yield node.lineno, f"calls {ast.unparse(node.func)}"


def waits(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """An `await` in a function whose name does not say that it loads or authenticates."""
    for function in functions(tree):
        if not function.name.lstrip("_").startswith(("load", "authenticate")):
            for node in ast.walk(function):
                if isinstance(node, ast.Await):
                    yield node.lineno, f"{function.name} awaits"


def imports_of(*modules: str) -> Callable[[ast.Module], Iterator[tuple[int, str]]]:
    def rule(tree: ast.Module) -> Iterator[tuple[int, str]]:
        for line, module in imports(tree):
            if any(module == m or module.startswith(f"{m}.") for m in modules):
                yield line, f"imports {module}"

    return rule


def _outside(*doors: str):
    return [p for p in python_files("src/troth") if not name_of(p).startswith(doors)]


@pytest.mark.parametrize("rule", [impure_imports, reads_the_clock, waits])
def test_decisions_are_pure(rule):
    pure = [p for p in python_files("src/troth") if name_of(p).startswith(PURE_ROOMS)]
    assert pure
    assert offences(rule, pure) == []


def test_the_nouns_need_nothing_but_the_standard_library_and_a_quick_way_to_be_made():
    outside = imports_of("troth", *NOT_IN_PURE_ROOMS, "msgspec", "cryptography", "joserfc")
    found = offences(outside, python_files("src/troth/model"))
    known = re.compile(r"imports troth\.(model|value)\b")
    assert [line for line in found if not known.search(line)] == []


@pytest.mark.parametrize("library", DOORS)
def test_a_library_is_used_behind_its_one_door(library):
    assert offences(imports_of(library), _outside(*DOORS[library])) == []


def test_the_store_is_reached_through_its_port():
    adapters = {f"troth.store.{p.stem}" for p in python_files("src/troth/store")}
    rule = imports_of(*(adapters - {"troth.store.__init__"}))
    assert offences(rule, _outside(*COMPOSITION)) == []


def test_who_never_fetches_never_loads_a_client():
    said = (
        "import troth.server, sys; print(*sorted({'anyio', 'h11', 'httpcore2'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_guard_imports_nothing_of_troth():
    assert offences(imports_of("troth"), python_files("guard/src")) == []


def test_the_guard_has_one_module_that_knows_the_crypto_libraries():
    found = offences(imports_of("joserfc", "cryptography"), python_files("guard/src"))
    assert len({line.split(":")[0] for line in found}) <= 1


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (impure_imports, "from time import time"),
        (reads_the_clock, "at = datetime.now(UTC)"),
        (waits, "async def decide():\n    await x"),
        (imports_of("joserfc"), "def f():\n    import joserfc.jwt"),
        (imports_of("troth.store.sqlite"), "from troth.store import sqlite"),
    ],
)
def test_each_rule_sees_what_it_forbids(rule, code):
    assert breaks(rule, code)


def test_loading_may_wait():
    assert not breaks(waits, "async def load():\n    await x")
