"""`@spec("RFC 6749 §4.1.2")`: which paragraph a test holds the server to.

The map of RFCs to source files and tests (docs/reference/rfc-map.md) is read off these
decorators without importing anything, so the sections are written as plain strings.
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from tools.reference.scan import DOCUMENT

_Marked = TypeVar("_Marked", bound=Callable[..., Any] | type)
_SECTION = re.compile(rf"{DOCUMENT}( §[0-9A-Z]+(\.\d+)*)?")


def spec(*sections: str) -> Callable[[_Marked], _Marked]:
    """Name the paragraphs that a test asserts, as `RFC 6749 §4.1.2` or `OIDC Core §3.1.2.1`.

    Raises `ValueError` for anything else, so that a slip cannot fall out of the map.
    """
    for section in sections:
        if not _SECTION.fullmatch(section):
            raise ValueError(f"{section!r} is not like 'RFC 6749 §4.1.2'")
    if not sections:
        raise ValueError("name at least one section")

    def mark(test: _Marked) -> _Marked:
        test.__spec__ = (*getattr(test, "__spec__", ()), *sections)  # type: ignore[union-attr]
        return test

    return mark
