"""Pages that are answers of the protocol: a browser reads them, a person hardly does."""

from dataclasses import dataclass
from typing import Self

from troth.browser.pages.views.address import require_web


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPostPage:
    """`form#answer`: carries an answer to the redirect URI (OAuth Form Post Response Mode §2).

    Its script sends it at once; without scripts a person presses `#continue`. The page's answer
    needs `PageOptions(script=True, form_targets=...)`. Raises ValueError where `redirect_uri` is
    not http or https: nothing else can receive a POST.
    """

    redirect_uri: str
    parameters: tuple[tuple[str, str], ...]
    client_name: str

    def __post_init__(self) -> None:
        """A form whose action is `javascript:` would run what a stranger wrote."""
        require_web(self.redirect_uri)

    @classmethod
    def sample(cls) -> Self:
        return cls(
            redirect_uri="https://app.acme-ledger.example/callback",
            parameters=(
                ("code", "troth_ac_sample"),
                ("state", "af0ifjsldkj"),
                ("iss", "https://id.northwind.example"),
            ),
            client_name="Acme Ledger",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSessionPage:
    """The frame that applications ask whether somebody is still signed in.

    OIDC Session Management §3.3. It has no content but a script, which answers the message
    `client_id + " " + session_state` with `unchanged`, `changed` or `error`, by the computation of
    `troth.rules.session_state`. `cookie` is the name of the cookie with the browser state, which
    scripts must be able to read (no HttpOnly) inside of another site (SameSite=None, Secure).
    Answered with `framed_page`.
    """

    cookie: str

    @classmethod
    def sample(cls) -> Self:
        return cls(cookie="troth-browser-state")
