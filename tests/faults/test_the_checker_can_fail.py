"""A checker that finds nothing is worth nothing: here it has something to find."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.broken_server import FAULTS
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.history import RETRY_WINDOW, Call, History, problems
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


def test_what_nobody_knows_is_no_problem_and_what_was_told_is() -> None:
    def call(at: int, what, status: int | None, presented: str = "r0", given: str = "") -> Call:
        times = {"began": at, "ended": at}
        return Call(what=what, grant="g", presented=presented, status=status, given=given, **times)

    redeemed = call(0, "redeem", 200, "c", "r0")
    assert problems([redeemed, call(1, "refresh", None), call(2, "refresh", 200)]) == []
    assert problems([redeemed, call(1, "revoke", 200), call(2, "refresh", 400)]) == []
    assert problems([redeemed, call(1, "redeem", 400, "c"), call(2, "refresh", 400)]) == []
    assert problems([redeemed, call(1, "refresh", 400)]) == [
        "g: lost: its newest refresh token was refused"
    ]
    doubtful = replace(call(1, "refresh", None), presented="r0")
    late = replace(call(2, "refresh", 400), told_at=RETRY_WINDOW + 1.0)
    assert problems([redeemed, doubtful, late]) == [], "no longer a retry"
    assert problems([redeemed, doubtful, replace(late, told_at=RETRY_WINDOW - 1.0)]) != []
    assert problems([redeemed, late]) != [], "nothing was in doubt"
    forked = [call(1, "refresh", 200, given="r1"), call(2, "refresh", 200, given="x1")]
    assert problems(forked) == ["g: forked: one refresh token has two successors"]
