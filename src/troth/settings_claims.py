"""The setting `claims`: what further scopes tell of a person, and where a record has it."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from troth.rules.claims import RESERVED
from troth.settings_checks import SettingsError

# A scope, a claim that it asks for, and the name under which a person's record has it.
CustomClaim = tuple[str, str, str]

_MOST = 200
_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,100}")
_NAME = re.compile(r"[!-\"$-~]{1,100}")


def parse_claims(value: Any) -> tuple[CustomClaim, ...]:
    """A table of scopes, each with a list of claims or a table of claim = name in the record.

    In the environment it is the same as JSON. Raises `SettingsError` with one sentence.
    """
    try:
        table = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise SettingsError('TROTH_CLAIMS must be JSON such as {"hr": ["department"]}') from None
    if not isinstance(table, Mapping):
        raise SettingsError("the setting claims must be a table of scopes")
    found = tuple(_of_scopes(table))
    if len(found) > _MOST:
        raise SettingsError(f"the setting claims has more than {_MOST} claims")
    return found


def _of_scopes(table: Mapping[str, Any]) -> Iterator[CustomClaim]:
    for scope, claims in table.items():
        if not _SCOPE.fullmatch(scope):
            raise SettingsError(f"the setting claims names a scope that cannot be: {scope[:80]!r}")
        pairs = _pairs(claims)
        if not pairs:
            raise SettingsError(
                f"the setting claims.{scope} must be a list of claims, or a table of "
                "claim = name in the record"
            )
        for claim, name in pairs.items():
            _check(scope, claim, name)
            yield scope, claim, name


def _pairs(claims: Any) -> Mapping[Any, Any]:
    """Claims by name, each with its name in the record; empty for what is neither form."""
    if isinstance(claims, list) and all(isinstance(claim, str) for claim in claims):
        return {claim: claim for claim in claims}
    return claims if isinstance(claims, Mapping) else {}


def _check(scope: str, claim: str, name: Any) -> None:
    for each in (claim, name):
        if not isinstance(each, str) or not _NAME.fullmatch(each):
            raise SettingsError(
                f"the setting claims.{scope} has a name that cannot be: {str(each)[:80]!r}"
            )
        if each in RESERVED:  # a mapping could make somebody else of a person (CVE-2024-29892)
            raise SettingsError(
                f"the setting claims.{scope} must not map {each!r}: the server alone says it"
            )
