"""Refresh chains and time: idle, absolute ends, clocks that jump, restarts, long lives."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.attacks.test_refresh import family, forget_rotation
from tests.conftest import installed
from tests.engines import Engine
from tests.harness import OAuthClient, Person, Troth, together
from tests.oracles import refused
from tests.spec import spec


@spec("RFC 9700 §4.14.2")
def test_RT_20_an_idle_or_ended_chain_is_over(troth: Troth, ada: Person) -> None:
    app = troth.client(name="Canary Idle")
    idle, ended = app.tokens(ada), app.tokens(ada)
    count = "select count(*) from chain where client_id = ?"
    assert troth.rows(count, app.client_id) == [(2,)]
    idle_for = "update chain set rotated_at = rotated_at - 1209601 where client_id = ?"
    troth.execute(idle_for, app.client_id)
    assert refused(app.refresh(idle["refresh_token"]))
    # Ended just now: what ended long ago is deleted while other tests look at the table.
    now = int(time.time())
    over = "update chain set rotated_at = ?, expires_at = ? where client_id = ?"
    troth.execute(over, now, now - 1, app.client_id)
    assert refused(app.refresh(ended["refresh_token"]))


def test_RT_20_a_clock_that_went_back_revives_nothing_and_breaks_nothing(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    r0 = app.tokens(ada)
    r1 = app.refresh(r0["refresh_token"]).json()
    forget_rotation(troth, -5)  # rotated in what is now the future
    r2 = app.refresh(r1["refresh_token"])
    assert r2.status_code == 200
    assert r2.json()["expires_in"] == 3600
    retried = app.refresh(r1["refresh_token"])  # as after an answer by a host whose clock is ahead
    assert retried.json()["refresh_token"] == r2.json()["refresh_token"]
    forget_rotation(troth, -60)
    assert refused(app.refresh(r1["refresh_token"])), "a retry from before the jump is none"


def test_RT_21_a_chain_is_one_row_however_often_it_is_refreshed(troth: Troth, ada: Person) -> None:
    app = troth.client(name="Canary Long")
    tokens = app.tokens(ada)
    for _ in range(5):
        tokens = app.refresh(tokens["refresh_token"]).json()
    count = "select count(*), max(generation) from chain where client_id = ?"
    assert troth.rows(count, app.client_id) == [(1, 6)]
    app.revoke(tokens["refresh_token"])
    assert troth.rows(count, app.client_id) == [(1, 6)]
    assert family(app, tokens)


def test_FT_01_a_token_from_the_future_of_the_database_is_refused_and_ends_nothing(
    troth: Troth, ada: Person
) -> None:
    app = troth.client(name="Canary Rewound")
    r0 = app.tokens(ada)
    r1 = app.refresh(r0["refresh_token"]).json()
    troth.execute("update chain set generation = 1 where client_id = ?", app.client_id)
    before = troth.digest()
    assert refused(app.refresh(r1["refresh_token"]))
    assert troth.digest() == before
    assert app.refresh(r0["refresh_token"]).status_code == 200


def test_RT_02_a_retry_finds_its_successor_after_a_restart(tmp_path: Path, engine: Engine) -> None:
    troth = installed(engine.troth(tmp_path))
    try:
        app, person = troth.client(), troth.person()
        r0 = app.tokens(person)
        r1 = app.refresh(r0["refresh_token"]).json()
        troth.stop()
        troth.start()
        assert app.refresh(r0["refresh_token"]).json()["refresh_token"] == r1["refresh_token"]
    finally:
        troth.stop()


def test_RT_03_without_a_window_every_second_use_is_a_replay(
    tmp_path: Path, engine: Engine
) -> None:
    troth = installed(engine.troth(tmp_path, refresh_retry_window="0"))
    try:
        app, person = troth.client(), troth.person()
        r0 = app.tokens(person)
        r1 = app.refresh(r0["refresh_token"]).json()
        assert refused(app.refresh(r0["refresh_token"]))
        assert family(app, r1)
    finally:
        troth.stop()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    """Two workers, and no window in which a retry is forgiven."""
    server = installed(
        engine.troth(tmp_path_factory.mktemp("strict"), workers="2", refresh_retry_window="0")
    )
    yield server
    assert server.stop() == 0


@spec("RFC 6749 §10.4")
def test_CC_02_one_of_many_wins_a_strict_rotation_and_the_chain_ends(strict: Troth) -> None:
    app, person = strict.client(), strict.person()
    for _ in range(5):
        tokens = app.tokens(person)
        answers = together(8, partial(app.refresh, tokens["refresh_token"]))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, *[400] * 7]
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        assert family(app, won)


def test_CC_02_within_the_window_all_get_the_same_successor(app: OAuthClient, ada: Person) -> None:
    for _ in range(5):
        tokens = app.tokens(ada)
        answers = together(8, partial(app.refresh, tokens["refresh_token"]))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1


@pytest.mark.parametrize("how", ["revoke", "disable the person", "disable the client"])
def test_CC_04_nothing_is_active_after_revoking_beside_a_refresh(troth: Troth, how: str) -> None:
    app, person = troth.client(name="Canary Raced"), troth.person()
    tokens = app.tokens(person)

    def end(_: int) -> None:
        match how:
            case "revoke":
                app.revoke(tokens["refresh_token"])
            case "disable the person":
                troth.cli("user", "disable", person.username)
            case "disable the client":
                troth.cli("client", "disable", app.client_id)

    with ThreadPoolExecutor(9) as pool:
        refreshed = [pool.submit(app.refresh, tokens["refresh_token"]) for _ in range(4)]
        ending = pool.submit(end, 0)
        refreshed += [pool.submit(app.refresh, tokens["refresh_token"]) for _ in range(4)]
        ending.result()
        answers = [one.result() for one in refreshed]
    if how == "disable the client":
        troth.cli("client", "rotate-secret", app.client_id, "--yes")
        assert app.refresh(tokens["refresh_token"]).status_code == 401
        return
    for answer in answers:
        if answer.status_code == 200:
            assert family(app, answer.json())
    assert refused(app.refresh(tokens["refresh_token"]))


def test_the_database_holds_no_refresh_token(troth: Troth, app: OAuthClient, ada: Person) -> None:
    token = app.tokens(ada)["refresh_token"]
    dump = troth.dump()
    assert token not in dump
    assert token.removeprefix("troth_rt_") not in dump
