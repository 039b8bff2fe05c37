"""What `troth user` changes of a person without logging anybody out: names, address, claims."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from troth.accounts import claims
from troth.accounts.names import check_email, check_username
from troth.cli.common import Failure, now, read_source, with_store
from troth.model.change import AuditEvent, Change, Done, Exists, Put
from troth.model.person import Person
from troth.settings import Settings
from troth.signing.compact import Malformed, json_object
from troth.store import Store


def read(source: str | None) -> dict[str, Any]:
    """The claims of a JSON object by name; None for what shall go."""
    if source is None:
        return {}
    raw = read_source(source)
    if len(raw) > claims.LARGEST:
        raise Failure(f"the claims have more than {claims.LARGEST // 1024} kB")
    try:
        given = json_object(raw, "the JSON of claims")
    except Malformed as error:
        raise Failure(f"the claims cannot be read: {error}") from None
    problem = claims.check({name: value for name, value in given.items() if value is not None})
    if problem is not None:
        raise Failure(problem)
    return given


def changed(
    former: Person, given: Mapping[str, Any], *, username: str | None, email: str | None
) -> Person:
    """The person with what was given; a new address is not verified unless that is said too."""
    told = dict(given)
    named = told.pop("email", former.email)
    address = named if email is None else email
    name = former.username if username is None else username
    problem = check_username(name) or (check_email(address) if address is not None else None)
    if problem is not None:
        raise Failure(problem)
    if address != former.email:
        told.setdefault("email_verified", None)
    whole = claims.changed(former.claims, told, now())
    problem = claims.check(whole)
    if problem is not None:
        raise Failure(problem)
    return replace(former, username=name, email=address, claims=whole)


def commit(person: Person, former: Person | None, event: str) -> None:
    """Store a person under the epoch they have: what they hold goes on."""
    audit = AuditEvent(event=event, outcome="ok", actor="operator", sub=person.sub)
    epoch = None if former is None else former.epoch
    put = Put(noun=person, expect_epoch=epoch, former=former)

    async def work(store: Store, _: Settings) -> None:
        outcome = await store.commit(Change(verbs=(put,), audit=(audit,)))
        if isinstance(outcome, Exists):
            raise Failure("the user name or e-mail address is taken")
        if not isinstance(outcome, Done):
            raise Failure("somebody else changed this person just now; try again")

    with_store(work)
