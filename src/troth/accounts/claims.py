"""What may be known of a person: the claims of OIDC Core §5.1 by type, and the operator's own."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from troth.accounts.names import check_email
from troth.rules.claims import RESERVED

LARGEST = 16 * 1024
_LONGEST_NAME = 100
_LONGEST_TEXT = 1000

_NAME = re.compile(r"[!-\"$-~]{1,100}(?:#[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*)?")
_BIRTHDATE = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01]))?")
_WEB = re.compile(r"https?://[!-~]{1,2000}", re.IGNORECASE)

_ADDRESS = frozenset("formatted street_address locality region postal_code country".split())


def check(claims: Mapping[str, Any]) -> str | None:
    """Why these cannot be somebody's claims, or None where they can."""
    for name, value in claims.items():
        problem = _check(name, value)
        if problem is not None:
            return problem
    try:
        encoded = msgspec.json.encode(claims)
    except (ValueError, RecursionError):
        return "the claims nest too deep, or hold a number that is too large"
    if len(encoded) > LARGEST:
        return f"the claims have more than {LARGEST // 1024} kB"
    return "a claim holds NUL" if b"\\u0000" in encoded else None


def _check(name: str, value: Any) -> str | None:
    base = name.partition("#")[0]
    if not _NAME.fullmatch(name):
        return f"{name[:80]!r} is no name of a claim, such as family_name or family_name#ja"
    if base in RESERVED:
        return f"{base} is said by the server alone, and by nobody's record"
    must = _STANDARD.get(base)
    if must is None:
        return None
    if name != base and base not in _IN_LANGUAGES:
        return f"{base} has no languages"
    fits, words = must
    return None if fits(value) else f"{name} must be {words}"


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _web(value: Any) -> bool:
    return isinstance(value, str) and _WEB.fullmatch(value) is not None


def _birthdate(value: Any) -> bool:
    return isinstance(value, str) and _BIRTHDATE.fullmatch(value) is not None


def _email(value: Any) -> bool:
    return isinstance(value, str) and check_email(value) is None


def _address(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and value.keys() <= _ADDRESS
        and all(_text(part) for part in value.values())
    )


_Must = tuple[Callable[[Any], bool], str]
_A_TEXT: _Must = (_text, f"a text of 1 to {_LONGEST_TEXT} characters")
_A_PAGE: _Must = (_web, "an http or https address")
_A_TRUTH: _Must = (_truth, "true or false")
_A_NUMBER: _Must = (_number, "a number of seconds")

_IN_LANGUAGES = frozenset(
    "name family_name given_name middle_name nickname profile picture website address".split()
)
_STANDARD: Mapping[str, _Must] = {
    **dict.fromkeys(
        "name family_name given_name middle_name nickname preferred_username gender zoneinfo "
        "locale phone_number".split(),
        _A_TEXT,
    ),
    **dict.fromkeys(("profile", "picture", "website"), _A_PAGE),
    **dict.fromkeys(("email_verified", "phone_number_verified"), _A_TRUTH),
    "birthdate": (_birthdate, "YYYY-MM-DD, 0000-MM-DD or YYYY"),
    "email": (_email, "an e-mail address like name@example.org"),
    "address": (_address, "an object of formatted, street_address, locality and so on, in texts"),
    "updated_at": _A_NUMBER,
}


def changed(former: Mapping[str, Any], given: Mapping[str, Any], now: int) -> dict[str, Any]:
    """A record after the given claims have replaced those that they name; None takes away.

    A new phone number is not verified unless that is said too.
    """
    whole = {**former, **given, "updated_at": now}
    if whole.get("phone_number") != former.get("phone_number"):
        whole["phone_number_verified"] = given.get("phone_number_verified")
    return {name: value for name, value in whole.items() if value is not None}
