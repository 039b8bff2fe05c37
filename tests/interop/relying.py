"""An application that people log in to with Troth, and a person of whom much can be told."""

import json

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
    person = troth.person()
    text = json.dumps(CLAIMS)
    troth.execute("update person set claims = ? where sub = ?", text, person.sub)
    return person
