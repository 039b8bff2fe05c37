"""`troth scope`."""

from typing import TYPE_CHECKING, Any

import click

from troth.cli.common import Failure, as_json, confirm, emit, table, with_store

if TYPE_CHECKING:
    from troth.model.client import RegisteredClient
    from troth.model.person import Scope
    from troth.settings import Settings
    from troth.store import Store


@click.group()
def scope() -> None:
    """What applications may ask for, in words that people understand."""


@scope.command()
@click.argument("name")
@click.option("--description", required=True, help="A sentence that a person understands.")
@click.option("--optional", is_flag=True, help="People may untick it.")
@click.option("--default", "is_default", is_flag=True, help="Granted where no scope is asked for.")
@as_json
def add(name: str, description: str, optional: bool, is_default: bool, as_json: bool) -> None:
    """Define a scope, or change one."""
    from troth.errors import OAuthError
    from troth.model.change import AuditEvent, Change, Put
    from troth.model.person import Scope
    from troth.rules.scope import parse

    try:
        if parse(name) != (name,):
            raise Failure("a scope name has no spaces")
    except OAuthError:
        raise Failure(f"{name!r} is not a scope name (RFC 6749 §3.3)") from None
    if not description.strip() or len(description) > 300:
        raise Failure("a description is one sentence of at most 300 characters")
    noun = Scope(name=name, description=description, required=not optional, default=is_default)
    event = AuditEvent(event="scope.put", outcome="ok", actor="operator", detail=name)

    async def work(store: "Store", _: "Settings") -> None:
        await store.commit(Change(verbs=(Put(noun=noun),), audit=(event,)))

    with_store(work)
    emit(_shown(noun), as_json, f"scope {name} is defined")


@scope.command("list")
@as_json
def list_(as_json: bool) -> None:
    """All scopes."""

    async def work(store: "Store", _: "Settings") -> list[dict[str, Any]]:
        return [_shown(noun) for noun in store.scopes.values()]

    found = with_store(work)
    rows = [("NAME", "REQUIRED", "DESCRIPTION")]
    rows += [(s["name"], "yes" if s["required"] else "no", s["description"]) for s in found]
    emit({"scopes": found}, as_json, table(rows))


@scope.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Remove a scope, also from every client: tokens get only what is left."""
    from dataclasses import replace

    from troth.model.change import AuditEvent, Change, Done, Put, Remove

    async def look(store: "Store", _: "Settings") -> "list[RegisteredClient]":
        if name not in store.scopes:
            raise Failure(f"there is no scope {name!r}")
        return [client for client in await store.clients() if name in client.scope]

    users = with_store(look)
    confirm(f"Remove {name}, and take it from {len(users)} clients?", yes)
    event = AuditEvent(event="scope.removed", outcome="ok", actor="operator", detail=name)
    narrowed = tuple(
        Put(noun=replace(one, scope=tuple(s for s in one.scope if s != name)), former=one)
        for one in users
    )

    async def work(store: "Store", _: "Settings") -> None:
        change = Change(verbs=(Remove(kind="scope", key=name), *narrowed), audit=(event,))
        if not isinstance(await store.commit(change), Done):
            raise Failure("somebody else changed this scope or a client just now; try again")

    with_store(work)
    clients = [one.client_id for one in users]
    emit({"removed": name, "clients": clients}, as_json, f"scope {name} is removed")


def _shown(noun: "Scope") -> dict[str, Any]:
    return {
        "name": noun.name,
        "description": noun.description,
        "required": noun.required,
        "default": noun.default,
    }
