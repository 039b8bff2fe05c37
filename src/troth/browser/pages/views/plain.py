"""Pages without a form: what went wrong, and what this server is."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """Any refusal that a person sees.

    `error` is the protocol's code; with `home` the page leads on to the account.
    """

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
class HomePage:
    """What this server is, for somebody who typed its address. No lists, no counts."""

    @classmethod
    def sample(cls) -> Self:
        return cls()
