"""The question whether an application may do something."""

from dataclasses import dataclass, replace
from typing import Self

from troth.browser.pages.views.address import require_web


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeLine:
    """One permission in words. A required one is shown ticked and cannot be unticked."""

    name: str
    description: str
    required: bool
    is_new: bool
    checked: bool

    @classmethod
    def sample(cls) -> Self:
        return cls(
            name="read_write",
            description="See and change your invoices and their attachments",
            required=True,
            is_new=False,
            checked=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPage:
    """`form#consent`, and `form#switch` for somebody else.

    `client_host` is the publisher's host, `redirect_host` where the browser goes afterwards,
    `lasts` a phrase that follows "Lasts", such as "until you withdraw it, at most 1 year".
    `policy_url` and `tos_url` are the application's own words on what it does (http or https).
    `changed` says that the question is not the one that was answered just now.
    """

    form_token: str
    pending: str
    client_name: str
    client_host: str | None
    redirect_host: str
    account_name: str
    scopes: tuple[ScopeLine, ...]
    granted_before: bool
    lasts: str
    self_registered: bool = False
    policy_url: str | None = None
    tos_url: str | None = None
    changed: bool = False

    def __post_init__(self) -> None:
        """Refuse addresses that would not be safe as a link (`javascript:` and the like)."""
        for address in (self.policy_url, self.tos_url):
            if address is not None:
                require_web(address)

    @property
    def required(self) -> frozenset[str]:
        """What cannot be unticked."""
        return frozenset(scope.name for scope in self.scopes if scope.required)

    def again(self, ticked: frozenset[str]) -> Self:
        """The page for somebody whose answer was to another question; their ticks stay."""
        lines = tuple(replace(scope, checked=scope.name in ticked) for scope in self.scopes)
        return replace(self, scopes=lines, changed=True)

    @property
    def has_new(self) -> bool:
        """True when at least one permission was not part of the last answer."""
        return any(scope.is_new for scope in self.scopes)

    @classmethod
    def sample(cls) -> Self:
        return cls(
            form_token="sample",
            pending="troth_pr_sample",
            client_name="Acme Ledger",
            client_host="acme-ledger.example",
            redirect_host="app.acme-ledger.example",
            account_name="grace@northwind.example",
            scopes=(
                ScopeLine.sample(),
                ScopeLine(
                    name="contacts.read",
                    description="See the names and addresses of your customers",
                    required=False,
                    is_new=False,
                    checked=True,
                ),
            ),
            granted_before=False,
            lasts="until you withdraw it, at most 1 year",
        )
