"""The guide's lines for each library are those that were tried."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/guide/log-in-with.md").read_text("utf-8")
BLOCK = re.compile(r"<!-- tried: (\S+) -->\n```(\w+)\n(.*?)```", re.DOTALL)
# What the tests fill in, and the guide writes out.
WRITTEN_OUT = {
    "{issuer}": "https://login.example",
    "{site}": "https://app.example",
    "{client_id}": "CLIENT_ID",
    "{client_secret}": "CLIENT_SECRET",
    "{passphrase}": "PASSPHRASE",
}
BLOCKS = BLOCK.findall(GUIDE)


def tried(path: str) -> str:
    text = (ROOT / path).read_text("utf-8")
    for name, value in WRITTEN_OUT.items():
        text = text.replace(name, value)
    return text


@pytest.mark.parametrize(("path", "language", "block"), BLOCKS, ids=[b[0] for b in BLOCKS])
def test_what_the_guide_tells_to_write_was_tried(path: str, language: str, block: str) -> None:
    text = tried(path)
    if language == "js":  # written more shortly there: the same functions, at least
        wanted = set(re.findall(r"(?:client|manager|oidc)\.\w+", block))
        assert wanted
    else:
        wanted = {line for line in block.splitlines() if line.strip()}
    assert [line for line in wanted if line not in text] == []


def test_the_lines_of_the_readme_are_those_of_the_guide() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(troth = OAuth.*?)```", readme, re.DOTALL)
    assert block in GUIDE


def test_the_guide_has_lines_for_every_library_that_was_tried() -> None:
    assert len(BLOCKS) == GUIDE.count("<!-- tried:") == 6
