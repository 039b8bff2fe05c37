"""How often a lone request waits for the database: counted at the engine, through the whole app."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.inside import READ, REDIRECT_URI, Inside, a_person, an_app
from troth.model.change import Change, Outcome
from troth.store.engine import Engine, Step
from troth.store.rows import Row
from troth.store.sql_store import SQLStore

WRITTEN_BEHIND = {"audit", "put_trace", "next_slot"}


class Counting:
    """An engine that writes down every wait for the database.

    The revision is no wait: PostgreSQL tells it, and SQLite reads it in line in microseconds.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.waits: list[str] = []

    @property
    def current(self) -> bool:
        return self._engine.current

    async def revision(self) -> int:
        return await self._engine.revision()

    async def row(self, name: str, values: Mapping[str, Any]) -> Row | None:
        self.waits.append(name)
        return await self._engine.row(name, values)

    async def rows(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        self.waits.append(name)
        return await self._engine.rows(name, values)

    async def taken(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        self.waits.append(name)
        return await self._engine.taken(name, values)

    async def commit(self, change: Change, steps: Sequence[Step]) -> Outcome:
        self.waits.append("commit")
        return await self._engine.commit(change, steps)

    async def run(self, steps: Sequence[Step]) -> int:
        if not {name for name, _ in steps} <= WRITTEN_BEHIND:
            self.waits.append("run")
        return await self._engine.run(steps)

    async def close(self) -> None:
        await self._engine.close()


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    inside = await Inside(tmp_path).open()
    opaque = an_app("opaque", access_token_format="opaque")
    app = an_app("app", scope=("read", "openid", "email", "profile"))
    await inside.put(READ, a_person("ada"), app, opaque)
    yield inside
    await inside.close()


@pytest.fixture
async def counting(inside: Inside) -> Counting:
    """Warm: somebody was here, and the process has read the catalog and the clients."""
    store = inside.op.store
    assert isinstance(store, SQLStore)
    counting = Counting(store._engine)
    store._engine = counting
    for client_id in ("app", "opaque"):
        await inside.authorize(client_id, "ada")
    counting.waits.clear()
    return counting


async def tokens(inside: Inside, client_id: str = "app") -> dict[str, str]:
    code = await inside.authorize(client_id, "ada")
    answer = await inside.token(client_id, grant_type="authorization_code", code=code)
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


async def test_client_credentials_wait_for_nothing(inside: Inside, counting: Counting) -> None:
    answer = await inside.token("app", grant_type="client_credentials", scope="read")
    assert answer.status_code == 200
    assert counting.waits == []


async def test_a_code_waits_once(inside: Inside, counting: Counting) -> None:
    code = await inside.authorize("app", "ada")
    counting.waits.clear()
    answer = await inside.token("app", grant_type="authorization_code", code=code)
    assert answer.status_code == 200
    assert counting.waits == ["commit"]


async def test_a_refresh_waits_once(inside: Inside, counting: Counting) -> None:
    token = (await tokens(inside))["refresh_token"]
    counting.waits.clear()
    answer = await inside.token("app", grant_type="refresh_token", refresh_token=token)
    assert answer.status_code == 200
    assert counting.waits == ["commit"]
    again = await inside.token("app", grant_type="refresh_token", refresh_token=token)
    assert again.status_code == 200
    assert counting.waits == ["commit"] * 2, "a lost answer asked for again costs no more"


@pytest.mark.parametrize("client_id", ["app", "opaque"])
async def test_introspection_waits_once(inside: Inside, counting: Counting, client_id: str) -> None:
    token = (await tokens(inside, client_id))["access_token"]
    counting.waits.clear()
    assert await inside.active(client_id, token)
    assert counting.waits == ["chain"]


async def test_a_code_of_openid_connect_and_its_refresh_wait_once(
    inside: Inside, counting: Counting
) -> None:
    asked = {"redirect_uri": REDIRECT_URI, "scope": "openid email", "nonce": "n"}
    code = await inside.authorize("app", "ada", **asked)
    counting.waits.clear()
    redeem = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code": code}
    answer = await inside.token("app", **redeem)
    assert "id_token" in answer.json()
    token = answer.json()["refresh_token"]
    refreshed = await inside.token("app", grant_type="refresh_token", refresh_token=token)
    assert "id_token" in refreshed.json()
    assert counting.waits == ["commit", "commit"]


async def test_userinfo_waits_once(inside: Inside, counting: Counting) -> None:
    asked = {"redirect_uri": REDIRECT_URI, "scope": "openid email"}
    code = await inside.authorize("app", "ada", **asked)
    redeem = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code": code}
    answer = await inside.token("app", **redeem)
    counting.waits.clear()
    bearer = {"access_token": answer.json()["access_token"]}
    assert (await inside.post("/oauth/userinfo", bearer)).status_code == 200
    assert counting.waits == ["chain_with_person"]


async def test_introspection_of_a_clients_own_token_waits_once(
    inside: Inside, counting: Counting
) -> None:
    answer = await inside.token("app", grant_type="client_credentials", scope="read")
    assert await inside.active("app", answer.json()["access_token"])
    assert counting.waits == ["spent"]


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
async def test_revocation_waits_once(inside: Inside, counting: Counting, which: str) -> None:
    token = (await tokens(inside))[which]
    counting.waits.clear()
    assert (await inside.machine("/oauth/revoke", "app", token=token)).status_code == 200
    assert counting.waits == ["commit"]


async def test_authorize_for_who_is_logged_in_and_consented_waits_at_most_twice(
    inside: Inside, counting: Counting
) -> None:
    answer = await inside.get(
        "/oauth/authorize", "ada", response_type="code", client_id="app", scope="read"
    )
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}?code=")
    assert sorted(counting.waits) == ["authorization", "session"]


@pytest.mark.parametrize("path", ["/oauth/jwks", "/.well-known/oauth-authorization-server"])
async def test_what_is_the_same_for_all_waits_for_nothing(
    inside: Inside, counting: Counting, path: str
) -> None:
    assert (await inside.get(path)).status_code == 200
    assert counting.waits == []


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "authorization_code", "code": "troth_ac_garbage"},
        {"grant_type": "refresh_token", "refresh_token": "troth_rt_garbage"},
    ],
)
async def test_garbage_waits_for_nothing(
    inside: Inside, counting: Counting, form: dict[str, str]
) -> None:
    refused = await inside.token("app", **form)
    assert refused.json()["error"] == "invalid_grant"
    assert not await inside.active("app", "troth_at_garbage")
    assert counting.waits == []


async def test_many_at_once_wait_no_more_than_each_alone(
    inside: Inside, counting: Counting
) -> None:
    codes = [await inside.authorize("app", "ada") for _ in range(10)]
    counting.waits.clear()
    asked = (inside.token("app", grant_type="authorization_code", code=code) for code in codes)
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    assert counting.waits == ["commit"] * 10
