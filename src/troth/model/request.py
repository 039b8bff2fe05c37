"""An authorization request on its way (RFC 6749 §4.1.1), and where its answer may go."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from troth.value import frozen

ResponseMode = Literal["query", "fragment", "form_post"]


@frozen
class Target:
    """A redirect URI that was proven to be registered, with what every answer to it carries.

    `given` tells whether the request named it; then the token request must repeat it
    (RFC 6749 §4.1.3). `response_mode` is how the answer travels there; in a `popup` the window
    that opened it keeps its hold on it, so that the application can close it again.
    """

    client_id: str
    redirect_uri: str
    given: bool
    state: str | None
    response_mode: ResponseMode = "query"
    popup: bool = False


@frozen
class ClaimWish:
    """What a `claims` request says of one claim (OIDC Core §5.5.1); `values` holds `value` too."""

    essential: bool = False
    values: tuple[object, ...] = ()


@frozen
class Wishes:
    """What a request asks to be told beyond its scopes (OIDC Core §5.2, §5.5), by claim name."""

    id_token: Mapping[str, ClaimWish] = field(default_factory=dict)
    userinfo: Mapping[str, ClaimWish] = field(default_factory=dict)
    locales: tuple[str, ...] = ()

    @property
    def none(self) -> bool:
        """Whether there is nothing to remember."""
        return not (self.id_token or self.userinfo or self.locales)


@frozen
class Authentication:
    """How the person shall be authenticated (OIDC Core §3.1.2.1), each value already checked.

    `subject` is who it must be, as the client knows them: by `id_token_hint` or the `claims`
    request. `max_age` is in seconds. `acr` holds the wanted classes in order of preference, and
    `acr_essential` tells that there is no code without one of them (§5.5.1.1).
    """

    nonce: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    subject: str | None = None
    login_hint: str | None = None
    acr: tuple[str, ...] = ()
    acr_essential: bool = False
    wishes: Wishes = Wishes()


@frozen
class AuthorizationRequest:
    """A request whose every parameter was checked. `resource` holds RFC 8707 audiences.

    `also` names the scopes that cover single claims which the request asks for: a person is asked
    about them like about `scope`, but no token carries them.
    """

    target: Target
    scope: tuple[str, ...]
    code_challenge: str | None = None
    resource: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    authentication: Authentication = Authentication()

    @property
    def asked(self) -> tuple[str, ...]:
        """What the person is asked about."""
        return self.scope + self.also

    @property
    def openid(self) -> bool:
        """Whether this is an authentication request of OpenID Connect (Core §3.1.2.1)."""
        return "openid" in self.scope


@frozen
class Pending:
    """A request that waits for a person. It travels sealed and is bound to one browser.

    `transaction` is consumed by the answer, so that there is only one. `proven` is the login
    session whose person entered their password for this very request, `chosen` the one that goes
    on with it: that logged in for it, was picked from several, or was shown what is asked;
    `another` tells that the person wants none of those that are there.
    """

    request: AuthorizationRequest
    transaction: bytes
    browser: bytes
    created_at: int
    proven: str = ""
    chosen: str = ""
    another: bool = False


@frozen
class Answer:
    """What the person said on the consent page: the scope allowed, or None for a denial."""

    scope: tuple[str, ...] | None
