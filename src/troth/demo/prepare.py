"""The folder of the demo: keys, settings, a person and three clients. Made once, then found."""

import json
import os
import secrets
import time
from dataclasses import replace
from pathlib import Path

import msgspec

from troth.accounts.names import login_key
from troth.accounts.passwords import Passwords, hash_now
from troth.demo.plan import (
    CLAIMS,
    EMAIL,
    LOGIN_SCOPE,
    SCOPE,
    SCOPES,
    USERNAME,
    CannotStart,
    ClientCredentials,
    Credentials,
    Plan,
)
from troth.model.change import AuditEvent, Change, Done, Put
from troth.model.client import ClientSecret, RegisteredClient
from troth.model.openid_client import LogoutURIs, OpenIDClient
from troth.model.person import Person
from troth.settings import Settings, load
from troth.signing.keys import create_master_key
from troth.store import Store
from troth.store.open import open_store

# Short words that nobody misreads. Two of them and a number are about 31 bits: ample against a
# server that delays guesses, and never the same on two machines, should the folder ever travel.
_WORDS = (
    "amber anchor apple arrow autumn bamboo basil beacon birch bramble breeze bridge candle canyon "
    "cedar cherry cinder clover cobalt comet copper coral cotton cricket crystal dahlia daisy "
    "delta ember falcon feather fern flint forest fossil garden ginger glacier granite harbour "
    "hazel heron hollow honey indigo island ivory jasmine juniper kettle lagoon lantern laurel "
    "lemon lilac linden lotus magnet maple marble meadow mellow mint mirror morning mosaic nectar "
    "nutmeg oasis olive opal orchard otter paddle pebble pepper petal pigeon pine plum pocket "
    "poplar prairie quartz quill rabbit ribbon river robin rocket saffron sailor sandal sequoia "
    "silver sparrow spruce summer sunset thistle thunder timber topaz tulip tundra valley velvet "
    "violet walnut willow window winter yarrow zephyr"
).split()


async def prepare(plan: Plan) -> tuple[Credentials, bool]:
    """Make or complete the installation.

    Returns what the parts need to know, and whether the demo person still has the password that
    is kept here: people may change theirs on the account page.
    """
    folder = plan.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    master = folder / "master.key"
    if not master.exists():
        create_master_key(master)
    _write(plan.config_file, _config(plan))
    credentials = _kept(folder / "demo.json")
    store = await open_store(settings(plan))
    try:
        await store.fresh()
        await _put_missing(store, plan, credentials)
        return credentials, await _has_password(store, credentials.password)
    finally:
        await store.close()


def settings(plan: Plan) -> Settings:
    """The settings of the demo's server, and of every command that is pointed to them."""
    return load({}, file=plan.config_file)


def _config(plan: Plan) -> str:
    """The server's settings as a file, so that every other command can be pointed to it too."""
    values = {
        "issuer": plan.issuer,
        "listen": f"127.0.0.1:{plan.port}",
        "database": f"sqlite://{plan.folder / 'troth.db'}",
        "master_key_file": str(plan.folder / "master.key"),
        "default_audience": plan.api,
    }
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "\n".join(["# Written by `troth dev` at each start.", *lines, ""])


def _kept(path: Path) -> Credentials:
    """The secrets of former starts, or new ones that are kept before anything relies on them."""
    if path.exists():
        try:
            return msgspec.json.decode(path.read_bytes(), type=Credentials)
        except (msgspec.MsgspecError, OSError) as error:
            raise CannotStart(f"{path} cannot be read: {error}; delete it to start anew") from None
    made = Credentials(
        password=_new_password(),
        application=_new_client(),
        short_lived=_new_client(),
        api=_new_client(),
    )
    _write(path, msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n")
    return made


def _new_password() -> str:
    return f"{secrets.choice(_WORDS)}-{secrets.choice(_WORDS)}-{secrets.randbelow(900) + 100}"


def _new_client() -> ClientCredentials:
    return ClientCredentials(
        client_id=secrets.token_hex(12), client_secret=secrets.token_urlsafe(32)
    )


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def clients(plan: Plan, credentials: Credentials) -> tuple[RegisteredClient, ...]:
    """The application, its twin whose tokens end after two seconds, and the API."""
    return (
        _client(
            "Daybook",
            credentials.application,
            redirect_uris=(plan.redirect_uri, plan.by_hand, plan.login_uri),
            scope=tuple(f"{SCOPE} {LOGIN_SCOPE}".split()),
            client_uri=plan.app,
            openid=OpenIDClient(logout=LogoutURIs(post_logout_redirect_uris=(plan.goodbye_uri,))),
        ),
        _client(
            "Daybook, with tokens that live for two seconds",
            credentials.short_lived,
            grant_types=("client_credentials",),
            scope=("read_write",),
            access_token_lifetime=2,
        ),
        _client("Demo API", credentials.api, grant_types=(), introspects=(plan.api,)),
    )


def _client(name: str, own: ClientCredentials, **facts: object) -> RegisteredClient:
    known = (ClientSecret.of(own.client_secret),)
    plain = RegisteredClient(client_id=own.client_id, client_name=name, secrets=known)
    return replace(plain, **facts)  # type: ignore[arg-type]  # each is a field, as replace checks


async def _put_missing(store: Store, plan: Plan, credentials: Credentials) -> None:
    """What is there stays as it is, but for what follows from the ports and from this version."""
    now = int(time.time())
    puts: list[Put] = []
    for wanted in clients(plan, credentials):
        found = await store.client(wanted.client_id)
        moved = {
            "redirect_uris": wanted.redirect_uris,
            "client_uri": wanted.client_uri,
            "scope": wanted.scope,
            "openid": wanted.openid,
            "introspects": wanted.introspects,
        }
        noun = replace(wanted, created_at=now) if found is None else replace(found, **moved)  # type: ignore[arg-type]
        if noun != found:
            puts.append(Put(noun=noun))
    person = await store.person_by_login(login_key(USERNAME))
    if person is None:
        puts.append(Put(noun=_newcomer(credentials.password, now)))
    elif not person.claims:
        known = replace(person, email=person.email or EMAIL, claims=CLAIMS)
        puts.append(Put(noun=known, expect_epoch=person.epoch))
    verbs = (
        *(Put(noun=scope) for scope in SCOPES if scope.name not in store.scopes),
        *puts,
    )
    if verbs:
        event = AuditEvent(event="demo.prepared", outcome="ok", actor="operator")
        if not isinstance(await store.commit(Change(verbs=verbs, audit=(event,))), Done):
            raise CannotStart(f"the demo cannot be prepared in {plan.folder}; use another --folder")


def _newcomer(password: str, now: int) -> Person:
    return Person(
        sub=secrets.token_hex(16),
        username=USERNAME,
        email=EMAIL,
        password_hash=hash_now(password),
        created_at=now,
        claims=CLAIMS,
    )


async def _has_password(store: Store, password: str) -> bool:
    person = await store.person_by_login(login_key(USERNAME))
    passwords = Passwords()
    try:
        return await passwords.verify(person.password_hash if person else None, password)
    finally:
        passwords.close()
