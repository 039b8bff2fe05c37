"""The compact serializations of JOSE (RFC 7515 §7.1, RFC 7516 §7.1), read as strictly as can be.

What is read here was made by anybody. A member that occurs twice, a number that is none in JSON,
half a character: two readers could understand these differently, so that they are refused.
"""

import json
import re
from binascii import a2b_base64, b2a_base64
from typing import Any, NoReturn

LONGEST = 16 * 1024
# How deep arrays and objects may lie in one another: how deep a parser goes depends on its version.
DEEPEST = 64
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)

# Keys that come with the token, extensions, and what makes a small token a large one: nothing
# here understands them, and nothing is believed that says them (RFC 8725 §3.5, RFC 7515 §4.1.11).
_REFUSED = frozenset("crit b64 zip jwk jku x5u x5c p2s p2c".split())


# Quicker than the library's functions for this alphabet.
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_", b"+/")


class Malformed(ValueError):
    """The text is not what it should be; the message says where."""


def b64(raw: bytes) -> bytes:
    """Base64url without padding (RFC 7515 §2)."""
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=")


def unb64(text: str) -> bytes:
    """Strict base64url without padding; ValueError for every other spelling."""
    spelled = text.encode("ascii")
    raw = a2b_base64(spelled.translate(_FROM_URL) + b"==="[: -len(spelled) % 4])
    if b64(raw) != spelled:
        raise ValueError("not canonical base64url")
    return raw


def segments(text: str, count: int) -> list[str]:
    """The parts between the dots: three of a JWS, five of a JWE."""
    if len(text) > LONGEST:
        raise Malformed("too long")
    if not text.isascii() or text.count(".") != count - 1:
        raise Malformed(f"not {count} parts of base64url")
    return text.split(".")


def octets(segment: str) -> bytes:
    """What a part stands for."""
    try:
        return unb64(segment)
    except ValueError:
        raise Malformed("a part is not base64url") from None


def header(segment: str) -> dict[str, Any]:
    """The protected header, with the names that every header has in the types that they have."""
    found = json_object(octets(segment), "header")
    if named := sorted(_REFUSED & found.keys()):
        raise Malformed(f"header {named[0]}")
    for name in ("alg", "kid", "typ", "cty", "enc"):
        if not isinstance(found.get(name, ""), str):
            raise Malformed(f"header {name} is not text")
    return found


def json_object(raw: bytes, what: str) -> dict[str, Any]:
    """One JSON object, in the only way to understand it."""
    if too_deep(raw):
        raise Malformed(f"{what} is nested too deep")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_no_number,
            parse_int=_whole,
            parse_float=_finite,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except Malformed:
        raise
    except ValueError:
        raise Malformed(f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not an object")
    return value


def too_deep(raw: bytes) -> bool:
    """Whether brackets outside of text open deeper than they may."""
    if raw.count(b"[") + raw.count(b"{") <= DEEPEST:
        return False
    depth = 0
    for found in _BRACKETS.finditer(raw):
        kind = found[0][:1]
        depth += (kind in b"[{") - (kind in b"]}")
        if depth > DEEPEST:
            return True
    return False


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a member occurs twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise Malformed(f"{name} is not a number")


def _whole(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) >= 2**63:
        raise Malformed("a number is too large")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise Malformed("a number is too large")
    return number
