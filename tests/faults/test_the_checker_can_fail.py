"""A checker that finds nothing is worth nothing: here it has something to find."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.broken_server import FAULTS
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.history import History, problems
from tests.harness import Troth

FOUND = dict(zip(FAULTS, ("lost", "revived", "doubled"), strict=True))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_store_that_breaks_its_word_is_found_out(
    tmp_path: Path, running: Callable[[Troth], Troth], fault: str
) -> None:
    troth = running(Troth(tmp_path, **LIVES))
    history = History()
    them = applications(troth, history, number=4, codes=10)
    troth.stop()
    troth.command = ("-m", "tests.faults.broken_server", fault)
    troth.start()
    try:
        with at_work(them, until_done=True):
            pass
    finally:
        troth.stop()
    assert any(FOUND[fault] in problem for problem in problems(history.calls))
