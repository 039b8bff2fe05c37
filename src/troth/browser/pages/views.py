"""What each page shows: one frozen view per page, plain values only.

A view is complete: its template reads nothing else but the brand and the base path. `sample()` is
a realistic value of it; `samples.py` holds the variants that tests and screenshots go through.
Times and durations arrive as finished sentences, so that no page needs a clock.
"""

from dataclasses import dataclass
from typing import Self

from troth.browser.pages.brand import Brand as Brand  # noqa: PLC0414 (named here too)


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
class LoginPage:
    """`form#login`. `problem` is one sentence about the last attempt."""

    form_token: str
    pending: str
    client_name: str | None
    username: str = ""
    problem: str | None = None

    @classmethod
    def sample(cls) -> Self:
        return cls(form_token="sample", pending="troth_pr_sample", client_name="Acme Ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentPage:
    """`form#consent`, and `form#switch` for somebody else.

    `client_host` is the publisher's host, `redirect_host` where the browser goes afterwards,
    `lasts` a phrase that follows "Lasts", such as "until you withdraw it, at most 1 year".
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """Any refusal that a person sees. `error` is the protocol's code, `home` offers the account."""

    status: int
    title: str
    explanation: str
    error: str | None
    request_id: str
    home: bool = False

    @classmethod
    def sample(cls) -> Self:
        return cls(
            status=400,
            title="This link does not work",
            explanation="The application sent you here with an address that it has not registered. "
            "Nothing was shared. Go back to the application and try again; if it happens again, "
            "tell its makers.",
            error="invalid_request",
            request_id="req_7Jm2vQx4Ktw9",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOutPage:
    """Shown after the session has ended."""

    @classmethod
    def sample(cls) -> Self:
        return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutPage:
    """`form#logout`: asks before it ends the session."""

    form_token: str
    account_name: str

    @classmethod
    def sample(cls) -> Self:
        return cls(form_token="sample", account_name="grace@northwind.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationLine:
    """An application that the person has allowed.

    `offline_until` completes "an API that checks tokens by itself may accept one ...", for example
    "for up to 60 minutes more, until 14:05 UTC"; None where no such token is about.
    """

    client_id: str
    client_name: str
    client_host: str | None
    scopes: tuple[ScopeLine, ...]
    first_used: str
    last_used: str | None
    offline_until: str | None

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
    """Applications, sessions and the password of one person.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage:
    """What this server is, for somebody who typed its address. No lists, no counts."""

    @classmethod
    def sample(cls) -> Self:
        return cls()


View = LoginPage | ConsentPage | ErrorPage | SignedOutPage | LogoutPage | AccountPage | HomePage
