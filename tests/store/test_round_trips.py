"""What a lone request says to PostgreSQL: each statement is a round trip, and all are counted."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.inside import READ, REDIRECT_URI, Inside, a_person, an_app
from tests.postgres import Cluster
from troth.settings import Settings
from troth.store import notes
from troth.store.open import migrated

# Statements of a warm process. What is written behind comes on top, many requests at once.
BUDGET = {
    "client_credentials": 0,
    "code": 1,
    "refresh": 1,
    "introspection": 1,
    "introspection, opaque": 1,
    "userinfo": 1,
    "revocation": 1,
    "authorize": 2,
    "key set": 0,
}


class Said:
    """The statements of the pool's connections, in their order."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    async def listen(self, connection: asyncpg.Connection) -> None:
        connection.add_query_logger(self._hear)

    def _hear(self, record: Any) -> None:
        self.statements.append(" ".join(record.query.split()))

    async def by(self, inside: Inside) -> list[str]:
        """What was said since it was last asked; what is to be written behind is, and not told."""
        said = list(self.statements)
        await inside.op.store._notes.flush()  # type: ignore[attr-defined]
        self.statements = []
        return said


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Said:
    heard, create = Said(), asyncpg.create_pool

    def listening(*words: Any, **kind: Any) -> Any:
        return create(*words, init=heard.listen, **kind)

    monkeypatch.setattr(asyncpg, "create_pool", listening)
    monkeypatch.setattr(notes, "_PAUSE", 3600)  # only where the test says so
    return heard


@pytest.fixture
async def inside(tmp_path: Path, cluster: Cluster, said: Said) -> AsyncIterator[Inside]:
    database = await asyncio.to_thread(cluster.database)
    await migrated(Settings(database=database))
    inside = await Inside(tmp_path, database=database).open()
    app = an_app("app", scope=("read", "openid"))
    opaque = an_app("opaque", access_token_format="opaque")
    await inside.put(READ, a_person("ada"), app, opaque)
    yield inside
    await inside.close()


async def ask(inside: Inside, what: str, said: Said) -> list[str]:
    """Statements of one request."""
    client_id = "opaque" if what.endswith("opaque") else "app"
    scope = "read openid" if what == "userinfo" else "read"
    code = await inside.authorize(client_id, "ada", scope=scope, redirect_uri=REDIRECT_URI)
    redeem = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code": code}
    if what in ("authorize", "code", "key set", "client_credentials"):
        token = bearer = ""
    else:
        found = (await inside.token(client_id, **redeem)).json()
        token, bearer = found["refresh_token"], found["access_token"]
    await said.by(inside)
    match what:
        case "authorize":
            await inside.authorize("app", "ada")
        case "code":
            assert (await inside.token("app", **redeem)).status_code == 200
        case "key set":
            assert (await inside.get("/oauth/jwks")).status_code == 200
        case "client_credentials":
            await inside.token("app", grant_type="client_credentials")
        case "refresh":
            await inside.token("app", grant_type="refresh_token", refresh_token=token)
        case "introspection" | "introspection, opaque":
            assert await inside.active(client_id, bearer)
        case "userinfo":
            answer = await inside.post("/oauth/userinfo", {"access_token": bearer})
            assert answer.json()["sub"] == "sub-ada"
        case "revocation":
            await inside.machine("/oauth/revoke", "app", token=token)
    return await said.by(inside)


@pytest.mark.parametrize("what", BUDGET)
async def test_a_request_says_no_more_than_its_budget(
    inside: Inside, said: Said, what: str
) -> None:
    """A cold process says more, and so does one that was held up and has to look for changes."""
    statements = min([await ask(inside, what, said) for _ in range(4)], key=len)
    assert len(statements) <= BUDGET[what], statements


async def test_what_many_ask_at_once_is_read_together_and_each_has_its_own_answer(
    inside: Inside, said: Said
) -> None:
    """What is in use at the same time: the first goes alone, what comes meanwhile goes as one."""
    names = ["ada", "bob", "eve"]
    await inside.put(a_person("bob"), a_person("eve"))
    for name in names[:2]:
        await inside.authorize("app", name)
    store = inside.op.store
    await said.by(inside)
    asked = [(name, client) for name in names for client in ("app", "none")] * 8
    found = await asyncio.gather(*(store.authorization(f"sub-{n}", c) for n, c in asked))
    approved = [None if one is None else (one.sub[4:], one.client_id) for one in found]
    assert approved == [
        pair if pair in {("ada", "app"), ("bob", "app")} else None for pair in asked
    ]
    assert len(await said.by(inside)) <= 2
    secrets = {name: dict(inside.browser(name).cookies)["troth-session"] for name in names[:2]}
    digests = {name: sha256(secret.encode()).hexdigest() for name, secret in secrets.items()}
    turns = [*names, "ada"] * 8
    sessions = await asyncio.gather(*(store.session(digests.get(name, "0")) for name in turns))
    people = [None if one is None else one[1].username for one in sessions]
    assert people == [name if name in digests else None for name in turns]
    assert len(await said.by(inside)) <= 2
