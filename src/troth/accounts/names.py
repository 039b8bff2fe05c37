"""One canonical form for names (RFC 8265 UsernameCaseMapped), so that no two look the same."""

import re
import unicodedata
from functools import lru_cache

from precis_i18n import get_profile

_LIKE_A_SUB = re.compile(r"[0-9a-f]{32}")
# Letters that show nothing.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


@lru_cache(maxsize=1)
def _profile():  # type: ignore[no-untyped-def]
    return get_profile("UsernameCaseMapped")


def login_key(name: str) -> str:
    """The form under which a user name or e-mail address is unique and looked up.

    A text that is no name at all has the key of nobody: the empty string.
    """
    text = name.strip()
    if not text or len(text) > 254:
        return ""
    if text.isascii() and text.isprintable() and " " not in text:
        return text.lower()
    try:
        return str(_profile().enforce(text))
    except UnicodeEncodeError:
        return ""


def shows(name: str) -> bool:
    """Whether each character is seen, and turns no text around: names are shown to others.

    What joins or parts letters (U+200C, U+200D) is of some scripts' spelling, and shows in it.
    """
    return all(
        char in "\u200c\u200d" or (unicodedata.category(char) not in _UNSEEN and char not in _BLANK)
        for char in name
    )


def check_username(name: str) -> str | None:
    """Why a text cannot be a user name, or None where it can."""
    if not login_key(name) or len(name) > 64:
        return "a user name has 1 to 64 letters, digits or signs and no spaces"
    if _LIKE_A_SUB.fullmatch(login_key(name)):
        return "a user name does not look like a sub, by which people are told apart"
    if "@" in name:
        return "a user name has no @: it could look like somebody's e-mail address"
    return None


def check_email(email: str) -> str | None:
    """Why a text cannot be an e-mail address, or None where it can."""
    local, _, domain = email.rpartition("@")
    if not login_key(email) or not local or "." not in domain.strip("."):
        return "an e-mail address looks like name@example.org"
    return None
