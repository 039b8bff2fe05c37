"""The store's port: exact reads, and one write that is described as data.

`Reads` has a method for each thing a decision may need; `commit` applies a `Change` whole or says
who was first. `Listings` serves the account page and the command line. Both adapters pass the
same suite.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from troth.model.authorization import Authorization, ChainState
from troth.model.change import AuditEvent, Change, Outcome
from troth.model.client import RegisteredClient
from troth.model.delivery import Delivery
from troth.model.person import Person, Scope, Session
from troth.signing.keys import StoredKey

# Rows that are deleted in one transaction.
BATCH = 1000


class StoreUnavailable(Exception):
    """The database cannot answer now; nothing was acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Why one request was refused: what `troth trace` shows."""

    request_id: str
    at: int
    endpoint: str
    error: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A client that a person connected, for the account page. Times in seconds."""

    client_id: str
    client_name: str
    client_uri: str | None
    access_token_format: str
    access_token_lifetime: int
    scope: tuple[str, ...]
    first_used: int
    last_used: int


class Reads(Protocol):
    """What decisions may read. `scopes` and `keys` are held in memory and kept current."""

    async def fresh(self) -> None:
        """Drop what another process has changed; called once at the head of every request.

        Raises `StoreUnavailable` where it is not known what has: scopes and keys stay as they were.
        """

    @property
    def scopes(self) -> Mapping[str, Scope]: ...

    @property
    def keys(self) -> tuple[StoredKey, ...]: ...

    async def client(self, client_id: str) -> RegisteredClient | None: ...

    async def person(self, sub: str) -> Person | None: ...

    async def person_by_login(self, key: str) -> Person | None: ...

    async def session(self, secret_digest: str) -> tuple[Session, Person] | None: ...

    async def authorization(self, sub: str, client_id: str) -> Authorization | None: ...

    async def chain(self, chain_id: bytes) -> ChainState | None: ...

    async def chain_with_person(self, chain_id: bytes) -> tuple[ChainState, Person] | None: ...

    async def clients_of_session(self, session_id: str) -> Sequence[str]:
        """The ids of the clients that were used in a login session, also if it has ended."""

    async def stored_code(self, code_id: bytes) -> str | None: ...

    async def origin_registered(self, origin: str) -> bool: ...

    async def spent(self, namespace: str, key: bytes) -> bool: ...


class Listings(Protocol):
    """What the account page and the command line list."""

    async def sessions_of(self, sub: str) -> Sequence[Session]: ...

    async def applications_of(self, sub: str) -> Sequence[Application]: ...

    async def clients(self) -> Sequence[RegisteredClient]: ...

    async def approved(self, client_id: str) -> bool:
        """Whether anybody has approved a client of this id, now or formerly."""
        ...

    async def people(self) -> Sequence[Person]: ...

    async def trace(self, request_id: str) -> Sequence[Trace]: ...


class Outbox(Protocol):
    """What other servers must still be told; it is written together with its cause.

    `posted` is set when a commit of this process may have left something.
    """

    posted: asyncio.Event

    async def next_due(self) -> int | None:
        """When something is due (seconds), which may be long ago; None where there is nothing."""

    async def take(self, now: int, until: int, most: int) -> Sequence[Delivery]:
        """Deliveries that are due and that no other process has: they are due again at `until`."""

    async def forget(self, delivery: Delivery) -> None:
        """It was made, or will never be."""

    async def put_off(self, delivery: Delivery, due_at: int) -> None: ...


class Upkeep(Protocol):
    """What operators and the housekeeper do."""

    async def put_keys(self, keys: Sequence[StoredKey], event: AuditEvent) -> None: ...

    async def add_keys(self, keys: Sequence[StoredKey]) -> None:
        """Insert keys; where there is one of the same id, that one stays as it is."""

    async def purge(self, name: str, before: int) -> int: ...

    async def take_turn(self, now: int) -> int | None:
        """Whether this process keeps house this minute: None where another one does.

        Else for how many seconds the clock must not be believed yet: for a day after it was found
        more than a day away from what the last turn saw, by whichever process and host.
        """

    async def end_everything(self, at: int, told: Callable[[str, int], None]) -> None:
        """End every session and chain: what a restored copy could revive.

        `told` hears how many of which kind have been ended so far. Can be done again after a stop.
        """


class Store(Reads, Listings, Upkeep, Protocol):
    """The whole port. Raises `StoreUnavailable` where the database cannot answer."""

    @property
    def outbox(self) -> Outbox: ...

    async def commit(self, change: Change, *, request_id: str = "") -> Outcome:
        """Apply the change whole, durably, or say what was lost. Audit events ride along."""
        ...

    def note(self, *entries: AuditEvent | Trace, request_id: str = "") -> None:
        """Write behind, within a second: what has no change to ride on."""

    async def ready(self) -> bool: ...

    async def close(self) -> None: ...
