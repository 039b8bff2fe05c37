"""`troth keys`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from troth.cli.common import Failure, as_json, confirm, emit, now, table, with_store

if TYPE_CHECKING:
    from troth.log import Secret
    from troth.settings import Settings
    from troth.signing.keys import StoredKey, Use
    from troth.store import Store

# The longest life of an access token, and what clocks may differ by.
_ACCESS_TOKEN = 3600
_CLOCKS = 3600


@click.group()
def keys() -> None:
    """The keys that sign tokens, seal codes, and open what is encrypted to this server."""


@keys.command("list")
@as_json
def list_(as_json: bool) -> None:
    """All keys: which sign now, which are published, which have ended."""

    async def work(store: "Store", _: "Settings") -> list[dict[str, Any]]:
        return [_shown(key, store.keys) for key in store.keys]

    found = with_store(work)
    rows = [("KID", "USE", "ALG", "STATE")]
    rows += [(k["kid"], k["use"], k["alg"], k["state"]) for k in found]
    emit({"keys": found}, as_json, table(rows))


@keys.command()
@click.option("--use", type=click.Choice(("sig", "enc", "seal")), default="sig", show_default=True)
@click.option(
    "--alg",
    type=click.Choice(
        ("ES256", "RS256", "PS256", "EdDSA", "Ed25519", "RSA-OAEP-256", "ECDH-ES", "A256SIV")
    ),
    help="Which of them; else the first of that use.",
)
@click.option("--now", "at_once", is_flag=True, help="Sign with it at once (emergency).")
@as_json
def rotate(use: "Use", alg: str | None, at_once: bool, as_json: bool) -> None:
    """A new key: published now, signing after the publish lead; the old one ends later."""
    from troth.model.change import AuditEvent
    from troth.signing.keys import first_alg, new_key

    kind = (use, alg or first_alg(use))
    _known(kind)

    async def work(store: "Store", settings: "Settings") -> dict[str, Any]:
        master = await _proven_master_key(store, settings)
        lead = 0 if at_once or use == "seal" else settings.key_publish_lead
        made = new_key(*kind, now=now(), signs_from=now() + lead, master=master)
        ends = made.signs_from + max(_ACCESS_TOKEN, settings.id_token_lifetime) + _CLOCKS
        former = [
            replace(key, ends_at=ends)
            for key in store.keys
            if use != "seal" and key.kind == kind and key.ends_at is None
        ]
        event = AuditEvent(event="key.rotated", outcome="ok", actor="operator", detail=made.kid)
        await store.put_keys([made, *former], event)
        await store.fresh()
        return _shown(made, store.keys)

    shown = with_store(work)
    emit(shown, as_json, f"key {shown['kid']} is published and signs from {shown['signs_from']}")


@keys.command()
@click.argument("kid")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
def retire(kid: str, yes: bool, as_json: bool) -> None:
    """End a key at once: what it signed or sealed is worth nothing from now on."""
    from troth.model.change import AuditEvent
    from troth.signing.keys import new_key

    confirm(f"End key {kid} and every token made with it?", yes)

    async def work(store: "Store", settings: "Settings") -> dict[str, Any]:
        key = next((key for key in store.keys if key.kid == kid), None)
        if key is None:
            raise Failure(f"there is no key {kid!r}")
        if key.use == "pairwise":
            raise Failure("this key stays: every person would be somebody else to the clients")
        at = now()
        # From its beginning, so that no clock that is set back gives it life again.
        changed = [replace(key, ends_at=key.created_at)]
        others = [k for k in store.keys if k.kind == key.kind and k.kid != kid and k.may_sign(at)]
        if not others:
            master = await _proven_master_key(store, settings)
            changed.append(new_key(*key.kind, now=at, signs_from=at, master=master))
        event = AuditEvent(event="key.retired", outcome="ok", actor="operator", detail=kid)
        await store.put_keys(changed, event)
        return {"retired": kid, "created": [k.kid for k in changed[1:]]}

    done = with_store(work)
    emit(done, as_json, f"key {kid} has ended")


@keys.command()
@click.argument("file", type=click.Path(dir_okay=False))
@as_json
def rewrap(file: str, as_json: bool) -> None:
    """Encrypt all keys under another master key: that in FILE, which is made where it is missing.

    With the servers stopped. Then let TROTH_MASTER_KEY_FILE name FILE and start them; nothing that
    was issued is lost. Where it was interrupted, run it again. What was copied before opens with
    the former master key alone.
    """
    from troth.model.change import AuditEvent
    from troth.signing import ring
    from troth.signing.keys import opens, read_master_key, rewrapped

    async def work(store: "Store", settings: "Settings") -> int:
        former = read_master_key(settings.master_key_file)
        master = _read_or_made(file)
        event = AuditEvent(event="master_key.changed", outcome="ok", actor="operator")
        done = 0
        # Again for what another command has made under the former one meanwhile.
        while under := [key for key in store.keys if not opens(key, master)]:
            await store.put_keys([rewrapped(key, former, master) for key in under], event)
            await store.fresh()
            done += len(under)
        ring.build(store.keys, master, settings.issuer)
        return done

    done = with_store(work)
    text = f"{done} keys are under the master key of {file}; let TROTH_MASTER_KEY_FILE name it"
    emit({"rewrapped": done, "master_key_file": file}, as_json, text)


def _read_or_made(file: str) -> "Secret":
    from pathlib import Path

    from troth.signing.keys import create_master_key, read_master_key

    if not Path(file).exists():
        create_master_key(Path(file))
    return read_master_key(file)


def _known(kind: tuple["Use", str]) -> None:
    from troth.signing.keys import KINDS

    if kind not in KINDS:
        algs = ", ".join(alg for use, alg in KINDS if use == kind[0])
        raise Failure(f"there are no {kind[0]} keys of the algorithm {kind[1]!r}, but of: {algs}")


async def _proven_master_key(store: "Store", settings: "Settings") -> "Secret":
    """The master key that opens all stored keys: a key made with another would stop the server."""
    from troth.signing import ring
    from troth.signing.keys import read_master_key
    from troth.store.open import ensure_keys

    master = read_master_key(settings.master_key_file)
    await ensure_keys(store, master)
    ring.build(store.keys, master, settings.issuer)
    return master


def _shown(key: "StoredKey", ring: tuple["StoredKey", ...]) -> dict[str, Any]:
    from troth.signing.ring import in_order

    at = now()
    signing = [k for k in ring if k.kind == key.kind and k.may_sign(at)]
    newest = max(signing, key=in_order, default=None)
    if key.ends_at is not None and key.ends_at <= at:
        state = "ended"
    elif key.signs_from > at:
        state = "published"
    else:
        state = "active" if newest is not None and newest.kid == key.kid else "kept"
    return {
        "kid": key.kid,
        "use": key.use,
        "alg": key.alg,
        "state": state,
        "created_at": key.created_at,
        "signs_from": key.signs_from,
        "ends_at": key.ends_at,
    }
