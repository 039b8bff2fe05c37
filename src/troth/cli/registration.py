"""Rules and printing of client registrations, with the names of RFC 7591 §2."""

import secrets
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from troth.cli.common import Failure
from troth.model.client import RegisteredClient
from troth.rules.redirect_uri import MOST, check_registration


def check(noun: RegisteredClient, defined: frozenset[str], own_origin: str) -> str | None:
    """Why a client cannot be registered so, or None."""
    if not noun.client_name.strip() or len(noun.client_name) > 100:
        return "a client needs a name of at most 100 characters"
    if noun.client_uri and urlsplit(noun.client_uri).scheme not in ("https", "http"):
        return "the client_uri must be an https address"
    missing = [name for name in noun.scope if name not in defined]
    if missing:
        return f"scope {missing[0]!r} is not defined; run troth scope add {missing[0]} first"
    if "authorization_code" in noun.grant_types and not noun.redirect_uris:
        return "a client with grant type authorization_code needs --redirect-uri"
    if len(noun.redirect_uris) > MOST:
        return f"a client has at most {MOST} redirect URIs"
    for uri in noun.redirect_uris:
        problem = check_registration(uri, own_origin)
        if problem:
            return f"the redirect URI {uri[:200]!r} is refused: {problem}"
    if noun.public and "client_credentials" in noun.grant_types:
        return "a public client cannot use client_credentials (RFC 6749 §4.4)"
    return None


def look_alikes(
    noun: RegisteredClient, others: Iterable[RegisteredClient], operator: str
) -> list[str]:
    """What in a client's name could make people take it for somebody else (RFC 6819 §4.4.1.4)."""
    shape = _shape(noun.client_name)
    found = [
        f"another client is called {other.client_name!r}: people cannot tell them apart"
        for other in others
        if other.client_id != noun.client_id and _shape(other.client_name) == shape
    ]
    if _shape(operator) in shape:
        found.append(f"the name contains your own, {operator!r}: people may take it for you")
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in noun.client_name if c.isalpha()}
    if len(scripts & _LOOK_THE_SAME) > 1:
        found.append("the name mixes alphabets whose letters look the same")
    return found


_LOOK_THE_SAME = {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}


def _shape(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in plain if c.isalnum())


def claimed_twice(noun: RegisteredClient, others: Iterable[RegisteredClient]) -> list[str]:
    """Private-use schemes that another client has too: either may get the other's answer."""
    taken = {s for other in others if other.client_id != noun.client_id for s in _private(other)}
    return sorted(_private(noun) & taken)


def _private(noun: RegisteredClient) -> set[str]:
    return {uri.partition(":")[0] for uri in noun.redirect_uris} - {"https", "http"}


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def seconds(text: str) -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1:]) if text[-1:] in units else (text, "s")
    if not number.isdigit():
        raise Failure(f"{text!r} is not a time such as 24h, 30m or 2d")
    return int(number) * units[unit]


def shown_client(noun: RegisteredClient) -> dict[str, Any]:
    """RFC 7591 names; never a secret or its hash."""
    shown: dict[str, Any] = {
        "client_id": noun.client_id,
        "client_id_issued_at": noun.created_at,
        "client_name": noun.client_name,
        "redirect_uris": list(noun.redirect_uris),
        "grant_types": list(noun.grant_types),
        "response_types": ["code"] if "authorization_code" in noun.grant_types else [],
        "scope": " ".join(noun.scope),
        "token_endpoint_auth_method": noun.token_endpoint_auth_method,
        "access_token": noun.access_token_format,
        "access_token_lifetime": noun.access_token_lifetime,
        "require_pkce": noun.require_pkce or noun.public,
        "introspects": list(noun.introspects),
        "disabled": noun.disabled,
    }
    if noun.client_uri:
        shown["client_uri"] = noun.client_uri
    return shown


def text_of(shown: dict[str, Any]) -> str:
    def plain(value: Any) -> str:
        return " ".join(value) if isinstance(value, list) else str(value)

    return "\n".join(f"{name}: {plain(value)}" for name, value in shown.items())
