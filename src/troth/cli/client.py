"""`troth client`: registered applications, with the names of RFC 7591."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from troth.cli.common import Failure, as_json, confirm, emit, now, table, with_store

if TYPE_CHECKING:
    from troth.model.client import RegisteredClient
    from troth.settings import Settings
    from troth.store import Store

METHODS = ("client_secret_basic", "client_secret_post", "none")
ALGORITHMS = ("ES256", "RS256")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
METADATA_HELP = "Registration JSON (RFC 7591, OpenID Connect): a file, or - for standard input."


@click.group()
def client() -> None:
    """Applications that may ask for tokens."""


@client.command()
@click.option("--metadata", help=METADATA_HELP)
@click.option("--name", help="What people see on the consent page.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Exact; may be repeated.")
@click.option("--scope", help="What it may ask for, separated by spaces.")
@click.option("--auth-method", type=click.Choice(METHODS), help=f"Default: {METHODS[0]}.")
@click.option("--grant-type", "grant_types", multiple=True, type=click.Choice(GRANT_TYPES))
@click.option("--access-token", type=click.Choice(("jwt", "opaque")), help="Default: jwt.")
@click.option("--access-token-alg", type=click.Choice(ALGORITHMS), help="Default: ES256.")
@click.option("--access-token-lifetime", type=click.IntRange(1, 3600), help="Default: 3600.")
@click.option("--require-pkce", is_flag=True, default=None, help="Refuse requests without PKCE.")
@click.option("--introspects", multiple=True, help="An audience whose tokens it may introspect.")
@click.option("--client-uri", help="Its home page; people see the host.")
@as_json
def create(metadata: str | None, as_json: bool, **given: Any) -> None:
    """Register a client; its secret is printed this once."""
    from troth.cli import client_change

    asked = client_change.asked(metadata, given, null_removes=False)
    noun, secret = client_change.create(asked)
    _show(noun, secret, as_json)


@client.command("list")
@as_json
def list_(as_json: bool) -> None:
    """All clients."""
    from troth.cli import registration

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
    from troth.cli import client_change

    _show(client_change.find(client_id), None, as_json)


@client.command()
@click.argument("client_id")
@click.option("--metadata", help=f"{METADATA_HELP} Null removes a member.")
@click.option("--name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Replaces all of them.")
@click.option("--scope", help="Replaces the scope.")
@click.option("--grant-type", "grant_types", multiple=True, type=click.Choice(GRANT_TYPES))
@click.option("--access-token", type=click.Choice(("jwt", "opaque")))
@click.option("--access-token-alg", type=click.Choice(ALGORITHMS))
@click.option("--access-token-lifetime", type=click.IntRange(1, 3600))
@click.option("--require-pkce/--no-require-pkce", default=None)
@click.option("--introspects", multiple=True, help="Replaces the audiences.")
@click.option("--client-uri")
@as_json
def update(client_id: str, metadata: str | None, as_json: bool, **given: Any) -> None:
    """Change a client; what is not named stays."""
    from troth.cli import client_change

    asked = client_change.asked(metadata, given, null_removes=True)
    noun, secret = client_change.update(client_id, asked)
    _show(noun, secret, as_json)


def _show(noun: "RegisteredClient", secret: str | None, as_json: bool) -> None:
    """A client, and this once the secret that was made for it."""
    from troth.cli import registration

    shown = registration.shown_client(noun)
    if secret is not None:
        shown |= {"client_secret": secret, "client_secret_expires_at": 0}
    emit(shown, as_json, registration.text_of(shown))


@client.command("rotate-secret")
@click.argument("client_id")
@click.option("--keep-old", default="0", help="How long the old one still works, such as 24h.")
@click.option("--yes", is_flag=True, help="Do not ask whether the old one shall end at once.")
@as_json
def rotate_secret(client_id: str, keep_old: str, yes: bool, as_json: bool) -> None:
    """A new secret, printed this once."""
    from troth.cli import client_change, registration
    from troth.model.client import ClientSecret

    noun, ends = client_change.find(client_id), now() + registration.seconds(keep_old)
    if noun.public:
        raise Failure("a client with method none has no secret")
    kept = tuple(
        replace(old, expires_at=min(old.expires_at or ends, ends))
        for old in noun.secrets
        if ends > now() and (old.expires_at is None or old.expires_at > now())
    )
    if noun.secrets and not kept:
        confirm(f"End the secret that {noun.client_name} has now? --keep-old lets it go on", yes)
    secret = registration.new_secret()
    rotated = replace(noun, secrets=(ClientSecret.of(secret), *kept))
    client_change.put(rotated, noun, "client.rotated")
    answer = {"client_id": client_id, "client_secret": secret, "client_secret_expires_at": 0}
    emit(answer, as_json, f"client_secret: {secret}")


@client.command()
@click.argument("client_id")
@click.option("--enable", is_flag=True, help="The reverse.")
@as_json
def disable(client_id: str, enable: bool, as_json: bool) -> None:
    """Disable a client: it gets no more tokens, and its tokens are not active."""
    from troth.cli import client_change, registration

    former = client_change.find(client_id)
    noun = replace(former, disabled=not enable)
    client_change.put(noun, former, "client.enabled" if enable else "client.disabled")
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
    from troth.cli import client_change
    from troth.model.change import AuditEvent, Change, Remove

    noun = client_change.find(client_id)
    confirm(f"Delete {noun.client_name} and end all its tokens?", yes)
    event = AuditEvent(event="client.deleted", outcome="ok", actor="operator", client_id=client_id)

    async def work(store: "Store", _: "Settings") -> None:
        remove = Remove(kind="client", key=client_id)
        await store.commit(Change(verbs=(remove,), audit=(event,)))

    with_store(work)
    emit({"deleted": client_id}, as_json, f"{client_id} is deleted")
