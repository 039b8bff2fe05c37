"""One canonical form for names (RFC 8265 UsernameCaseMapped), so that no two look the same."""

from functools import lru_cache

from precis_i18n import get_profile


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


def check_username(name: str) -> str | None:
    """Why a text cannot be a user name, or None where it can."""
    if not login_key(name) or len(name) > 64:
        return "a user name has 1 to 64 letters, digits or signs and no spaces"
    if "@" in name:
        return "a user name has no @: it could look like somebody's e-mail address"
    return None


def check_email(email: str) -> str | None:
    """Why a text cannot be an e-mail address, or None where it can."""
    local, _, domain = email.rpartition("@")
    if not login_key(email) or not local or "." not in domain.strip("."):
        return "an e-mail address looks like name@example.org"
    return None
