"""Keys that change under load, and clocks that are wrong or jump (R16, R17, FT-12, FT-14)."""

import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.figures import note, short_or_long
from tests.harness import Troth
from tests.inside import READ, Inside, a_person, an_app
from troth.settings import Settings
from troth.store.open import migrated

# A day of lead before a key signs, and an hour in which an API keeps the key set: in seconds.
LEAD = 3
CACHED = 1.0


@pytest.fixture
def troth(tmp_path: Path, engine: Engine) -> Iterator[Troth]:
    server = installed(engine.troth(tmp_path, workers="2", key_publish_lead=str(LEAD)))
    yield server
    assert server.stop() == 0


class Api:
    """Verifies tokens with a key set that it keeps for a while, and asks for it no sooner."""

    def __init__(self, troth: Troth, http: httpx2.Client) -> None:
        self._http = http
        self._keys = self._ask()
        self.failures: list[str] = []
        self.kids: set[str] = set()

    def _ask(self) -> KeySet:
        self._asked_at = time.monotonic()
        return KeySet.import_key_set(self._http.get("/oauth/jwks").json())

    def verify(self, token: str) -> None:
        if time.monotonic() >= self._asked_at + CACHED:
            self._keys = self._ask()
        try:
            found = jwt.decode(token, self._keys, algorithms=["ES256"])
        except (JoseError, ValueError) as error:
            self.failures.append(repr(error))
        else:
            self.kids.add(found.header["kid"])


def test_R16_FT_14_an_api_that_keeps_the_key_set_verifies_every_token(
    troth: Troth, engine: Engine
) -> None:
    app = troth.client("--grant-type", "client_credentials")
    form = {"grant_type": "client_credentials", **app.credentials()}
    rotations = short_or_long(2, 30)
    with (
        httpx2.Client(base_url=troth.issuer, timeout=20, trust_env=False) as http,
        ThreadPoolExecutor(1) as operator,
    ):
        api, tokens = Api(troth, http), []
        rotating = operator.submit(_rotate, troth, rotations)
        settled = float("inf")
        while time.monotonic() < settled:
            answered = http.post("/oauth/token", data=form)
            assert answered.status_code == 200, answered.text
            tokens.append(answered.json()["access_token"])
            api.verify(tokens[-1])
            time.sleep(short_or_long(0.005, 0.0))
            if rotating.done() and settled == float("inf"):
                rotating.result()
                settled = time.monotonic() + LEAD + 1.0
        verified = len(tokens)
        for token in tokens[:: max(1, verified // 500)]:
            api.verify(token)
    assert api.failures == []
    assert len(api.kids) >= 2, "no other key took over: the test saw nothing"
    figures = {"rotations": rotations, "keys_that_signed": len(api.kids)}
    note(f"R16 key rotation, {engine.variant}", **figures, verified=verified, failures=0)


def _rotate(troth: Troth, times: int) -> None:
    for _ in range(times):
        troth.cli("keys", "rotate")
        time.sleep(short_or_long(0, 9))


@pytest.fixture
async def nodes(tmp_path: Path, engine: Engine) -> AsyncIterator[tuple[Inside, Inside]]:
    """Two servers on one database, each with a clock of its own."""
    kind: dict[str, Any] = {}
    if engine.variant == "on PostgreSQL":
        kind = {"database": engine.new_database()}
        await migrated(Settings(**kind))
    one, two = [await Inside(tmp_path, **kind).open() for _ in range(2)]
    two.now = one.now
    await one.put(READ, a_person("ada"), an_app("app"))
    yield one, two
    await one.close()
    await two.close()


async def tokens_of(inside: Inside, code: str) -> Any:
    answered = await inside.token("app", grant_type="authorization_code", code=code)
    assert answered.status_code == 200, answered.text
    return answered.json()


async def refresh(inside: Inside, token: str) -> httpx2.Response:
    return await inside.token("app", grant_type="refresh_token", refresh_token=token)


@pytest.mark.parametrize("apart", [-5, 5])
async def test_R17_FT_12_two_nodes_whose_clocks_are_apart_work_together(
    nodes: tuple[Inside, Inside], apart: int
) -> None:
    one, two = nodes
    two.now += apart
    for _ in range(short_or_long(3, 100)):
        code = await one.authorize("app", "ada")
        found = await tokens_of(two, code)
        assert await one.active("app", found["access_token"])
        for inside in (one, two, one, two):
            answered = await refresh(inside, found["refresh_token"])
            assert answered.status_code == 200, answered.text
            found = answered.json()
            for other in nodes:
                assert await other.active("app", found["access_token"])
        await one.machine("/oauth/revoke", "app", token=found["refresh_token"])
        assert not await two.active("app", found["access_token"])
        assert (await refresh(two, found["refresh_token"])).status_code == 400


HOUR, YEARS = 3600, 10 * 366 * 86400


@pytest.mark.parametrize("step", [-HOUR, HOUR, -YEARS, YEARS])
async def test_R17_FT_12_a_step_of_the_clock_revives_nothing_and_its_end_mends_all(
    nodes: tuple[Inside, Inside], step: int
) -> None:
    one, two = nodes
    spent = await one.authorize("app", "ada")
    revoked = await tokens_of(one, spent)
    await one.machine("/oauth/revoke", "app", token=revoked["refresh_token"])
    kept = await tokens_of(one, await one.authorize("app", "ada"))
    for shift in (step, -step):
        one.now += shift
        for inside in nodes:
            assert (await refresh(inside, revoked["refresh_token"])).status_code == 400
            again = await inside.token("app", grant_type="authorization_code", code=spent)
            assert again.status_code == 400
            assert not await inside.active("app", revoked["access_token"])
            assert (await inside.get("/oauth/jwks")).json()["keys"]
    assert await two.active("app", kept["access_token"])
    assert (await refresh(one, kept["refresh_token"])).status_code == 200
