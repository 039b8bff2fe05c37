"""What operators do, and what machines do to them, while people and clients go on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines import Engine
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.figures import note, short_or_long
from tests.faults.history import History, problems
from tests.harness import Plain, Troth


def test_R16_signing_and_sealing_keys_replaced_at_once_under_load_lose_nothing(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    troth = running(engine.troth(tmp_path, workers="2", **LIVES))
    history = History()
    client = troth.client("--grant-type", "client_credentials", name="Canary Machine")
    form = {"grant_type": "client_credentials", "scope": "read_write", **client.credentials()}
    rotations, issued = short_or_long(2, 30), []
    with at_work(
        applications(troth, history, number=3, codes=10, longest=short_or_long(100, 5000))
    ):
        for number in range(rotations):
            issued.append(client.post("/oauth/token", form).json()["access_token"])
            use = ("--now",) if number % 2 else ("--use", "seal")
            troth.cli("keys", "rotate", *use)
    assert all(client.active(token) for token in issued)
    assert problems(history.calls) == []
    assert {call.status for call in history.calls} <= {200, 400}
    assert troth.stop() == 0
    note(f"R16 rotations, {engine.variant}", rotations=rotations, failed=0)


STEPS = ["-3600", "+315360000", "+3600", "-315360000"]


@pytest.mark.parametrize("step", STEPS[: short_or_long(1, 4)])
def test_R17_a_clock_that_steps_revives_nothing_and_crashes_nothing(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine, step: str
) -> None:
    """A second server on the same database whose clock is wrong by hours or years."""
    troth = running(engine.troth(tmp_path))
    client, person = troth.client(), troth.person()
    kept, revoked = client.tokens(person), client.tokens(person)
    client.revoke(revoked["refresh_token"])
    troth.stop()
    troth.command = ("-m", "tests.faults.wrong_clock", step)
    troth.start()
    with Plain(troth) as http:
        form = {"grant_type": "refresh_token", **client.credentials()}
        dead = http.post("/oauth/token", form | {"refresh_token": revoked["refresh_token"]})
        assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
        first = http.post("/oauth/token", form | {"refresh_token": kept["refresh_token"]})
        assert first.status_code == (400 if step == "+315360000" else 200)
        if first.status_code == 200:
            token = first.json()
            assert token["expires_in"] == 3600
    troth.stop()
    troth.command = ("-m", "troth", "serve")
    troth.start()
    assert client.refresh(revoked["refresh_token"]).status_code == 400
    newest = first.json()["refresh_token"] if first.status_code == 200 else kept["refresh_token"]
    assert client.refresh(newest).status_code == 200, "the clock is right again, and so is all else"
    assert troth.stop() == 0
