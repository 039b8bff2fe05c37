"""An application that people log in to with Troth, and a person of whom much can be told."""

from tests.harness import Person, Troth

SCOPE = "openid profile email offline_access"
CLAIMS: dict[str, object] = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email_verified": True,
}


def known(troth: Troth) -> Person:
    """A person with a name and an address that was verified."""
    return troth.person(claims=CLAIMS)


def told_of(person: Person) -> dict[str, object]:
    """What UserInfo tells of such a person, but for when it was last changed."""
    return {
        **CLAIMS,
        "sub": person.sub,
        "preferred_username": person.username,
        "email": f"{person.username}@people.example",
    }
