"""Many at once for one code or token, on two processes: exactly one outcome (R3, R4, R5)."""

import json
from collections.abc import Iterator

import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.endings import end_beside_refreshes
from tests.faults.figures import note, short_or_long
from tests.faults.races import (
    TWO_PROCESSES,
    Crowd,
    Runner,
    crowd_of,
    redeem_codes,
    refresh_in_the_window,
    refresh_strictly,
)
from tests.harness import Troth

# As many as R3 and R4 say; a short run is over in a second.
REDEEMING, REFRESHING = short_or_long(16, 64), short_or_long(16, 32)
ROUNDS = short_or_long(5, 500)
# A thousand of them together.
ENDED = {
    "revoked": short_or_long(3, 250),
    "logged out": short_or_long(2, 250),
    "withdrawn": short_or_long(2, 250),
    "person disabled": short_or_long(1, 125),
    "client disabled": short_or_long(1, 125),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    server = installed(engine.troth(tmp_path_factory.mktemp("pair"), **TWO_PROCESSES))
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    """No window in which a retry is forgiven."""
    folder = tmp_path_factory.mktemp("strict")
    server = installed(engine.troth(folder, **TWO_PROCESSES, refresh_retry_window="0"))
    yield server
    assert server.stop() == 0


@pytest.fixture
def crowd(pair: Troth) -> Iterator[Crowd]:
    with crowd_of(pair, REFRESHING) as made:
        yield made


def test_R3_CC_01_one_of_many_redeems_a_code(pair: Troth, engine: Engine) -> None:
    with crowd_of(pair, REDEEMING) as crowd:
        figures = redeem_codes(Runner(pair, crowd), ROUNDS)
    name = f"R3 one code, {REDEEMING} at once, {engine.variant}"
    note(name, **figures, told_503=crowd.told[503])


def test_R3_CC_01_one_of_many_redeems_a_code_that_waits_at_the_server(
    pair: Troth, engine: Engine
) -> None:
    """What is too long to travel is a row; what it starts is the same chain."""
    with crowd_of(pair, REDEEMING) as crowd:
        runner = Runner(pair, crowd, scope="openid")
        wishes = {f"name#{n}{'x' * 60}": None for n in range(6)}
        claims = json.dumps({"userinfo": wishes})
        asked = {"scope": "openid", "nonce": "n" * 500, "claims": claims}
        assert runner.code(**asked).startswith("troth_al_")
        figures = redeem_codes(runner, short_or_long(2, 100), **asked)
    note(f"R3 one kept code, {REDEEMING} at once, {engine.variant}", **figures)


def test_R4_CC_02_one_of_many_refreshes_where_retries_are_not_forgiven(
    strict: Troth, engine: Engine
) -> None:
    with crowd_of(strict, REFRESHING) as crowd:
        figures = refresh_strictly(Runner(strict, crowd), ROUNDS)
    name = f"R4 one token without a retry window, {REFRESHING} at once, {engine.variant}"
    note(name, **figures, told_503=crowd.told[503])


def test_R4_many_refresh_one_token_and_one_leaf_lives(
    crowd: Crowd, pair: Troth, engine: Engine
) -> None:
    figures = refresh_in_the_window(Runner(pair, crowd), ROUNDS)
    name = f"R4 one token, {REFRESHING} at once, {engine.variant}"
    note(name, **figures, told_503=crowd.told[503])


@pytest.mark.parametrize("kind", ENDED)
def test_R5_CC_04_nothing_lives_after_an_end_beside_a_refresh(
    pair: Troth, crowd: Crowd, engine: Engine, kind: str
) -> None:
    runner = Runner(pair, crowd, scope="openid read_write extra")
    figures = end_beside_refreshes(runner, kind, ENDED[kind])
    note(f"R5 {kind} beside a refresh, {engine.variant}", **figures)
