"""docs/reference/security-cases.md: the id of an attack or fault -> the tests that try it."""

from collections import defaultdict

from tools.reference.scan import Test, all_tests

_INTRODUCTION = """# Attacks and faults, and the tests that try them

Every known attack, fault or bad input has an id, two letters and a number. A test carries the ids
of what it tries in its name (`test_RT_01_…`) or in its parameters (`RT-01`).
"""

_AREAS = {
    "AD": "Administration",
    "AZ": "Authorization requests",
    "CA": "Client authentication",
    "CC": "Concurrency",
    "CP": "Consent page",
    "CS": "Cross-site requests",
    "CX": "Authorization codes",
    "DP": "Sender-constrained tokens",
    "DV": "Device authorization",
    "FD": "Federation",
    "FT": "Faults and clocks",
    "HT": "HTTP",
    "IR": "Introspection and revocation",
    "JW": "JSON Web Tokens",
    "LG": "Login",
    "LO": "Logout",
    "MF": "Second factors",
    "MT": "Mutual TLS",
    "OR": "Open redirects",
    "PJ": "Pushed and signed requests",
    "PK": "PKCE",
    "PS": "Passkeys",
    "PV": "Privacy and logs",
    "RG": "Registration",
    "RS": "The guard of an API",
    "RT": "Refresh tokens",
    "RU": "Redirect URIs",
    "RX": "Exhaustion of resources",
    "SC": "Scopes",
    "SE": "Sessions",
    "ST": "Storage and keys",
    "TX": "Token exchange",
    "XS": "Injection into pages",
}


def render() -> str:
    """The page."""
    tried: dict[str, list[Test]] = defaultdict(list)
    for test in all_tests("tests", "guard/tests"):
        for row in test.rows:
            if row[:2] in _AREAS:
                tried[row].append(test)
    parts = [_INTRODUCTION, f"{len(tried)} of them have a test.\n"]
    for area in sorted({row[:2] for row in tried}):
        rows = sorted(row for row in tried if row.startswith(area))
        parts.append(f"## {area}: {_AREAS[area]}\n")
        parts.append("\n".join(["| Id | Tests |", "|---|---|", *(_row(r, tried[r]) for r in rows)]))
        parts.append("")
    return "\n".join(parts)


def _row(row: str, found: list[Test]) -> str:
    said = sorted({f"{test.sentence} (`{test.file}`)" for test in found})
    return f"| {row} | {'<br>'.join(said)} |"
