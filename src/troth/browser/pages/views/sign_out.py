"""Signing out: asked here, asked by an application, and done."""

from dataclasses import dataclass
from typing import Self

from troth.browser.pages.views.address import require_place, require_web


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutPage:
    """`form#logout`: asks before it ends the session."""

    form_token: str
    account_name: str

    @classmethod
    def sample(cls) -> Self:
        return cls(form_token="sample", account_name="grace@northwind.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessionPage:
    """`form#end-session`: an application asks to sign a person out (OIDC RP-Initiated Logout §2).

    `ending` is the sealed request; `client_name` is None where nobody proved who asks. The
    buttons send `decision`: `confirm` or `stay`.
    """

    form_token: str
    ending: str
    account_name: str
    client_name: str | None

    @classmethod
    def sample(cls) -> Self:
        return cls(
            form_token="sample",
            ending="troth_en_sample",
            account_name="grace@northwind.example",
            client_name="Acme Ledger",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOutPage:
    """The session has ended, or there was none.

    `continue_url` leads back to the application (`#continue`). `frames` are the addresses that
    tell other applications (OIDC Front-Channel Logout §3); with both the page goes on by itself
    when they have been told, and its answer needs `PageOptions(script=True, frames=frames)`.
    """

    continue_url: str | None = None
    client_name: str | None = None
    frames: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse addresses that a browser would run instead of going there."""
        if self.continue_url is not None:
            require_place(self.continue_url)
        for address in self.frames:
            require_web(address)

    @property
    def goes_on(self) -> bool:
        """True where the page leaves by itself: a redirect would not have let the frames load."""
        return self.continue_url is not None and bool(self.frames)

    @classmethod
    def sample(cls) -> Self:
        return cls(
            continue_url="https://app.acme-ledger.example/signed-out?state=af0ifjsldkj",
            client_name="Acme Ledger",
        )
