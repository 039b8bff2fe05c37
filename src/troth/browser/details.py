"""What is known of a person, in lines that they can read (OIDC Core §5.1)."""

import json
import re
from collections.abc import Iterator, Mapping

from troth.browser import words
from troth.browser.pages.views import DetailLine
from troth.model.person import Person
from troth.rules.claims import STANDARD

# What is said beside the detail that it is about, or by the page itself.
_BESIDE = frozenset({"email_verified", "phone_number_verified", "updated_at"})
_ORDER = {name: place for place, name in enumerate(n for s in STANDARD.values() for n in s)}
_DATE = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])-([0-9]{2})")


def lines(person: Person) -> tuple[DetailLine, ...]:
    """A line for each claim: the standard ones in their order, then the operator's own."""
    record: dict[str, object] = dict(person.claims)
    if person.email:
        record["email"] = person.email
    if record.get("preferred_username") == person.username:
        del record["preferred_username"]  # the page's heading
    names = sorted((n for n in record if n.partition("#")[0] not in _BESIDE), key=_place)
    return tuple(
        _line(name, record[name], person) for name in names if record[name] not in ("", {})
    )


def _place(name: str) -> tuple[int, str]:
    return _ORDER.get(name.partition("#")[0], len(_ORDER)), name


def _line(claim: str, value: object, person: Person) -> DetailLine:
    name, _, language = claim.partition("#")
    found = person.claims.get(f"{name}_verified", False if name == "email" else None)
    return DetailLine(
        name=name,
        value=_words(name, value),
        language=language or None,
        verified=found if isinstance(found, bool) else None,
    )


def _words(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, str):
        return _birthday(value) if name == "birthdate" else value
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return ", ".join(map(str, value))
    if name == "address" and isinstance(value, Mapping):
        return str(value.get("formatted") or "\n".join(_address(value)))
    return json.dumps(value, ensure_ascii=False)


def _birthday(text: str) -> str:
    """`9 December 1906`; without the year where it is not told: that is 0000."""
    date = _DATE.fullmatch(text)
    if date is None:
        return text
    year, month, day = date.groups()
    told = f"{int(day)} {words.MONTHS[int(month) - 1]}"
    return told if year == "0000" else f"{told} {year}"


def _address(parts: Mapping[str, object]) -> Iterator[str]:
    place = (parts.get("postal_code"), parts.get("locality"))
    yield from filter(
        None,
        (
            str(parts.get("street_address") or ""),
            " ".join(str(part) for part in place if part),
            str(parts.get("region") or ""),
            str(parts.get("country") or ""),
        ),
    )
