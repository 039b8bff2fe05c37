"""A checker that finds nothing is worth nothing: here it has something to find."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.broken_server import FAULTS
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.history import History, problems
from tests.harness import Troth

FOUND = dict(zip(FAULTS, ("lost", "lost", "revived", "doubled"), strict=True))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_store_that_breaks_its_word_is_found_out(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine, fault: str
) -> None:
    troth = engine.troth(tmp_path, workers="2", **LIVES)
    troth.command = ("-m", "tests.faults.broken_server", fault)
    running(troth)
    history = History()
    with at_work(applications(troth, history, number=4, codes=10), until_done=True):
        pass
    assert any(FOUND[fault] in problem for problem in problems(history.calls))
    assert troth.stop() == 0


SET_BACK = {
    "update chain set revoked_at = 1": "lost",
    "update chain set generation = generation - 1": "lost",
    "update chain set revoked_at = null": "revived",
    "delete from chain": "doubled",
}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    server = installed(engine.troth(tmp_path_factory.mktemp("spoilt"), **LIVES))
    yield server
    assert server.stop() == 0


@pytest.mark.parametrize("sql", SET_BACK)
def test_what_is_broken_when_all_are_done_is_found_by_their_last_look(
    spoilt: Troth, sql: str
) -> None:
    history = History()
    them = applications(spoilt, history, number=4)
    with at_work(them):
        deadline = time.monotonic() + 60
        while history.done("revoke") < 4 and time.monotonic() < deadline:
            time.sleep(0.01)
        for one in them:
            one.enough.set()
        spoilt.execute(sql)
    assert any(SET_BACK[sql] in problem for problem in problems(history.calls))
