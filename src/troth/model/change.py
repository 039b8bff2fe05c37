"""The only way a decision changes the world: a frozen value that the store applies whole.

Verbs: `Redeem` and `Rotate` (the hot ones, each compare-and-set), `Once` (first wins), `Put`
(insert or replace a noun), `Renew` (a login session, compare-and-set), `Keep` (a long code),
`Revoke`, `Remove`, `Require` (this must still stand) and `Count` (a bounded counter, reserved
before the work).
"""

from dataclasses import dataclass, field
from typing import Literal

from troth.model.authorization import Authorization, Chain, ChainState
from troth.model.client import RegisteredClient
from troth.model.person import Person, Scope, Session
from troth.value import frozen


@frozen
class Redeem:
    """Insert the chain that a code starts, if its authorization and its person still stand."""

    chain: Chain
    session_id: str


@frozen
class Rotate:
    """Move a standing chain from `generation` to the next one."""

    chain_id: bytes
    generation: int
    now: int
    idle_since: int


@frozen
class Renew:
    """The same login session after its person proved again to be there, under a new secret.

    Lost where the session was ended, or its secret is no longer the `former_digest`.
    """

    session: Session
    former_digest: str


@frozen
class Keep:
    """Keep a code that would be too long to travel, sealed, until it has expired."""

    code_id: bytes
    sealed: str
    expires_at: int


RevokeKind = Literal["chain", "authorization", "session", "sessions_of", "access_token"]


@frozen
class Revoke:
    """End a thing by id at a time. `sub` limits it to one person's things, `spare` keeps one.

    Whatever ends login sessions leaves a delivery for each client that was used in one and wants
    to be told (OIDC Back-Channel Logout §2.3): nobody who ends one can forget it.
    """

    kind: RevokeKind
    key: str | bytes
    at: int
    sub: str | None = None
    spare: str | None = None
    expires_at: int = 0


@frozen
class Once:
    """Insert (namespace, key) if it is absent; the store answers `Exists` to all but the first.

    `expires_at` is a fact of the thing, the same each time: it may say where the row is kept.
    """

    namespace: str
    key: bytes
    expires_at: int


@frozen
class Require:
    """The person is enabled and of this epoch, or the client is enabled."""

    kind: Literal["person", "client"]
    key: str
    epoch: int = 0


@frozen
class Put:
    """Insert or replace a noun. `expect_epoch` makes a person's change a compare-and-set.

    `former` is what the writer had read. What it leaves of a person's names and claims stays as
    it is by now; a client that is another one by now is not put.
    """

    noun: Person | Session | Authorization | RegisteredClient | Scope
    expect_epoch: int | None = None
    former: Person | RegisteredClient | None = None


@frozen
class Remove:
    """Delete a noun by its id. Ids are never used again."""

    kind: Literal["person", "client", "scope"]
    key: str


@frozen
class Count:
    """Reserve one attempt under `key`: refused while a delay runs, and delayed more each time.

    The first `free` attempts cost nothing, then the delay doubles from 1 s to `longest` seconds;
    a key without attempts for `forget` seconds starts anew. Nobody waits for longer than `longest`
    from now on, though the clock was set back in the meantime.
    """

    key: str
    now: int
    free: int
    longest: int
    forget: int


@frozen
class Forgive:
    """Take back reserved attempts: `all` of a key after a success, or just one."""

    key: str
    all: bool


Verb = Redeem | Rotate | Revoke | Once | Require | Put | Renew | Keep | Remove | Count | Forgive


@frozen
class AuditEvent:
    """One security decision: who did what to whom, and how it ended. Never a secret in it."""

    event: str
    outcome: str
    actor: str = ""
    client_id: str = ""
    sub: str = ""
    detail: str = ""


@frozen
class Change:
    """All verbs are applied, in order, or none is. Audit events ride along."""

    verbs: tuple[Verb, ...] = ()
    audit: tuple[AuditEvent, ...] = field(default=())


NOTHING = Change()


@dataclass(frozen=True, slots=True)
class Done:
    """The change is durable."""


@frozen
class Exists:
    """Somebody was first: the id of a `Redeem` or a `Once` was taken, or a `Put` collided."""

    what: str = ""


@frozen
class Moved:
    """The row is not where the change expected it; `state` is where it stands now."""

    state: ChainState


@frozen
class Gone:
    """What the change relied on no longer stands: chain, authorization, person, session …"""

    which: str


@frozen
class Limited:
    """A `Count` was refused; `until` is when the next attempt is allowed (seconds)."""

    until: int


Lost = Exists | Moved | Gone | Limited
Outcome = Done | Lost
