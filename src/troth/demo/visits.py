"""What the demo application remembers: one `Visit` for each browser, under an id in a cookie."""

import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from troth.demo.exchange import Exchange

_MOST = 200
_LATER = 6

Standing = Literal["new", "asking", "connected", "denied", "failed", "ended"]
LoginStanding = Literal["asking", "known", "gone", "denied", "failed", "leaving", "left"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Asked:
    """An authorization request that is under way."""

    state: str
    url: str
    code_verifier: str = ""
    nonce: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Login:
    """What is known of who is there. `server` is its metadata, `id_token` was verified.

    `claims` are those of the ID token with its header, `person` is what UserInfo told. `steps` are
    the requests of the last question, and `prompt` is how it was put.
    """

    standing: LoginStanding
    server: Mapping[str, Any]
    asked: Asked | None = None
    prompt: str = ""
    id_token: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict)
    person: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Exchange, ...] = ()

    @property
    def name(self) -> str:
        """What the person is greeted with, who need not tell their name."""
        return str(self.person.get("name") or self.person.get("email") or "stranger")

    @property
    def initials(self) -> str:
        """One letter for each of the first two words of the name."""
        return "".join(word[0] for word in self.name.split()[:2]).upper()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Visit:
    """One browser's demo. `steps` are the four, `later` what was tried since, newest first.

    `login` is None until somebody was asked who they are.
    """

    standing: Standing = "new"
    asked: Asked | None = None
    token: Mapping[str, Any] | None = None
    steps: tuple[Exchange | None, ...] = (None, None, None, None)
    later: tuple[Exchange, ...] = ()
    got: Mapping[str, Any] | None = None
    login: Login | None = None

    def with_step(self, number: int, exchange: Exchange) -> "Visit":
        steps = (*self.steps[: number - 1], exchange, *self.steps[number:])
        return replace(self, steps=steps)

    def with_later(self, *exchanges: Exchange) -> "Visit":
        """Exchanges in the order in which they went; old ones are forgotten."""
        return replace(self, later=(*reversed(exchanges), *self.later)[:_LATER])


class Visits:
    """The visits of the last browsers; who has not come for longest is forgotten first."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()

    def get(self, visit_id: str | None) -> Visit:
        return self._visits.get(visit_id or "", Visit())

    def put(self, visit_id: str | None, visit: Visit) -> str:
        """Remember a visit; returns its id, a new one where the given one is not ours."""
        if visit_id is None or visit_id not in self._visits:
            visit_id = secrets.token_urlsafe(32)
        self._visits[visit_id] = visit
        self._visits.move_to_end(visit_id)
        while len(self._visits) > _MOST:
            self._visits.popitem(last=False)
        return visit_id

    def forget(self, visit_id: str | None) -> None:
        self._visits.pop(visit_id or "", None)
