"""Who it is: signing in, choosing one of several accounts, making a new one."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginPage:
    """`form#login`. `problem` is one sentence about the last attempt.

    `reason` is one sentence on why somebody who is signed in is asked again; with `fixed` it is
    `username` who must answer, and `other_url` leads somebody else on (`#other-account`).
    `register_url` is offered to who has no account (`#register`). Both are paths of this server.
    """

    form_token: str
    pending: str
    client_name: str | None
    username: str = ""
    problem: str | None = None
    reason: str | None = None
    fixed: bool = False
    other_url: str | None = None
    register_url: str | None = None

    @classmethod
    def sample(cls) -> Self:
        return cls(form_token="sample", pending="troth_pr_sample", client_name="Acme Ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """Somebody who is signed in in this browser; `since` is a phrase: "signed in 5 minutes ago".

    `reference` is what the button sends: it means something only to the server.
    """

    reference: str
    name: str
    email: str | None
    since: str

    @classmethod
    def sample(cls) -> Self:
        return cls(
            reference="r-1",
            name="Grace Hopper",
            email="grace@northwind.example",
            since="signed in 5 minutes ago",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectAccountPage:
    """`form#select`: which account to go on with (OIDC Core §3.1.2.1, `prompt=select_account`).

    Its buttons send `session` with a reference, or `decision`: `another` or `deny`.
    """

    form_token: str
    pending: str
    client_name: str
    accounts: tuple[AccountLine, ...]

    @classmethod
    def sample(cls) -> Self:
        return cls(
            form_token="sample",
            pending="troth_pr_sample",
            client_name="Acme Ledger",
            accounts=(
                AccountLine.sample(),
                AccountLine(
                    reference="r-2",
                    name="Accounts Payable",
                    email="payable@northwind.example",
                    since="signed in yesterday, 21:40 UTC",
                ),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPage:
    """`form#register`: a new account (Initiating User Registration 1.0, `prompt=create`).

    `problem_field` names the input that `problem` is about: `username`, `email`, `name`,
    `password` or `repeat_password`; None where it is about none of them.
    """

    form_token: str
    pending: str
    client_name: str | None
    username: str = ""
    email: str = ""
    name: str = ""
    problem: str | None = None
    problem_field: str | None = None
    password_minimum: int = 8

    @classmethod
    def sample(cls) -> Self:
        return cls(form_token="sample", pending="troth_pr_sample", client_name="Acme Ledger")
