"""Whose pages these are."""

import re
from dataclasses import dataclass
from typing import Final, Self

_LINKS: Final = ("https://", "http://", "mailto:")
_LOGO: Final = re.compile(r"https://|/(?![/\\])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Whose server this is: the operator's name, help address, logo and colour.

    `support_url` is https, http or mailto; `logo_url` an https address or a path on this server
    (the page's CSP must allow it); `accent` a colour as `#rrggbb`, made readable for both themes.
    """

    name: str
    support_url: str | None = None
    logo_url: str | None = None
    accent: str | None = None

    def __post_init__(self) -> None:
        """Refuse addresses that would not be safe as a link (`javascript:` and the like)."""
        if self.support_url and not self.support_url.startswith(_LINKS):
            raise ValueError("the support address must start with https://, http:// or mailto:")
        if self.logo_url and not _LOGO.match(self.logo_url):
            raise ValueError("the logo address must start with https:// or /")

    @classmethod
    def sample(cls) -> Self:
        return cls(name="Northwind", support_url="https://help.northwind.example/sign-in")
