"""Rules and printing of client registrations, with the names of RFC 7591 §2."""

import json
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from troth.accounts.names import shows
from troth.cli.common import Failure
from troth.model.client import RegisteredClient
from troth.registration import RegistrationError, addresses, metadata, openid
from troth.rules.redirect_uri import MOST, check_registration

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")


def check(noun: RegisteredClient, defined: frozenset[str], own_origin: str) -> str | None:
    """Why a client cannot be registered so, or None."""
    problem = _check_name(noun.client_name) or _check_grants(noun)
    if problem:
        return problem
    missing = [name for name in noun.scope if name not in defined]
    if missing:
        return f"scope {missing[0]!r} is not defined; run troth scope add {missing[0]} first"
    if len(noun.redirect_uris) > MOST:
        return f"a client has at most {MOST} redirect URIs"
    for uri in noun.redirect_uris:
        problem = check_registration(uri, own_origin)
        if problem:
            return f"the redirect URI {uri[:200]!r} is refused: {problem}"
    try:
        if noun.client_uri:
            addresses.check("client_uri", noun.client_uri, schemes=("https", "http"))
        openid.check(noun, own_origin)
    except RegistrationError as error:
        return str(error)
    return None


def _check_name(name: str) -> str | None:
    if not name.strip() or len(name) > 100:
        return "a client needs a name of at most 100 characters"
    if not shows(name):
        return "the name holds characters that are not seen, or turn the text around"
    return None


def _check_grants(noun: RegisteredClient) -> str | None:
    unknown = [name for name in noun.grant_types if name not in GRANT_TYPES]
    if unknown:
        return f"grant type {unknown[0][:40]!r} is none of {', '.join(GRANT_TYPES)}"
    if "authorization_code" in noun.grant_types and not noun.redirect_uris:
        return "a client with grant type authorization_code needs --redirect-uri"
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


def new_id() -> str:
    return secrets.token_hex(12)


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def given_id(document: Mapping[str, Any]) -> str | None:
    """A `client_id` that was agreed on elsewhere, such as with the server that one moves from."""
    given = document.get("client_id")
    if given is not None and not (isinstance(given, str) and _ID.fullmatch(given)):
        raise Failure("the client_id must be 1 to 128 letters, digits, or any of . _ ~ -")
    return given


def given_secret(document: Mapping[str, Any]) -> str | None:
    """A `client_secret` that was made elsewhere; only one that nobody could guess.

    It is kept as a plain digest, which protects what is random and nothing else.
    """
    from troth.accounts.passwords import like_generated

    given = document.get("client_secret")
    if given is None:
        return None
    if not (isinstance(given, str) and _SECRET.fullmatch(given) and like_generated(given)):
        raise Failure(
            "the client_secret must be 32 to 256 random letters, digits or signs; leave it out, "
            "and one is made"
        )
    return given


_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_SECRET = re.compile(r"[\x21-\x7E]{32,256}")


def seconds(text: str) -> int:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1:]) if text[-1:] in units else (text, "s")
    if not number.isdigit():
        raise Failure(f"{text!r} is not a time such as 24h, 30m or 2d")
    return int(number) * units[unit]


def shown_client(noun: RegisteredClient) -> dict[str, Any]:
    """All that is registered, under its registered names; never a secret or its hash."""
    flat = asdict(metadata.of(noun))
    return {
        "client_id": noun.client_id,
        "client_id_issued_at": noun.created_at,
        **{name: value for name, value in flat.items() if value is not None},
        "access_token": noun.access_token_format,
        "access_token_alg": noun.access_token_alg,
        "access_token_lifetime": noun.access_token_lifetime,
        "require_pkce": noun.require_pkce or noun.public,
        "introspects": noun.introspects,
        "disabled": noun.disabled,
    }


def text_of(shown: dict[str, Any]) -> str:
    def plain(value: Any) -> str:
        if isinstance(value, dict):
            return json.dumps(value)
        return " ".join(value) if isinstance(value, list | tuple) else str(value)

    return "\n".join(f"{name}: {plain(value)}" for name, value in shown.items())
