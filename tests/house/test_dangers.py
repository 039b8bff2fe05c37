"""Code that must not be written here, whatever it is for."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.source import breaks, imports, last_name, name_of, offences, python_files

CODE = python_files("src", "guard/src")
SERVER = [p for p in CODE if not name_of(p).startswith("src/troth/demo/")]

_QUERIES = frozenset("execute executemany executescript fetch fetchrow fetchval".split())
_SECRET = re.compile(
    r"(^|_)(secret|hash|hashed|digest|password|verifier|mac|hmac|signature|csrf)(?<!uri_digest)$"
    r"|^(access|refresh|id|csrf)?_?token$",
    re.IGNORECASE,
)
_CALLS = {
    "eval": "runs text as code",
    "exec": "runs text as code",
    "compile": "runs text as code",
    "yaml.load": "makes objects from text",
    "os.system": "hands text to a shell",
    "tempfile.mktemp": "races for its name",
    "ssl._create_unverified_context": "trusts everyone",
}
_OUTBOUND = frozenset(
    "aiohttp ftplib http.client httpcore httpcore2 httpx httpx2 requests smtplib urllib.request "
    "urllib3 websockets".split()
)
_DIALS = frozenset(
    "create_connection create_datagram_endpoint getaddrinfo gethostbyname open_connection "
    "sock_connect urlopen".split()
)
_MODULES = frozenset({"random", "pickle", "marshal", "shelve", "telnetlib", "xml"})


def queries_built_from_strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=called, args=[query, *_]):
                if last_name(called) in _QUERIES and _is_built(query):
                    yield node.lineno, f"{ast.unparse(called)} of a string put together"


def _is_built(node: ast.expr) -> bool:
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(value, ast.FormattedValue) for value in values)
        case ast.BinOp(op=ast.Add() | ast.Mod()):
            return True
        case ast.Call(func=ast.Attribute(attr="format" | "join" | "replace")):
            return True
    return False


def secrets_compared_in_varying_time(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """`==` on what looks like a secret; `hmac.compare_digest` is meant."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            sides = (node.left, node.comparators[0])
            if (
                isinstance(node.ops[0], ast.Eq | ast.NotEq)
                and not any(isinstance(side, ast.Constant) for side in sides)
                and any(_SECRET.search(last_name(side)) for side in sides)
            ):
                yield node.lineno, ast.unparse(node)


def dangerous_calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (why := _CALLS.get(ast.unparse(node.func))):
            yield node.lineno, f"{ast.unparse(node.func)} {why}"


def dangerous_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for line, module in imports(tree):
        if module.split(".")[0] in _MODULES:
            yield line, f"imports {module}"


def locations(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A Location header that is written, or a framework's redirect."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in (b"location", b"Location", "Location"):
            yield node.lineno, "writes a Location header"
        elif isinstance(node, ast.Name | ast.Attribute) and last_name(node) == "RedirectResponse":
            yield node.lineno, "uses RedirectResponse"


def goes_outside(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """A client of the network, or a connection of one's own: no address is checked there."""
    for line, module in imports(tree):
        if module in _OUTBOUND or module.split(".")[0] in _OUTBOUND:
            yield line, f"imports {module}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and last_name(node.func) in _DIALS:
            yield node.lineno, f"calls {ast.unparse(node.func)}"


@pytest.mark.parametrize("rule", [dangerous_calls, dangerous_imports, queries_built_from_strings])
def test_code_and_queries_are_never_made_from_text(rule):
    assert offences(rule, CODE) == []


def test_secrets_are_compared_in_constant_time():
    assert offences(secrets_compared_in_varying_time, CODE) == []


def test_only_one_function_makes_a_redirect():
    elsewhere = [path for path in SERVER if name_of(path) != "src/troth/http.py"]
    assert offences(locations, elsewhere) == []


def test_RG_19_only_one_door_leads_outside():
    elsewhere = [p for p in SERVER if not name_of(p).startswith("src/troth/fetch/")]
    ours = [path for path in elsewhere if name_of(path).startswith("src/")]
    assert offences(goes_outside, ours) == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (queries_built_from_strings, "db.execute(f'select {x}')"),
        (queries_built_from_strings, "db.execute('select ' + x)"),
        (queries_built_from_strings, "db.execute('select %s' % x)"),
        (queries_built_from_strings, "db.execute('select {}'.format(x))"),
        (secrets_compared_in_varying_time, "row.secret_hash == given"),
        (secrets_compared_in_varying_time, "given != refresh_token"),
        (dangerous_calls, "eval(x)"),
        (dangerous_imports, "import pickle"),
        (goes_outside, "import urllib.request"),
        (goes_outside, "from http import client"),
        (goes_outside, "asyncio.open_connection(host, 443)"),
        (locations, "headers = [(b'location', uri)]"),
        (locations, "return RedirectResponse(uri)"),
    ],
)
def test_each_rule_sees_what_it_forbids(rule, code):
    assert breaks(rule, code)


@pytest.mark.parametrize("code", ["token_type == kind", "token == ''", "password is None"])
def test_what_is_no_secret_may_be_compared(code):
    assert not breaks(secrets_compared_in_varying_time, code)
