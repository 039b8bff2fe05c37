"""What a person finds on the account page."""

from dataclasses import dataclass
from typing import Self

from troth.browser.pages.views.consent import ConsentPage, ScopeLine


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationLine:
    """An application that the person has allowed.

    `offline_until` completes "an API that checks tokens by itself may accept one ...", for example
    "for up to 60 minutes more, until 14:05 UTC"; None where no such token is about. `shares` are
    the granted scopes that stand for details of the person (`openid`, `profile`, `email` ...);
    `scopes` are the others.
    """

    client_id: str
    client_name: str
    client_host: str | None
    scopes: tuple[ScopeLine, ...]
    first_used: str
    last_used: str | None
    offline_until: str | None
    shares: tuple[str, ...] = ()

    @classmethod
    def sample(cls) -> Self:
        return cls(
            client_id="acme-ledger",
            client_name="Acme Ledger",
            client_host="acme-ledger.example",
            scopes=ConsentPage.sample().scopes,
            first_used="3 March 2026",
            last_used="12 minutes ago",
            offline_until="for up to 60 minutes more, until 14:05 UTC",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailLine:
    """One thing that is known of a person and may be shared (OIDC Core §5.1).

    `name` is the claim's own, without its language tag; the page has words for the standard ones
    and shows any other name as it is. `value` is for reading; its lines are kept. `verified` says
    whether it was found to be true; None where nobody checks such a thing.
    """

    name: str
    value: str
    language: str | None = None
    verified: bool | None = None

    @classmethod
    def sample(cls) -> Self:
        return cls(name="email", value="grace@northwind.example", verified=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """A browser in which the person is signed in; `current` is the one that asks."""

    session_id: str
    device: str
    network: str
    signed_in: str
    last_seen: str
    current: bool

    @classmethod
    def sample(cls) -> Self:
        return cls(
            session_id="s-1",
            device="Firefox on Linux",
            network="192.0.2.0/24",
            signed_in="today, 09:12 UTC",
            last_seen="just now",
            current=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """Applications, details, sessions and the password of one person.

    `problem_field` names the password input (`current_password`, `new_password` or
    `repeat_password`) that `problem` is about, if it is about one.
    """

    form_token: str
    account_name: str
    email: str | None
    notice: str | None
    problem: str | None
    applications: tuple[ApplicationLine, ...]
    sessions: tuple[SessionLine, ...]
    problem_field: str | None = None
    password_minimum: int = 8
    details: tuple[DetailLine, ...] = ()

    @property
    def has_others(self) -> bool:
        """True when there is a session besides the one that asks."""
        return any(not session.current for session in self.sessions)

    @classmethod
    def sample(cls) -> Self:
        return cls(
            form_token="sample",
            account_name="grace",
            email="grace@northwind.example",
            notice=None,
            problem=None,
            applications=(ApplicationLine.sample(),),
            sessions=(SessionLine.sample(),),
        )
