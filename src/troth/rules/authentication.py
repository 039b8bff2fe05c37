"""How a request wants the person authenticated (OIDC Core §3.1.2.1), checked and as one value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from troth.errors import OAuthError, invalid_request
from troth.model.client import RegisteredClient
from troth.model.request import Authentication, ClaimWish, Wishes
from troth.signing.compact import Malformed, json_object

# One factor: a password. Higher classes come with the factors that they stand for.
ACR_SUPPORTED = ("1",)
PROMPTS = ("none", "login", "consent", "select_account")
CREATE = "create"

LONGEST_NONCE = 512
MOST_WISHES = 60
_SECONDS = re.compile("[0-9]{1,10}")
_MOST_SECONDS = 10 * 366 * 86400
_CLAIM = re.compile(r"[!-~]{1,100}")

# Said anyway, or no claims of a person: they are not looked up.
_NOT_LOOKED_UP = frozenset({"sub", "acr", "auth_time", "amr", "iss", "aud", "exp", "iat", "nonce"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """The claims of an ID token of ours that came as `id_token_hint`."""

    sub: str
    aud: tuple[str, ...]


class _Member(msgspec.Struct):
    essential: bool = False
    value: object = msgspec.UNSET
    values: tuple[object, ...] = ()


class _Claims(msgspec.Struct):
    userinfo: dict[str, _Member | None] | None = None
    id_token: dict[str, _Member | None] | None = None


def parse(
    form: Mapping[str, str], client: RegisteredClient, hint: Hint | None, *, may_create: bool
) -> Authentication:
    """The parameters of Core §3.1.2.1 and §5.2, else what the client registered.

    `may_create` tells that people may make their own accounts here (`prompt=create`).
    """
    wishes, acr, subjects = _claims(form)
    if hint is not None:
        if client.client_id not in hint.aud:
            raise _bad_hint("it was issued to another client")
        subjects = (hint.sub, *subjects)
    if len(set(subjects)) > 1:
        raise invalid_request("the request names two people", reason="sub and id_token_hint differ")
    wanted = acr.values or tuple(form.get("acr_values", "").split())[:10]
    return Authentication(
        nonce=_nonce(form.get("nonce")),
        prompt=_prompt(form.get("prompt"), may_create=may_create),
        max_age=_max_age(form.get("max_age"), client),
        subject=subjects[0] if subjects else None,
        login_hint=form.get("login_hint", "")[:254] or None,
        acr=tuple(map(str, wanted)) or client.openid.default_acr_values,
        acr_essential=acr.essential,
        wishes=wishes,
    )


def refuse_hint(reason: str) -> OAuthError:
    """The refusal of an `id_token_hint` that is none of ours."""
    return _bad_hint(reason)


def _bad_hint(reason: str) -> OAuthError:
    return invalid_request("id_token_hint is not valid", reason=f"id_token_hint: {reason}")


def _nonce(text: str | None) -> str | None:
    if text is not None and len(text) > LONGEST_NONCE:
        raise invalid_request("nonce is too long", reason=f"nonce has {len(text)} characters")
    return text


def _prompt(text: str | None, *, may_create: bool) -> frozenset[str]:
    if text is None:
        return frozenset()
    named = frozenset(text.split())
    unknown = named - {*PROMPTS, *((CREATE,) if may_create else ())}
    if unknown or not named:
        raise invalid_request("prompt is not valid", reason=f"prompt {sorted(unknown)!r}"[:200])
    if "none" in named and len(named) > 1:
        raise invalid_request("prompt is not valid", reason="prompt none with others")
    return named


def _max_age(text: str | None, client: RegisteredClient) -> int | None:
    if text is None:
        return client.openid.default_max_age
    if not _SECONDS.fullmatch(text):
        raise invalid_request("max_age is not valid", reason=f"max_age {text[:40]!r}")
    return min(int(text), _MOST_SECONDS)


def _claims(form: Mapping[str, str]) -> tuple[Wishes, ClaimWish, tuple[str, ...]]:
    """The wishes, what is said of `acr`, and who it must be (Core §5.5, §5.5.1.1)."""
    text = form.get("claims")
    locales = tuple(form.get("claims_locales", "").split())[:10]
    if text is None:
        return Wishes(locales=locales), ClaimWish(), ()
    try:
        asked = msgspec.convert(json_object(text.encode(), "claims"), _Claims)
    except (Malformed, msgspec.ValidationError) as error:
        raise invalid_request(
            "claims is not valid", reason=f"claims breaks OIDC Core §5.5: {error}"[:300]
        ) from None
    id_token, userinfo = _wishes(asked.id_token), _wishes(asked.userinfo)
    if len(id_token) + len(userinfo) > MOST_WISHES:
        raise invalid_request("claims asks for too much", reason=f"over {MOST_WISHES} claims")
    subjects = tuple(
        str(value)
        for wished in (id_token, userinfo)
        for value in wished.get("sub", ClaimWish()).values[:1]
    )
    wishes = Wishes(id_token=_looked_up(id_token), userinfo=_looked_up(userinfo), locales=locales)
    return wishes, id_token.get("acr", ClaimWish()), subjects


def _looked_up(wished: Mapping[str, ClaimWish]) -> dict[str, ClaimWish]:
    """What is told as the record has it: which values somebody hopes for changes nothing."""
    return {
        name: ClaimWish(essential=wish.essential)
        for name, wish in wished.items()
        if name not in _NOT_LOOKED_UP
    }


def _wishes(members: Mapping[str, _Member | None] | None) -> dict[str, ClaimWish]:
    wished: dict[str, ClaimWish] = {}
    for name, member in (members or {}).items():
        if not _CLAIM.fullmatch(name):
            raise invalid_request("claims is not valid", reason="a claim name is not printable")
        if member is None:
            wished[name] = ClaimWish()
            continue
        one = () if member.value is msgspec.UNSET else (member.value,)
        wished[name] = ClaimWish(essential=member.essential, values=(*one, *member.values))
    return wished
