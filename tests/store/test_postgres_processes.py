"""PostgreSQL: what one process changes, the others know within a second, by whichever way."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import httpx2
import pytest

from tests.conftest import installed
from tests.harness import Troth
from tests.postgres import Cluster
from tests.store.nouns import do, name
from tests.store.outdated import PROMISED, command, outdated
from troth.model.change import Done, Put
from troth.model.person import Scope
from troth.store import Store, postgres_watch

on_postgres = pytest.mark.parametrize("database", ["postgres"], indirect=True)


@on_postgres
async def test_a_change_is_told_to_who_does_not_ask(
    opened: Callable[[], Awaitable[Store]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOTIFY alone: it is asked for once, before the first or the second change."""
    monkeypatch.setattr(postgres_watch, "_EVERY", 3600.0)
    one, other = await opened(), await opened()
    for _ in range(3):
        scope = Scope(name=name("scope"), description="See your canaries")
        assert await do(one, Put(noun=scope)) == Done()
        deadline = time.monotonic() + 5
        while scope.name not in other.scopes:
            assert time.monotonic() < deadline, "nobody told it"
            await asyncio.sleep(0.01)
            await other.fresh()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Troth]:
    """Two processes of one server; the command line is a third."""
    folder = tmp_path_factory.mktemp("pair")
    troth = installed(Troth(folder, database=cluster.database(), workers="2"))
    yield troth
    assert troth.stop() == 0


Known = Callable[[httpx2.Client], bool]


def client_disabled(troth: Troth) -> tuple[Callable[[], None], Known]:
    app = troth.client("--grant-type", "client_credentials")
    form = {"grant_type": "client_credentials", **app.credentials()}
    return (
        lambda: command(troth, "client", "disable", app.client_id),
        lambda http: http.post("/oauth/token", data=form).status_code in (401, 429),
    )


def person_disabled(troth: Troth) -> tuple[Callable[[], None], Known]:
    app, person = troth.client(), troth.person()
    form = {"token": app.tokens(person)["access_token"], **app.credentials()}
    return (
        lambda: command(troth, "user", "disable", person.username),
        lambda http: not http.post("/oauth/introspect", data=form).json()["active"],
    )


def token_revoked(troth: Troth) -> tuple[Callable[[], None], Known]:
    app = troth.client()
    tokens = app.tokens(troth.person())
    form = {"token": tokens["access_token"], **app.credentials()}

    def revoke() -> None:
        assert app.revoke(tokens["refresh_token"]).status_code == 200

    return revoke, lambda http: not http.post("/oauth/introspect", data=form).json()["active"]


def keys_rotated(troth: Troth) -> tuple[Callable[[], None], Known]:
    before = httpx2.get(f"{troth.issuer}/oauth/jwks", trust_env=False).json()
    return (
        lambda: command(troth, "keys", "rotate"),
        lambda http: http.get("/oauth/jwks").json() != before,
    )


def scope_added(troth: Troth) -> tuple[Callable[[], None], Known]:
    metadata = "/.well-known/oauth-authorization-server"
    return (
        lambda: command(troth, "scope", "add", "another", "--description", "See another"),
        lambda http: "another" in http.get(metadata).json()["scopes_supported"],
    )


@pytest.mark.parametrize(
    "change", [client_disabled, person_disabled, token_revoked, keys_rotated, scope_added]
)
def test_every_process_knows_within_a_second(
    pair: Troth, change: Callable[[Troth], tuple[Callable[[], None], Known]]
) -> None:
    assert outdated(pair, *change(pair)) <= PROMISED
