"""What is told of a person (OIDC Core §5): which claims, in which languages, by what right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from troth.model.person import Person
from troth.model.request import ClaimWish, Wishes

# Claim names by the scope that asks for them (Core §5.4).
STANDARD: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}

# What the server alone says: no record, mapping or hook may (SC-10).
RESERVED = frozenset(
    "iss sub aud exp iat nbf jti nonce auth_time acr amr azp at_hash c_hash s_hash sid client_id "
    "scope cnf act may_act events typ token_type active chain username".split()
)


@dataclass(frozen=True, slots=True)
class ClaimMap:
    """Scopes to claims to names in a person's record: the standard ones and the operator's."""

    custom: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, scope: str) -> Mapping[str, str]:
        """The claims of a scope, each with the name under which the record has it."""
        standard = {name: name for name in STANDARD.get(scope, ())}
        return {**standard, **self.custom.get(scope, {})}

    @property
    def scopes(self) -> tuple[str, ...]:
        """Every scope that asks for claims."""
        return tuple(dict.fromkeys((*STANDARD, *self.custom)))

    @property
    def names(self) -> tuple[str, ...]:
        """Every claim that can be asked for."""
        return tuple(dict.fromkeys(name for scope in self.scopes for name in self.of(scope)))

    def covering(self, claim: str) -> str | None:
        """The scope that a single claim belongs to, whatever its language."""
        name = claim.partition("#")[0]
        return next((scope for scope in self.scopes if name in self.of(scope)), None)

    def covering_all(self, wishes: Wishes) -> tuple[str, ...]:
        """The scopes that wished claims belong to, each once."""
        wished = (*wishes.id_token, *wishes.userinfo)
        covers = (self.covering(name) for name in wished)
        return tuple(dict.fromkeys(scope for scope in covers if scope is not None))

    def agreed(self, wishes: Wishes, granted: Iterable[str]) -> Wishes:
        """What is left of wishes where only these scopes were granted, or may still be."""
        allowed = frozenset(granted)

        def left(wished: Mapping[str, ClaimWish]) -> dict[str, ClaimWish]:
            return {name: wish for name, wish in wished.items() if self.covering(name) in allowed}

        return Wishes(
            id_token=left(wishes.id_token),
            userinfo=left(wishes.userinfo),
            locales=wishes.locales,
        )

    def by_scope(
        self, person: Person, scope: Iterable[str], locales: tuple[str, ...]
    ) -> dict[str, object]:
        """The claims that scopes ask for, in the wanted languages where the record has them."""
        record = _record(person)
        told: dict[str, object] = {}
        for name in scope:
            for claim, key in self.of(name).items():
                told |= _in_languages(record, claim, key, locales)
        return told

    def by_name(self, person: Person, wished: Iterable[str]) -> dict[str, object]:
        """The claims that were asked for one by one, `family_name#ja` just so (Core §5.2)."""
        record = _record(person)
        told: dict[str, object] = {}
        for claim in wished:
            name, tag, language = claim.partition("#")
            scope = self.covering(name)
            value = record.get(self.of(scope)[name] + tag + language) if scope else None
            if value is not None:
                told[claim] = value
        return told


def joined(known: Mapping[str, object], hooked: Mapping[str, object]) -> dict[str, object]:
    """What the operator's hook adds to what is known: nothing reserved, and nothing replaced."""
    added = {
        name: value
        for name, value in hooked.items()
        if name.partition("#")[0] not in RESERVED and value is not None
    }
    return {**added, **known}


def _record(person: Person) -> dict[str, object]:
    """A person's record with what stands beside it; nothing empty, nothing reserved."""
    record: dict[str, object] = {"preferred_username": person.username, **person.claims}
    if person.email:
        record["email"] = person.email
        record.setdefault("email_verified", False)
    kept = (name.partition("#")[0] not in RESERVED for name in record)
    return {n: v for (n, v), keep in zip(record.items(), kept, strict=True) if keep and v != ""}


def _in_languages(
    record: Mapping[str, object], claim: str, key: str, locales: tuple[str, ...]
) -> dict[str, object]:
    """A claim in each wanted language that the record has it in, else as it stands (Core §5.2)."""
    wanted = {locale.lower() for locale in locales}
    tagged = {
        f"{claim}#{tag}": value
        for name, value in record.items()
        for base, _, tag in (name.partition("#"),)
        if base == key and tag and tag.lower() in wanted
    }
    if tagged:
        return tagged
    value = record.get(key)
    return {} if value is None else {claim: value}
