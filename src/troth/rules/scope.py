"""Scopes (RFC 6749 §3.3): parsed strictly, never wider than registered."""

import re
from collections.abc import Iterable, Mapping

from troth.errors import invalid_scope
from troth.model.person import Scope

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*")
LONGEST = 2048


def parse(text: str) -> tuple[str, ...]:
    """Scope tokens in the order given, each once; raises `invalid_scope` for a broken list."""
    if len(text) > LONGEST or not _SCOPE.fullmatch(text):
        raise invalid_scope("the scope is malformed", reason="scope breaks RFC 6749 §3.3")
    return tuple(dict.fromkeys(text.split(" ")))


def requested(
    text: str | None, allowed: tuple[str, ...], defined: Mapping[str, Scope]
) -> tuple[str, ...]:
    """The scope of a request: what it names, else the operator's defaults (§3.3).

    Raises `invalid_scope` for a name that the client is not registered for.
    """
    if text is None:
        default = tuple(name for name in allowed if name in defined and defined[name].default)
        if not default:
            raise invalid_scope("scope is missing", reason="no scope named and none is default")
        return default
    names = parse(text)
    refuse_beyond(names, [name for name in allowed if name in defined], "registered for the client")
    return names


def refuse_beyond(names: Iterable[str], allowed: Iterable[str], what: str) -> None:
    """Raise `invalid_scope` where a name is not among the allowed."""
    known = set(allowed)
    beyond = [name for name in names if name not in known]
    if beyond:
        raise invalid_scope("the scope is not allowed", reason=f"scope {beyond} is not {what}")


def still_allowed(names: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """What is left of a granted scope after the operator took some from the client."""
    return tuple(name for name in names if name in allowed)
