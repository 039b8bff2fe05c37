"""`troth client`: registered applications, with the names of RFC 7591."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from troth.cli import registration
from troth.cli.common import Failure, as_json, confirm, emit, now, table, with_store

if TYPE_CHECKING:
    from troth.model.client import RegisteredClient
    from troth.settings import Settings
    from troth.store import Store

METHODS = ("client_secret_basic", "client_secret_post", "none")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")


@click.group()
def client() -> None:
    """Applications that may ask for tokens."""


@client.command()
@click.option("--name", required=True, help="What people see on the consent page.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Exact; may be repeated.")
@click.option("--scope", default="", help="What it may ask for, separated by spaces.")
@click.option("--auth-method", type=click.Choice(METHODS), default=METHODS[0], show_default=True)
@click.option("--grant-type", "grant_types", multiple=True, type=click.Choice(GRANT_TYPES))
@click.option("--access-token", type=click.Choice(("jwt", "opaque")), default="jwt")
@click.option("--access-token-lifetime", type=click.IntRange(1, 3600), default=3600)
@click.option("--require-pkce", is_flag=True, help="Refuse requests without PKCE.")
@click.option("--introspects", multiple=True, help="An audience whose tokens it may introspect.")
@click.option("--client-uri", help="Its home page; people see the host.")
@as_json
def create(as_json: bool, **given: Any) -> None:
    """Register a client; its secret is printed this once."""
    import secrets

    from troth.model.client import ClientSecret, RegisteredClient

    secret = None if given["auth_method"] == "none" else registration.new_secret()
    noun = RegisteredClient(
        client_id=secrets.token_hex(12),
        client_name=given["name"],
        redirect_uris=given["redirect_uris"],
        grant_types=given["grant_types"] or GRANT_TYPES[:2],
        scope=tuple(dict.fromkeys(given["scope"].split())),
        token_endpoint_auth_method=given["auth_method"],
        client_uri=given["client_uri"],
        access_token_format=given["access_token"],
        access_token_lifetime=given["access_token_lifetime"],
        require_pkce=given["require_pkce"],
        introspects=given["introspects"],
        secrets=(ClientSecret.of(secret),) if secret else (),
        created_at=now(),
    )
    _put(noun, "client.created")
    shown = registration.shown_client(noun)
    if secret:
        shown["client_secret"] = secret
        shown["client_secret_expires_at"] = 0
    emit(shown, as_json, registration.text_of(shown))


@client.command("list")
@as_json
def list_(as_json: bool) -> None:
    """All clients."""

    async def work(store: "Store", _: "Settings") -> list[dict[str, Any]]:
        return [registration.shown_client(noun) for noun in await store.clients()]

    found = with_store(work)
    rows = [("CLIENT ID", "NAME", "METHOD", "STATE")]
    rows += [
        (
            c["client_id"],
            c["client_name"],
            c["token_endpoint_auth_method"],
            "disabled" if c["disabled"] else "",
        )
        for c in found
    ]
    emit({"clients": found}, as_json, table(rows))


@client.command()
@click.argument("client_id")
@as_json
def show(client_id: str, as_json: bool) -> None:
    """One client."""
    shown = registration.shown_client(_find(client_id))
    emit(shown, as_json, registration.text_of(shown))


@client.command()
@click.argument("client_id")
@click.option("--name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Replaces all of them.")
@click.option("--scope", help="Replaces the scope.")
@click.option("--grant-type", "grant_types", multiple=True, type=click.Choice(GRANT_TYPES))
@click.option("--access-token", type=click.Choice(("jwt", "opaque")))
@click.option("--access-token-lifetime", type=click.IntRange(1, 3600))
@click.option("--require-pkce/--no-require-pkce", default=None)
@click.option("--introspects", multiple=True, help="Replaces the audiences.")
@click.option("--client-uri")
@as_json
def update(client_id: str, as_json: bool, **given: Any) -> None:
    """Change a client; what is not named stays."""
    names = {"name": "client_name", "access_token": "access_token_format"}
    changes = {names.get(k, k): v for k, v in given.items() if v is not None and v != ()}
    if "scope" in changes:
        changes["scope"] = tuple(dict.fromkeys(changes["scope"].split()))
    noun = replace(_find(client_id), **changes)
    _put(noun, "client.updated")
    shown = registration.shown_client(noun)
    emit(shown, as_json, registration.text_of(shown))


@client.command("rotate-secret")
@click.argument("client_id")
@click.option("--keep-old", default="0", help="How long the old one still works, such as 24h.")
@as_json
def rotate_secret(client_id: str, keep_old: str, as_json: bool) -> None:
    """A new secret, printed this once."""
    from troth.model.client import ClientSecret

    noun, ends = _find(client_id), now() + registration.seconds(keep_old)
    if noun.public:
        raise Failure("a client with method none has no secret")
    kept = tuple(
        replace(old, expires_at=min(old.expires_at or ends, ends))
        for old in noun.secrets
        if ends > now() and (old.expires_at is None or old.expires_at > now())
    )
    secret = registration.new_secret()
    _put(
        replace(noun, secrets=(ClientSecret.of(secret), *kept)),
        "client.rotated",
    )
    answer = {"client_id": client_id, "client_secret": secret, "client_secret_expires_at": 0}
    emit(answer, as_json, f"client_secret: {secret}")


@client.command()
@click.argument("client_id")
@click.option("--enable", is_flag=True, help="The reverse.")
@as_json
def disable(client_id: str, enable: bool, as_json: bool) -> None:
    """Disable a client: it gets no more tokens, and its tokens are not active."""
    noun = replace(_find(client_id), disabled=not enable)
    _put(noun, "client.enabled" if enable else "client.disabled")
    emit(
        registration.shown_client(noun),
        as_json,
        f"{client_id} is {'enabled' if enable else 'disabled'}",
    )


@client.command()
@click.argument("client_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def delete(client_id: str, yes: bool, as_json: bool) -> None:
    """Delete a client for good; its id is never used again."""
    from troth.model.change import AuditEvent, Change, Remove

    noun = _find(client_id)
    confirm(f"Delete {noun.client_name} and end all its tokens?", yes)
    event = AuditEvent(event="client.deleted", outcome="ok", actor="operator", client_id=client_id)

    async def work(store: "Store", _: "Settings") -> None:
        remove = Remove(kind="client", key=client_id)
        await store.commit(Change(verbs=(remove,), audit=(event,)))

    with_store(work)
    emit({"deleted": client_id}, as_json, f"{client_id} is deleted")


def _find(client_id: str) -> "RegisteredClient":
    async def work(store: "Store", _: "Settings") -> "RegisteredClient | None":
        return await store.client(client_id)

    found = with_store(work)
    if found is None:
        raise Failure(f"there is no client {client_id!r}")
    return found


def _put(noun: "RegisteredClient", event: str) -> None:
    from troth.model.change import AuditEvent, Change, Put

    audit = AuditEvent(event=event, outcome="ok", actor="operator", client_id=noun.client_id)

    async def work(store: "Store", settings: "Settings") -> None:
        problem = registration.check(noun, frozenset(store.scopes), settings.origin)
        if problem:
            raise Failure(problem)
        others = await store.clients()
        for warning in registration.look_alikes(noun, others, settings.operator_name):
            click.echo(f"warning: {warning}", err=True)
        for scheme in registration.claimed_twice(noun, others):
            click.echo(f"warning: another client claims {scheme}: too (RFC 8252 §8.6)", err=True)
        await store.commit(Change(verbs=(Put(noun=noun),), audit=(audit,)))

    with_store(work)
