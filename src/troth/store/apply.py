"""One change, verb by verb, through named statements: the same for every adapter.

Where a verb loses, the adapter undoes the whole change. On SQLite no statement ever waits, so
that `at_once` can run these coroutines in the writer's thread, without an event loop.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from troth.model.authorization import Authorization
from troth.model.change import (
    Change,
    Count,
    Done,
    Exists,
    Forgive,
    Gone,
    Keep,
    Limited,
    Moved,
    Once,
    Outcome,
    Put,
    Redeem,
    Remove,
    Renew,
    Require,
    Revoke,
    Rotate,
)
from troth.model.client import RegisteredClient
from troth.model.env import CLOCKS_APART
from troth.model.person import Person, Scope, Session
from troth.store import rows

T = TypeVar("T")

# A change of these is seen by every process at its next request.
_CATALOG_PUTS = (RegisteredClient, Scope, Person)

_SESSIONS = ("session", "sessions_of")
# For so long it is tried to tell a client that a session has ended (seconds).
TOLD_FOR = 86400


class Statements(Protocol):
    """The named statements of an adapter, on the connection of one transaction."""

    async def execute(self, name: str, values: Mapping[str, Any]) -> int:
        """Run a statement; how many rows it changed."""
        ...

    async def row(self, name: str, values: Mapping[str, Any]) -> rows.Row | None:
        """The first row that a statement finds."""
        ...


async def apply(db: Statements, change: Change, now: int) -> Outcome:
    """Apply the verbs in order until one loses; its outcome is the answer."""
    for verb in change.verbs:
        outcome = await _VERBS[type(verb)](db, verb, now)
        if not isinstance(outcome, Done):
            return outcome
    if bumps(change):
        await db.execute("bump", {})
    return Done()


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("a statement waited where none may")


def bumps(change: Change) -> bool:
    """Whether a change is one that the other processes must hear of."""
    return any(
        isinstance(verb, Remove) or (isinstance(verb, Put) and isinstance(verb.noun, _CATALOG_PUTS))
        for verb in change.verbs
    )


async def _changed(db: Statements, name: str, values: Mapping[str, Any]) -> bool:
    return await db.execute(name, values) == 1


async def _found(db: Statements, name: str, values: Mapping[str, Any]) -> bool:
    return await db.row(name, values) is not None


async def _redeem(db: Statements, verb: Redeem, now: int) -> Outcome:
    values = rows.redeem_values(verb)
    if await _changed(db, "redeem", values):
        return Done()
    row = await db.row("chain", {"chain_id": verb.chain.chain_id, "now": now})
    if row is not None:
        return Exists(what="chain")
    if not await _found(db, "person_stands", {"key": verb.chain.sub, "epoch": verb.chain.epoch}):
        return Gone(which="person")
    if not await _found(db, "session_stands", values):
        return Gone(which="session")
    return Gone(which="authorization")


async def _rotate(db: Statements, verb: Rotate, now: int) -> Outcome:
    if await _changed(db, "rotate", rows.asdict(verb)):
        return Done()
    row = await db.row("chain", {"chain_id": verb.chain_id, "now": verb.now})
    return Gone(which="chain") if row is None else Moved(state=rows.chain_state(row))


def tells(change: Change) -> bool:
    """Whether a change may have left something that other servers must be told."""
    return any(isinstance(verb, Revoke) and verb.kind in _SESSIONS for verb in change.verbs)


async def _revoke(db: Statements, verb: Revoke, now: int) -> Outcome:
    values = {**rows.asdict(verb), "told_until": verb.at + TOLD_FOR}
    match verb.kind:
        case "chain":
            await db.execute("revoke_chain", values)
        case "authorization":
            if await db.execute("revoke_authorizations", values) == 0:
                return Gone(which="authorization")
        case "session":
            if not await _changed(db, "end_session", values):
                return Gone(which="session")
            await db.execute("tell_of_session", values)
        case "sessions_of":
            await db.execute("hold_sessions_of", values)
            await db.execute("tell_of_sessions_of", values)
            await db.execute("end_sessions_of", values)
        case "access_token":
            await db.execute("once", {"namespace": "access_token", **values})
    return Done()


async def _once(db: Statements, verb: Once, now: int) -> Outcome:
    return Done() if await _changed(db, "once", rows.asdict(verb)) else Exists(what=verb.namespace)


async def _require(db: Statements, verb: Require, now: int) -> Outcome:
    if await _found(db, f"{verb.kind}_stands", rows.asdict(verb)):
        return Done()
    return Gone(which=verb.kind)


async def _put(db: Statements, verb: Put, now: int) -> Outcome:
    match verb.noun:
        case Person() as person:
            return await _put_person(db, person, verb)
        case Session() as session:
            await db.execute("put_session", rows.asdict(session))
        case Authorization() as authorization:
            values = rows.authorization_values(authorization)
            if not await _changed(db, "put_authorization", values):
                return Gone(which="authorization")
        case RegisteredClient() as client:
            return await _put_client(db, client, verb.former)
        case Scope() as scope:
            await db.execute("put_scope", rows.asdict(scope))
    return Done()


async def _renew(db: Statements, verb: Renew, now: int) -> Outcome:
    values = {**rows.asdict(verb.session), "former_digest": verb.former_digest}
    return Done() if await _changed(db, "renew_session", values) else Gone(which="session")


async def _keep(db: Statements, verb: Keep, now: int) -> Outcome:
    await db.execute("put_stored_code", rows.asdict(verb))
    return Done()


async def _put_client(
    db: Statements, client: RegisteredClient, former: Person | RegisteredClient | None
) -> Outcome:
    if former is not None:
        row = await db.row("hold_client", {"client_id": client.client_id})
        if row is None or rows.client(row) != former:
            return Gone(which="client")
    await db.execute("put_client", rows.client_values(client))
    await db.execute("remove_origins", {"key": client.client_id})
    for origin in rows.client_origins(client):
        await db.execute("put_origin", {"origin": origin, "client_id": client.client_id})
    return Done()


async def _put_person(db: Statements, person: Person, verb: Put) -> Outcome:
    former = verb.former if isinstance(verb.former, Person) else None
    values = rows.person_values(person, former) | {"expect_epoch": verb.expect_epoch}
    if await _found(db, "name_taken", values):
        return Exists(what="person")
    name = "insert_person" if verb.expect_epoch is None else "update_person"
    return Done() if await _changed(db, name, values) else Gone(which="person")


async def _remove(db: Statements, verb: Remove, now: int) -> Outcome:
    removed = await _changed(db, f"remove_{verb.kind}", rows.asdict(verb))
    if verb.kind == "client":
        await db.execute("remove_origins", rows.asdict(verb))
    return Done() if removed else Gone(which=verb.kind)


async def _count(db: Statements, verb: Count, now: int) -> Outcome:
    """A delay whose end is further away than the longest one is of a clock that was set back."""
    latest = verb.now + verb.longest
    values = {**rows.asdict(verb), "believable": latest + CLOCKS_APART}
    if await _changed(db, "count", values):
        return Done()
    row = await db.row("blocked_until", values)
    return Limited(until=verb.now if row is None else min(row[0], latest))


async def _forgive(db: Statements, verb: Forgive, now: int) -> Outcome:
    await db.execute("forgive_all" if verb.all else "forgive_one", {"key": verb.key})
    return Done()


_VERBS: Mapping[type, Callable[[Statements, Any, int], Awaitable[Outcome]]] = {
    Redeem: _redeem,
    Rotate: _rotate,
    Revoke: _revoke,
    Once: _once,
    Require: _require,
    Put: _put,
    Renew: _renew,
    Keep: _keep,
    Remove: _remove,
    Count: _count,
    Forgive: _forgive,
}
