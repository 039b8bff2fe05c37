"""`troth doctor`: what is wrong with an installation, and how to mend it, in one sentence each."""

import ssl
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import click

from troth.cli.common import Failure, as_json, emit, failing, settings

if TYPE_CHECKING:
    from troth.model.client import RegisteredClient
    from troth.settings import Settings
    from troth.store import Store

Level = Literal["ok", "advice", "wrong"]
Finding = tuple[str, Level, str]


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Check issuer, TLS, proxy, clock, keys, database and weak settings; 1 if any is wrong."""
    findings: list[Finding] = []
    try:
        chosen = settings()
        findings += _network(chosen)
        findings += _keys_and_database(chosen)
    except Failure as failure:
        findings.append(("settings", "wrong", str(failure)))
    found = [{"check": name, "level": level, "says": text} for name, level, text in findings]
    wrong = any(level == "wrong" for _, level, _ in findings)
    text = "\n".join(f"{level:7} {name}: {says}" for name, level, says in findings)
    emit({"ok": not wrong, "findings": found}, as_json, text)
    raise SystemExit(1 if wrong else 0)


def _network(chosen: "Settings") -> Iterator[Finding]:
    from troth.settings import is_loopback, parse_listen

    if chosen.secure:
        yield "issuer", "ok", f"{chosen.issuer} is https"
    else:
        yield "issuer", "advice", "http is for development on this machine only; use https"
    host, _ = parse_listen(chosen.listen)
    own_tls = bool(chosen.tls_cert_file)
    if own_tls:
        yield _certificate(chosen)
    elif chosen.secure and not chosen.trusted_proxies:
        yield (
            "proxy",
            "wrong",
            "the issuer is https, but there is neither own TLS nor a trusted proxy: set "
            "TROTH_TLS_CERT_FILE and TROTH_TLS_KEY_FILE, or TROTH_TRUSTED_PROXIES",
        )
    elif not is_loopback(host) and not chosen.trusted_proxies:
        yield (
            "proxy",
            "wrong",
            f"{chosen.listen} is open to others without TLS; listen on 127.0.0.1",
        )
    if chosen.management_listen and not is_loopback(parse_listen(chosen.management_listen)[0]):
        yield "management", "advice", "health and metrics are reachable from other machines"
    if time.time() < 1_750_000_000:
        yield "clock", "wrong", "the clock of this machine is years behind; set it"
    else:
        yield "clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())


def _certificate(chosen: "Settings") -> Finding:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(chosen.tls_cert_file, chosen.tls_key_file)
    except (OSError, ssl.SSLError) as error:
        return "tls", "wrong", f"certificate and key cannot be used together: {error}"
    return "tls", "ok", f"{chosen.tls_cert_file} loads with its key"


def _keys_and_database(chosen: "Settings") -> Iterator[Finding]:
    import asyncio

    from troth.store.open import open_store

    async def look() -> list[Finding]:
        store = await open_store(chosen)
        await store.fresh()
        found: list[Finding] = list(_database(chosen))
        found += [_ring(chosen, store), *_clients(await store.clients()), *_claims(chosen, store)]
        await store.close()
        return found

    try:
        yield from failing(lambda: asyncio.run(look()))
    except Failure as failure:
        yield "database", "wrong", str(failure)


def _ring(chosen: "Settings", store: "Store") -> Finding:
    from troth.signing import ring
    from troth.signing.keys import KeyRingError, read_master_key

    try:
        master = read_master_key(chosen.master_key_file)
        if not store.keys:
            return "keys", "advice", "there are no keys yet; troth serve makes them"
        ring.build(store.keys, master, chosen.issuer).signer(int(time.time()))
    except KeyRingError as error:
        return "keys", "wrong", str(error)
    return "keys", "ok", f"{len(store.keys)} keys open with the master key"


def _clients(clients: "Sequence[RegisteredClient]") -> Iterator[Finding]:
    lax = [
        c.client_id
        for c in clients
        if "authorization_code" in c.grant_types and not (c.public or c.require_pkce)
    ]
    if lax:
        advice = f"{len(lax)} client(s) may go without PKCE: troth client update {lax[0]}"
        yield "pkce", "advice", f"{advice} --require-pkce"


def _claims(chosen: "Settings", store: "Store") -> Iterator[Finding]:
    for name in chosen.claims_by_scope:
        if name not in store.scopes:
            says = f"the setting claims names the scope {name}, which nobody can ask for: run"
            yield "claims", "advice", f"{says} troth scope add {name} --description ..."


def _database(chosen: "Settings") -> Iterator[Finding]:
    from troth.settings import database_path

    if chosen.postgres:
        yield "database", "ok", "PostgreSQL answers, and its schema is this version's"
        return
    path = database_path(chosen)
    yield "database", "ok", str(path)
    if path.stat().st_mode & 0o077:
        yield "database", "wrong", f"{path} is readable by others; run chmod 600 {path}"
