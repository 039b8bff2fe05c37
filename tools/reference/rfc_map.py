"""docs/reference/rfc-map.md: document and section -> source files that cite it -> tests."""

import re
import tomllib
from collections import defaultdict

from tools.reference.scan import ROOT, Section, Test, all_tests, citations

CLAIMS = "docs/reference/claims.toml"

_INTRODUCTION = f"""# From the standards to the code and the tests

Read off the docstrings of the source and the `@spec` of the tests. `{CLAIMS}` lists the documents
that Troth claims to follow; each has at least one test.
"""


def claims() -> dict[str, str]:
    """The claimed documents with their titles."""
    claimed: dict[str, str] = tomllib.loads((ROOT / CLAIMS).read_text("utf-8"))
    return claimed


def render() -> str:
    """The page."""
    sources = _by_section(citations("src", "guard/src"))
    tested: dict[Section, list[Test]] = defaultdict(list)
    for test in all_tests("tests", "guard/tests"):
        for section in test.sections:
            tested[section].append(test)
    claimed = claims()
    named = {section.document for section in (*sources, *tested)} - claimed.keys()
    parts = [_INTRODUCTION]
    for document in sorted(claimed, key=_natural):
        parts.append(f"## {document}: {claimed[document]}\n")
        parts.append(_table(document, sources, tested))
    if named:
        parts.append("## Named beside these\n")
        for document in sorted(named, key=_natural):
            parts += [f"### {document}\n", _table(document, sources, tested)]
    return "\n".join(parts)


def problems() -> list[str]:
    """Claims without a test, and documents that README.md names without a claim."""
    tested = {s.document for test in all_tests("tests", "guard/tests") for s in test.sections}
    claimed = claims()
    found = [
        f"{d} is claimed in {CLAIMS}, and no test names it" for d in claimed if d not in tested
    ]
    readme = ROOT / "README.md"
    named = set(re.findall(r"RFC \d{3,5}", readme.read_text("utf-8") if readme.exists() else ""))
    unclaimed = sorted(named - claimed.keys())
    return found + [f"README.md names {d}, which {CLAIMS} does not claim" for d in unclaimed]


def _by_section(cited: dict[str, set[Section]]) -> dict[Section, list[str]]:
    turned: dict[Section, list[str]] = defaultdict(list)
    for file, sections in cited.items():
        for section in sections:
            turned[section].append(file)
    return turned


def _table(
    document: str, sources: dict[Section, list[str]], tested: dict[Section, list[Test]]
) -> str:
    sections = {section for section in (*sources, *tested) if section.document == document}
    if not sections:
        return ""
    lines = ["| § | Source | Tests |", "|---|---|---|"]
    for section in sorted(sections, key=lambda section: section.sort_key):
        files = "<br>".join(f"`{file}`" for file in sorted(sources.get(section, [])))
        sentences = sorted({(test.sentence, test.file) for test in tested.get(section, [])})
        said = "<br>".join(f"{sentence} (`{file}`)" for sentence, file in sentences)
        lines.append(f"| {section.number or 'whole'} | {files} | {said} |")
    return "\n".join(lines) + "\n"


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"(\d+)", text)]
