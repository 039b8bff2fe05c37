"""Whose pages these are."""

from dataclasses import dataclass
from typing import Final, Self

from troth.looks import Logo

_LINKS: Final = ("https://", "http://", "mailto:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """Whose server this is: the operator's name, help address, logo and colour.

    `support_url` is https, http or mailto; `accent` a colour as `#rrggbb`, made readable for both
    themes. The logo is served from here, so that no page tells another host who looks at it.
    """

    name: str
    support_url: str | None = None
    logo: Logo | None = None
    accent: str | None = None

    def __post_init__(self) -> None:
        """Refuse addresses that would not be safe as a link (`javascript:` and the like)."""
        if self.support_url and not self.support_url.startswith(_LINKS):
            raise ValueError("the support address must start with https://, http:// or mailto:")

    @classmethod
    def sample(cls) -> Self:
        return cls(name="Northwind", support_url="https://help.northwind.example/sign-in")
