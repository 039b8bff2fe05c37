"""`troth user`."""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from troth.cli.common import Failure, as_json, confirm, emit, now, table, with_store

if TYPE_CHECKING:
    from troth.model.person import Person
    from troth.settings import Settings
    from troth.store import Store


CLAIMS_HELP = "What is known of them (OIDC Core §5.1), as JSON: a file, or - for standard input."


@click.group()
def user() -> None:
    """The people who log in. USER is a user name, an e-mail address or a sub."""


@user.command()
@click.option("--username", required=True)
@click.option("--email")
@click.option("--claims", help=CLAIMS_HELP)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@as_json
def create(
    username: str, email: str | None, claims: str | None, password_stdin: bool, as_json: bool
) -> None:
    """Create a person; prints the sub that stands for them in every token."""
    import secrets

    from troth.accounts.passwords import hash_now
    from troth.cli import user_claims
    from troth.model.person import Person

    if password_stdin and claims == "-":
        raise Failure("standard input is the password's already: name a file of claims")
    given = user_claims.read(claims)
    newcomer = Person(sub=secrets.token_hex(16), username=username, created_at=now())
    person = user_claims.changed(newcomer, given, username=username, email=email)
    if password_stdin:
        password = _password((username, person.email or ""))
        person = replace(person, password_hash=hash_now(password))
    user_claims.commit(person, None, "person.created")
    emit({"sub": person.sub}, as_json, f"{username} is {person.sub}")


@user.command()
@click.argument("user")
@click.option("--username", help="A new name to log in with.")
@click.option("--email", help="A new address; it counts as not verified.")
@click.option("--claims", help=f"{CLAIMS_HELP} Null removes a claim.")
@as_json
def update(
    user: str, username: str | None, email: str | None, claims: str | None, as_json: bool
) -> None:
    """Change what is known of a person; what is not named stays, and nobody is logged out."""
    from troth.cli import user_claims

    given = user_claims.read(claims)

    async def work(store: "Store", _: "Settings") -> "Person":
        return await _find(store, user)

    former = with_store(work)
    person = user_claims.changed(former, given, username=username, email=email)
    user_claims.commit(person, former, "person.updated")
    found = _shown(person)
    emit(found, as_json, _text(found))


@user.command("list")
@as_json
def list_(as_json: bool) -> None:
    """All people."""

    async def work(store: "Store", _: "Settings") -> list[dict[str, Any]]:
        return [_shown(person) for person in await store.people()]

    found = with_store(work)
    rows = [("SUB", "USER NAME", "E-MAIL", "STATE")]
    rows += [
        (p["sub"], p["username"], p["email"] or "", "disabled" if p["disabled"] else "")
        for p in found
    ]
    emit({"users": found}, as_json, table(rows))


@user.command()
@click.argument("user")
@as_json
def show(user: str, as_json: bool) -> None:
    """One person."""

    async def work(store: "Store", _: "Settings") -> dict[str, Any]:
        return _shown(await _find(store, user))

    found = with_store(work)
    emit(found, as_json, _text(found))


@user.command("set-password")
@click.argument("user")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@as_json
def set_password(user: str, password_stdin: bool, as_json: bool) -> None:
    """Set a password; every session and token of the person ends."""
    if not password_stdin:
        raise Failure("say --password-stdin and give the password on standard input")

    async def work(store: "Store", _: "Settings") -> dict[str, Any]:
        person = await _find(store, user)
        from troth.accounts.passwords import hash_now

        password_hash = hash_now(_password((person.username, person.email or "")))
        return await _change(store, person, "password.reset", password_hash=password_hash)

    with_store(work)
    emit({"user": user, "password": "set"}, as_json, f"the password of {user} is set")


@user.command()
@click.argument("user")
@click.option("--enable", is_flag=True, help="The reverse. What ended stays ended.")
@as_json
def disable(user: str, enable: bool, as_json: bool) -> None:
    """Disable a person: no login, and every session and token ends at once."""

    async def work(store: "Store", _: "Settings") -> dict[str, Any]:
        person = await _find(store, user)
        event = "person.enabled" if enable else "person.disabled"
        return await _change(store, person, event, disabled=not enable)

    found = with_store(work)
    emit(found, as_json, f"{user} is {'enabled' if enable else 'disabled'}")


@user.command()
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def delete(user: str, yes: bool, as_json: bool) -> None:
    """Delete a person for good; their sub is never used again."""
    from troth.model.change import AuditEvent, Change, Remove, Revoke

    async def look(store: "Store", _: "Settings") -> "Person":
        return await _find(store, user)

    person = with_store(look)
    known = f"{person.username} ({person.email or 'no address'}, {person.sub})"
    confirm(f"Delete {known} and end everything of theirs?", yes)

    async def work(store: "Store", _: "Settings") -> str:
        event = AuditEvent(event="person.deleted", outcome="ok", actor="operator", sub=person.sub)
        end = Revoke(kind="sessions_of", key=person.sub, at=now())
        remove = Remove(kind="person", key=person.sub)
        await store.commit(Change(verbs=(end, remove), audit=(event,)))
        return person.sub

    emit({"deleted": with_store(work)}, as_json, f"{user} is deleted")


def _password(words: tuple[str, ...]) -> str:
    """The password on standard input; a weak one is said, not refused."""
    from troth.accounts.passwords import check_length, easy_to_guess

    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    problem = check_length(password)
    if problem:
        raise Failure(problem)
    if easy_to_guess(password, words):
        click.echo("troth: warning: that password is easy to guess", err=True)
    return password


async def _find(store: "Store", user: str) -> "Person":
    from troth.accounts.names import login_key

    named = await store.person_by_login(login_key(user))
    found = await store.person(user) or named
    if found is None:
        raise Failure(f"there is no user {user!r}")
    if named is not None and named != found:
        raise Failure(
            f"{user!r} is the sub of {found.username!r} and the user name of {named.sub}: "
            "say which by the other's name or address"
        )
    return found


async def _change(
    store: "Store",
    person: "Person",
    event: str,
    password_hash: str | None = None,
    disabled: bool | None = None,
) -> dict[str, Any]:
    """One write under a new epoch: it ends all that was issued before, and clients are told."""
    from troth.model.change import AuditEvent, Change, Done, Put, Revoke

    changed = replace(
        person,
        password_hash=password_hash or person.password_hash,
        disabled=person.disabled if disabled is None else disabled,
        epoch=person.epoch + 1,
    )
    audit = AuditEvent(event=event, outcome="ok", actor="operator", sub=person.sub)
    put = Put(noun=changed, expect_epoch=person.epoch, former=person)
    end = Revoke(kind="sessions_of", key=person.sub, at=now())
    if not isinstance(await store.commit(Change(verbs=(put, end), audit=(audit,))), Done):
        raise Failure("somebody else changed this person just now; try again")
    return _shown(changed)


def _shown(person: "Person") -> dict[str, Any]:
    return {
        "sub": person.sub,
        "username": person.username,
        "email": person.email,
        "disabled": person.disabled,
        "has_password": person.password_hash is not None,
        "created_at": person.created_at,
        "claims": dict(person.claims),
    }


def _text(shown: dict[str, Any]) -> str:
    import json

    plain = {**shown, "claims": json.dumps(shown["claims"], ensure_ascii=False)}
    return "\n".join(f"{name}: {value}" for name, value in plain.items())
