"""What `troth client` changes: from options and registration JSON to a client in the store."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click

from troth.cli import registration
from troth.cli.common import Failure, now, read_source, with_store
from troth.fetch import Fetcher
from troth.model.change import AuditEvent, Change, Done, Put
from troth.model.client import ClientSecret, RegisteredClient
from troth.registration import RegistrationError, metadata, sector
from troth.rules.claims import STANDARD
from troth.settings import Settings
from troth.store import Store

# By option; all but these are registered names themselves.
_REGISTERED = {"name": "client_name", "auth_method": "token_endpoint_auth_method"}
_OWN = {"access_token": "access_token_format"}

_STANDARD_SCOPES = ("openid", *STANDARD, "offline_access")
_NEVER_WARNED = frozenset({"client_id", "client_secret"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a command asks for: registered members, own ones, and the JSON as it came."""

    members: Mapping[str, Any]
    own: Mapping[str, Any]
    document: Mapping[str, Any] | None


def asked(source: str | None, options: Mapping[str, Any], *, null_removes: bool) -> Asked:
    """The JSON, and what was said by option, which wins. Else `null` is a member not named."""
    try:
        document = metadata.read(read_source(source)) if source is not None else None
        if document is not None and not null_removes:
            document = {name: value for name, value in document.items() if value is not None}
        members = metadata.members(document or {})
    except RegistrationError as error:
        raise Failure(str(error)) from None
    own: dict[str, Any] = {}
    for option, value in options.items():
        if value is None or value == ():
            continue
        name = _REGISTERED.get(option, option)
        if name in metadata.NAMES:
            members[name] = value
        else:
            own[_OWN.get(option, option)] = value
    _warn(document or {})
    return Asked(members=members, own=own, document=document)


def _warn(document: Mapping[str, Any]) -> None:
    for name in document:
        if name in metadata.NAMES or name in _NEVER_WARNED:
            continue
        tagged = name.partition("#")[0] in metadata.NAMES
        why = "one language is kept" if tagged else "it is not known here (RFC 7591 §2)"
        click.echo(f"warning: {name[:80]} is ignored: {why}", err=True)


def create(wanted: Asked) -> tuple[RegisteredClient, str | None]:
    """A new client, and its secret."""
    document = wanted.document or {}
    noun = RegisteredClient(
        client_id=registration.given_id(document) or registration.new_id(),
        client_name="",
        created_at=now(),
        **wanted.own,
    )
    noun = _with_members(noun, wanted)
    secret = registration.given_secret(document)
    if noun.public and secret is not None:
        raise Failure("a client with method none has no secret")
    if not noun.public:
        secret = secret or registration.new_secret()
        noun = replace(noun, secrets=(ClientSecret.of(secret),))

    async def work(store: Store, settings: Settings) -> RegisteredClient:
        await _check_unused(noun.client_id, store)
        wants_standard = wanted.document is not None and "scope" not in wanted.members
        whole = _with_standard_scopes(noun, store) if wants_standard else noun
        return await _commit(whole, None, "client.created", store, settings)

    return with_store(work), secret


def update(client_id: str, wanted: Asked) -> tuple[RegisteredClient, str | None]:
    """A changed client, and a secret where it needs one that it did not have."""
    former = find(client_id)
    document = wanted.document or {}
    if document.get("client_id", client_id) not in (client_id, None):
        raise Failure("the metadata is of another client: its client_id is a different one")
    if document.get("client_secret") is not None:
        raise Failure("a secret is changed by: troth client rotate-secret")
    noun = _with_members(replace(former, **wanted.own), wanted)
    made: str | None = None
    if noun.public:
        noun = replace(noun, secrets=())
    elif not noun.secrets:
        made = registration.new_secret()
        noun = replace(noun, secrets=(ClientSecret.of(made),))

    async def work(store: Store, settings: Settings) -> RegisteredClient:
        return await _commit(noun, former, "client.updated", store, settings)

    return with_store(work), made


def find(client_id: str) -> RegisteredClient:
    """The registered client, or a `Failure`."""

    async def work(store: Store, _: Settings) -> RegisteredClient | None:
        return await store.client(client_id)

    found = with_store(work)
    if found is None:
        raise Failure(f"there is no client {client_id!r}")
    return found


def put(noun: RegisteredClient, former: RegisteredClient, event: str) -> None:
    """Store a client whose registration is as it was: it need not be one of today's rules."""

    async def work(store: Store, _: Settings) -> None:
        await _store(noun, former, event, store)

    with_store(work)


def _with_members(noun: RegisteredClient, wanted: Asked) -> RegisteredClient:
    whole = metadata.registered(noun, wanted.members)
    types = wanted.members.get("response_types")
    expected = ("code",) if "authorization_code" in whole.grant_types else ()
    if types is not None and tuple(types) not in (expected, ("code",)):
        raise Failure('response_types must be ["code"]: this server issues codes only')
    return whole


def _with_standard_scopes(noun: RegisteredClient, store: Store) -> RegisteredClient:
    """Who names no scope may ask for what OpenID Connect defines, and for the defaults."""
    if "authorization_code" not in noun.grant_types:
        return noun
    standard = [name for name in _STANDARD_SCOPES if name in store.scopes]
    default = [name for name, scope in store.scopes.items() if scope.default]
    return replace(noun, scope=tuple(dict.fromkeys((*standard, *default))))


async def _check_unused(client_id: str, store: Store) -> None:
    """An id is never used again: what people allowed its former bearer would be the new one's."""
    if await store.client(client_id) is not None:
        raise Failure(f"there is a client {client_id!r} already; troth client update changes it")
    if await store.approved(client_id) or await store.person(client_id) is not None:
        raise Failure(f"the client_id {client_id!r} was used before; choose another")


async def _commit(
    noun: RegisteredClient,
    former: RegisteredClient | None,
    event: str,
    store: Store,
    settings: Settings,
) -> RegisteredClient:
    problem = registration.check(noun, frozenset(store.scopes), settings.origin)
    if problem:
        raise Failure(problem)
    noun = await _in_its_sector(noun, former, settings)
    others = await store.clients()
    for warning in registration.look_alikes(noun, others, settings.operator_name):
        click.echo(f"warning: {warning}", err=True)
    for scheme in registration.claimed_twice(noun, others):
        click.echo(f"warning: another client claims {scheme}: too (RFC 8252 §8.6)", err=True)
    await _store(noun, former, event, store)
    return noun


async def _store(
    noun: RegisteredClient, former: RegisteredClient | None, event: str, store: Store
) -> None:
    audit = AuditEvent(event=event, outcome="ok", actor="operator", client_id=noun.client_id)
    put = Put(noun=noun, former=former)
    if not isinstance(await store.commit(Change(verbs=(put,), audit=(audit,))), Done):
        raise Failure("somebody else changed this client just now; try again")


async def _in_its_sector(
    noun: RegisteredClient, former: RegisteredClient | None, settings: Settings
) -> RegisteredClient:
    """The client with its sector, found anew where what it depends on has changed."""
    if former is not None and _sector_basis(former) == _sector_basis(noun):
        return noun
    fetcher = Fetcher(settings.fetch_allow, settings.fetch_ca_file)
    try:
        found = await sector.find(noun, fetcher)
    except RegistrationError as error:
        raise Failure(str(error)) from None
    if former is not None and former.openid.sector not in ("", found):
        click.echo("warning: the sector is another: people get new subjects there", err=True)
    return replace(noun, openid=replace(noun.openid, sector=found))


def _sector_basis(noun: RegisteredClient) -> tuple[object, ...]:
    openid = noun.openid
    return openid.subject_type, openid.sector_identifier_uri, frozenset(noun.redirect_uris)
