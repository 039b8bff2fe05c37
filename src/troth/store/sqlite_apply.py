"""One change applied to SQLite inside a savepoint: verb by verb, whole or not at all."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from troth.model.authorization import Authorization
from troth.model.change import (
    Change,
    Count,
    Done,
    Exists,
    Forgive,
    Gone,
    Limited,
    Moved,
    Once,
    Outcome,
    Put,
    Redeem,
    Remove,
    Require,
    Revoke,
    Rotate,
)
from troth.model.client import RegisteredClient
from troth.model.person import Person, Scope, Session
from troth.store import rows, statements

SQL: Mapping[str, str] = statements.load("sqlite")

# A change of these is seen by every process at its next request.
_CATALOG_PUTS = (RegisteredClient, Scope, Person)


def apply(db: sqlite3.Connection, change: Change, now: int) -> Outcome:
    """Apply every verb in order; the first that loses undoes them all and is the answer."""
    db.execute("savepoint change")
    try:
        for verb in change.verbs:
            outcome = _VERBS[type(verb)](db, verb, now)
            if not isinstance(outcome, Done):
                db.execute("rollback to change")
                return outcome
        if any(_bumps(verb) for verb in change.verbs):
            db.execute(SQL["bump"])
        return Done()
    except BaseException:
        db.execute("rollback to change")
        raise
    finally:
        db.execute("release change")


def _bumps(verb: object) -> bool:
    return isinstance(verb, Remove) or (
        isinstance(verb, Put) and isinstance(verb.noun, _CATALOG_PUTS)
    )


def _changed(db: sqlite3.Connection, name: str, values: Mapping[str, Any]) -> bool:
    return db.execute(SQL[name], values).rowcount == 1


def _found(db: sqlite3.Connection, name: str, values: Mapping[str, Any]) -> bool:
    return db.execute(SQL[name], values).fetchone() is not None


def _redeem(db: sqlite3.Connection, verb: Redeem, now: int) -> Outcome:
    values = rows.redeem_values(verb)
    if _changed(db, "redeem", values):
        return Done()
    row = db.execute(SQL["chain"], {"chain_id": verb.chain.chain_id, "now": now}).fetchone()
    if row is not None:
        return Exists(what="chain")
    if not _found(db, "person_stands", {"key": verb.chain.sub, "epoch": verb.chain.epoch}):
        return Gone(which="person")
    if not _found(db, "session_stands", values):
        return Gone(which="session")
    return Gone(which="authorization")


def _rotate(db: sqlite3.Connection, verb: Rotate, now: int) -> Outcome:
    if _changed(db, "rotate", rows.asdict(verb)):
        return Done()
    row = db.execute(SQL["chain"], {"chain_id": verb.chain_id, "now": verb.now}).fetchone()
    return Gone(which="chain") if row is None else Moved(state=rows.chain_state(row))


def _revoke(db: sqlite3.Connection, verb: Revoke, now: int) -> Outcome:
    values = rows.asdict(verb)
    match verb.kind:
        case "chain":
            db.execute(SQL["revoke_chain"], values)
        case "authorization":
            if db.execute(SQL["revoke_authorizations"], values).rowcount == 0:
                return Gone(which="authorization")
        case "session":
            if not _changed(db, "end_session", values):
                return Gone(which="session")
        case "sessions_of":
            db.execute(SQL["end_sessions_of"], values)
        case "access_token":
            db.execute(SQL["once"], {"namespace": "access_token", **values})
    return Done()


def _once(db: sqlite3.Connection, verb: Once, now: int) -> Outcome:
    return Done() if _changed(db, "once", rows.asdict(verb)) else Exists(what=verb.namespace)


def _require(db: sqlite3.Connection, verb: Require, now: int) -> Outcome:
    if _found(db, f"{verb.kind}_stands", rows.asdict(verb)):
        return Done()
    return Gone(which=verb.kind)


def _put(db: sqlite3.Connection, verb: Put, now: int) -> Outcome:
    match verb.noun:
        case Person() as person:
            return _put_person(db, person, verb.expect_epoch)
        case Session() as session:
            db.execute(SQL["put_session"], rows.asdict(session))
        case Authorization() as authorization:
            db.execute(SQL["put_authorization"], rows.authorization_values(authorization))
        case RegisteredClient() as client:
            _put_client(db, client)
        case Scope() as scope:
            db.execute(SQL["put_scope"], rows.asdict(scope))
    return Done()


def _put_client(db: sqlite3.Connection, client: RegisteredClient) -> None:
    db.execute(SQL["put_client"], rows.client_values(client))
    db.execute(SQL["remove_origins"], {"key": client.client_id})
    for origin in rows.client_origins(client):
        db.execute(SQL["put_origin"], {"origin": origin, "client_id": client.client_id})


def _put_person(db: sqlite3.Connection, person: Person, expect_epoch: int | None) -> Outcome:
    values = rows.person_values(person, expect_epoch)
    if _found(db, "name_taken", values):
        return Exists(what="person")
    name = "insert_person" if expect_epoch is None else "update_person"
    return Done() if _changed(db, name, values) else Gone(which="person")


def _remove(db: sqlite3.Connection, verb: Remove, now: int) -> Outcome:
    removed = _changed(db, f"remove_{verb.kind}", rows.asdict(verb))
    if verb.kind == "client":
        db.execute(SQL["remove_origins"], rows.asdict(verb))
    return Done() if removed else Gone(which=verb.kind)


def _count(db: sqlite3.Connection, verb: Count, now: int) -> Outcome:
    values = rows.asdict(verb)
    if _changed(db, "count", values):
        return Done()
    return Limited(until=db.execute(SQL["blocked_until"], values).fetchone()[0])


def _forgive(db: sqlite3.Connection, verb: Forgive, now: int) -> Outcome:
    db.execute(SQL["forgive_all" if verb.all else "forgive_one"], {"key": verb.key})
    return Done()


_VERBS: Mapping[type, Callable[[sqlite3.Connection, Any, int], Outcome]] = {
    Redeem: _redeem,
    Rotate: _rotate,
    Revoke: _revoke,
    Once: _once,
    Require: _require,
    Put: _put,
    Remove: _remove,
    Count: _count,
    Forgive: _forgive,
}
