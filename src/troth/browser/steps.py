"""What a person has to do next: one pure, total function (RFC 6749 §4.1.1, OIDC Core §3.1.2)."""

from dataclasses import dataclass

from troth.browser.approval import covered, standing
from troth.errors import (
    OAuthError,
    access_denied,
    consent_required,
    login_required,
    unmet_authentication_requirements,
)
from troth.model.authorization import Authorization
from troth.model.client import RegisteredClient
from troth.model.env import Env
from troth.model.person import Person, Session
from troth.model.request import Answer, Authentication, AuthorizationRequest
from troth.rules.authentication import ACR_SUPPORTED
from troth.value import frozen


@dataclass(frozen=True, slots=True)
class Login:
    """Nobody is logged in in this browser, or not as the request wants it."""


@dataclass(frozen=True, slots=True)
class SelectAccount:
    """The person picks one of several accounts (`prompt=select_account`)."""


@dataclass(frozen=True, slots=True)
class Create:
    """The person makes an account (`prompt=create`)."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The person has not said yes to this yet."""


@frozen
class Finish:
    """A code, for what was granted of all that was asked."""

    granted: tuple[str, ...]


@frozen
class Refuse:
    """The application is told why there is no code."""

    error: OAuthError


NextStep = Login | SelectAccount | Create | Consent | Finish | Refuse


@frozen
class Situation:
    """Who is there, what was approved before, and what was answered just now.

    `subject` is the person as this client knows them. `required` are the scopes that nobody may
    leave out. `proven` and `chosen` tell that the login
    session was logged in, or picked, for this very request, `another` that none of them was wanted;
    `elsewhere` that another session goes on with it, whose person is not in use any more.
    """

    client: RegisteredClient
    signed_in: tuple[Session, Person] | None
    remembered: Authorization | None
    answer: Answer | None
    subject: str = ""
    required: frozenset[str] = frozenset()
    proven: bool = False
    chosen: bool = False
    another: bool = False
    elsewhere: bool = False

    def is_somebody_else(self, request: AuthorizationRequest) -> bool:
        """Whether the request is for another person than is there (`id_token_hint`, `sub`)."""
        wanted = request.authentication.subject
        return wanted is not None and wanted != self.subject


def next_step(request: AuthorizationRequest, situation: Situation, env: Env) -> NextStep:
    """Who it is, then consent, then the code; a denial at any time ends it."""
    answer = situation.answer
    if answer is not None and answer.scope is None:
        return Refuse(error=access_denied(reason="the person denied"))
    if _unmet(request):
        return Refuse(
            error=unmet_authentication_requirements(
                reason=f"acr {request.authentication.acr!r} is essential"[:300]
            )
        )
    step = _who(request, situation, env)
    if step is None:
        step = _what(request, situation, env)
    if "none" in request.authentication.prompt:
        return _without_a_page(step, request, situation)
    return step


def _unmet(request: AuthorizationRequest) -> bool:
    """Essential classes of which none can be reached here (OIDC Core §5.5.1.1)."""
    wanted = request.authentication
    return wanted.acr_essential and bool(wanted.acr) and not set(wanted.acr) & set(ACR_SUPPORTED)


def _who(request: AuthorizationRequest, situation: Situation, env: Env) -> NextStep | None:
    """Login, another account or a new one, where the request wants it (OIDC Core §3.1.2.3)."""
    wanted = request.authentication
    if situation.signed_in is None:
        return Create() if "create" in wanted.prompt else Login()
    session, _ = situation.signed_in
    if situation.is_somebody_else(request):
        if situation.proven:
            return Refuse(error=login_required(reason="somebody else logged in than was asked for"))
        return Login()
    if situation.proven:
        return None
    if "create" in wanted.prompt:
        return Create()
    if situation.another or "login" in wanted.prompt:
        return Login()
    if _too_old(wanted, session, env) or _too_weak(wanted, session):
        return Login()
    if situation.elsewhere or ("select_account" in wanted.prompt and not situation.chosen):
        return SelectAccount()
    return None


def _too_old(wanted: Authentication, session: Session, env: Env) -> bool:
    age = env.now - session.authenticated_at
    return wanted.max_age is not None and (wanted.max_age == 0 or age > wanted.max_age)


def _too_weak(wanted: Authentication, session: Session) -> bool:
    return wanted.acr_essential and bool(wanted.acr) and session.acr not in wanted.acr


def _what(request: AuthorizationRequest, situation: Situation, env: Env) -> NextStep:
    answer = situation.answer
    if answer is not None and answer.scope is not None:
        return Finish(granted=answer.scope)
    granted = _remembered(request, situation, env)
    if granted is None or "consent" in request.authentication.prompt:
        return Consent()
    return Finish(granted=granted)


def _without_a_page(
    step: NextStep, request: AuthorizationRequest, situation: Situation
) -> NextStep:
    """What `prompt=none` makes of a step that would show one (OIDC Core §3.1.2.6).

    Who names a person that never agreed to anything hears the same whoever is there: else any
    client could try one name after the other.
    """
    match step:
        case Finish() | Refuse():
            return step
        case Consent() if request.authentication.subject and situation.remembered is None:
            return Refuse(error=login_required(reason="prompt none, and they are strangers"))
        case Consent():
            return Refuse(error=consent_required(reason="prompt none, and consent is missing"))
        case _:
            return Refuse(error=login_required(reason="prompt none, and a login is missing"))


def _remembered(
    request: AuthorizationRequest, situation: Situation, env: Env
) -> tuple[str, ...] | None:
    """What was granted before of all that is asked now, if nothing of it has to be asked.

    A native client is asked for every time: any program can claim its id (RFC 8252 §8.6).

    Where the answer goes to an https address, only who owns that name can be the client.
    """
    former = standing(situation.remembered, env.now)
    https = request.target.redirect_uri.startswith("https://")
    if former is None or (situation.client.public and not https):
        return None
    return covered(former, request.asked, situation.required)
