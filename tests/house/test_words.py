"""Words that have no business in the repository.

Where a word would be found in this very file it is written in two pieces.
"""

import re

import pytest

from tests.house.source import ROOT, files, name_of

HOUSE = "tests/house/"
_TEXT = [p for p in files() if p.suffix not in {".png", ".ico", ".woff2", ".mo"}]
_LINES = [
    (f"{name_of(path)}:{number}", line)
    for path in _TEXT
    if not name_of(path).startswith(HOUSE) and path != ROOT / "LICENSE"
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
]
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|\bfor now\b")
_PLACEHOLDER = re.compile(r"placeholder", re.IGNORECASE)
_MACHINE_PATH = re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|farm|home/[a-z]+|Users/[a-z]+)/")
_REGISTRY = re.compile(
    r"pypi\.org|pythonhosted|registry\.npmjs|npmjs\.com|crates\.io|deb\.debian"
    r"|index[-_]url|find-links|trusted-host"
)
_WORKPLACE = re.compile(
    r"\b[Ii]ssues? #?\d|\b(DESIGN|STACK|MODELS|SECURITY-CASES)\.md|\bshared/|\bDESIGN §"
)


def _found(pattern: re.Pattern[str], *folders: str) -> list[str]:
    return [
        f"{place}: {line.strip()[:100]}"
        for place, line in _LINES
        if pattern.search(line) and (not folders or place.startswith(folders))
    ]


@pytest.mark.parametrize(
    "pattern", [_MACHINE_PATH, _REGISTRY, _WORKPLACE], ids=["machine", "registry", "workplace"]
)
def test_the_repository_knows_nothing_of_where_it_was_written(pattern):
    assert _found(pattern) == []


def test_nothing_is_unfinished_by_its_own_words():
    assert _found(_UNFINISHED) == []


def test_nothing_shipped_is_a_stand_in():
    found = _found(_PLACEHOLDER, "src/", "guard/src/", "examples/", "docs/", "README.md")
    markup = re.compile(r"::placeholder|\bplaceholder=|:placeholder-shown")
    assert [line for line in found if not markup.search(line)] == []


@pytest.mark.parametrize("name", ["requirements/run.txt", "requirements/dev.txt"])
def test_a_lock_has_hashes_and_no_addresses(name):
    lines = (ROOT / name).read_text("utf-8").splitlines()
    pinned = [line for line in lines if re.match(r"[a-z0-9]", line)]
    assert pinned
    assert [line for line in pinned if "==" not in line or not line.endswith("\\")] == []
    assert sum("--hash=sha256:" in line for line in lines) >= len(pinned)
    assert [line for line in lines if "://" in line or line.startswith("-")] == []


def test_the_javascript_lock_has_hashes_and_no_addresses():
    text = (ROOT / "tests/interop/package-lock.json").read_text("utf-8")
    assert text.count('"integrity": "sha512-') == text.count('"node_modules/')
    assert "://" not in text
    assert '"resolved"' not in text
