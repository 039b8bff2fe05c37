"""What a person has to do next: one pure, total function (RFC 6749 §4.1.1)."""

from dataclasses import dataclass

from troth.errors import OAuthError, access_denied
from troth.model.authorization import Authorization
from troth.model.client import RegisteredClient
from troth.model.env import Env
from troth.model.person import Person, Session
from troth.model.request import Answer, AuthorizationRequest


@dataclass(frozen=True, slots=True)
class Login:
    """Nobody is logged in in this browser."""


@dataclass(frozen=True, slots=True)
class Consent:
    """The person has not said yes to this yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A code for this scope."""

    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """The application is told why there is no code."""

    error: OAuthError


NextStep = Login | Consent | Finish | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Who is there, what was approved before, and what was answered just now."""

    client: RegisteredClient
    signed_in: tuple[Session, Person] | None
    remembered: Authorization | None
    answer: Answer | None


def next_step(request: AuthorizationRequest, situation: Situation, env: Env) -> NextStep:
    """Login, then consent, then the code; a denial at any time ends it."""
    answer = situation.answer
    if answer is not None and answer.scope is None:
        return Refuse(access_denied(reason="the person denied"))
    if situation.signed_in is None:
        return Login()
    if answer is not None and answer.scope is not None:
        return Finish(scope=answer.scope)
    if _remembered(request, situation, env):
        return Finish(scope=request.scope)
    return Consent()


def _remembered(request: AuthorizationRequest, situation: Situation, env: Env) -> bool:
    """A public client is asked for every time: any program can claim its id (RFC 8252 §8.6)."""
    authorization = situation.remembered
    if authorization is None or situation.client.public:
        return False
    if authorization.revoked_at is not None or authorization.expires_at <= env.now:
        return False
    return set(request.scope) <= set(authorization.scope)


def approved(
    asked: tuple[str, ...], required: frozenset[str], ticked: frozenset[str]
) -> tuple[str, ...]:
    """What a person allowed: the required and the ticked, never more than was asked."""
    return tuple(name for name in asked if name in required or name in ticked)


def remember(
    previous: tuple[str, ...], asked: tuple[str, ...], granted: tuple[str, ...]
) -> tuple[str, ...]:
    """What to remember: the last answer for all that was asked, the former for all else."""
    kept = tuple(name for name in previous if name not in asked)
    return tuple(dict.fromkeys((*kept, *granted)))
