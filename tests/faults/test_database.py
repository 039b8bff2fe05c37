"""A database that is stopped, killed, silent or gone in COMMIT (R11, FT-05, FT-08)."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from tests.faults.clients import LIVES, applications, at_work
from tests.faults.everyone import Everyone
from tests.faults.figures import note, short_or_long
from tests.faults.history import History, problems
from tests.faults.proxy import Proxy
from tests.harness import Troth
from tests.postgres import Cluster

RECOVERED = short_or_long(40.0, 5.0)  # seconds
# The first loss of each kind in a long run, in seconds; all others are as short as one can ask.
LASTING = short_or_long(0.0, 30.0)


Loss = Literal["stopped", "killed", "dead wire", "refused", "frozen"]


def lose(loss: Loss, database: Cluster, proxy: Proxy) -> None:
    match loss:
        case "stopped":
            database.stop()
        case "killed":
            database.kill()
        case "dead wire":
            proxy.mode = "dead"
        case "refused":
            proxy.mode = "refused"
            proxy.cut()
        case "frozen":
            database.freeze()


def give_back(loss: Loss, database: Cluster, proxy: Proxy) -> None:
    proxy.mode = "open"
    if loss in ("stopped", "killed"):
        database.start()
    elif loss == "frozen":
        database.thaw()


@pytest.fixture
def everyone(wired: Troth) -> Iterator[Everyone]:
    made = Everyone(wired)
    yield made
    made.close()


@pytest.mark.parametrize("loss", ["stopped", "killed", "dead wire", "refused", "frozen"])
def test_R11_FT_05_a_lost_database_is_a_503_and_comes_back_by_itself(
    everyone: Everyone, database: Cluster, proxy: Proxy, loss: Loss
) -> None:
    for number in range(short_or_long(1, 20)):
        everyone.until_back(RECOVERED)  # what was asked last is remembered by every process
        lose(loss, database, proxy)
        lost_at = time.monotonic()
        try:
            # The first is asked while what was read last is still believed, the second is not.
            everyone.all_are_told_to_come_again()
            everyone.all_are_told_to_come_again()
            while number == 0 and time.monotonic() < lost_at + LASTING:
                everyone.all_are_told_to_come_again()
            lasted = time.monotonic() - lost_at
        finally:
            give_back(loss, database, proxy)
        note(
            f"R11 database {loss}",
            lost_for_seconds=round(lasted, 1),
            answered_after_seconds=round(everyone.longest, 2),
            back_after_seconds=round(everyone.until_back(RECOVERED), 2),
        )


def cut_in_commit(troth: Troth, proxy: Proxy, *, leave_in_doubt: bool) -> History:
    """Applications at work while answers to their commits are lost, and maybe their own too."""
    history = History()
    # Enough to do until the last cut: who has ended waits for none.
    them = applications(troth, history, number=6, codes=short_or_long(10, 150), longest=60)
    with at_work(them):
        for number in range(short_or_long(6, 100)):
            time.sleep(0.2)
            cuts, unknown = proxy.cuts, history.unknown
            proxy.mode = "cut at commit"
            until = time.monotonic() + short_or_long(30, 5)
            told = number % 2 or not leave_in_doubt
            while time.monotonic() < until:
                if proxy.cuts > cuts and (told or history.unknown > unknown):
                    break
                time.sleep(0.001)
            proxy.mode = "open"
        time.sleep(0.3)
    return history


def test_FT_08_an_answer_lost_in_commit_doubles_nothing_and_revokes_nothing(
    wired: Troth, proxy: Proxy
) -> None:
    before = proxy.cuts
    history = cut_in_commit(wired, proxy, leave_in_doubt=True)
    cuts = proxy.cuts - before
    assert cuts >= 6, "nothing was cut: the test saw nothing"
    assert problems(history.calls) == []
    assert history.unknown, "nobody was left in doubt: the test saw nothing"
    note("FT-08 cut in COMMIT", cuts=cuts, calls=len(history.calls), broken_promises=0)


def test_FT_08_where_no_retry_is_allowed_a_lost_commit_still_is_no_replay(
    running: Callable[[Troth], Troth], tmp_path: Path, database: Cluster, proxy: Proxy
) -> None:
    """Who was given an answer each time, and never asked twice, is never told of a replay."""
    address = proxy.address(database.database())
    lives = {**LIVES, "refresh_retry_window": "0"}
    strict = running(Troth(tmp_path, workers="2", **lives, database=address))
    before = proxy.cuts
    history = cut_in_commit(strict, proxy, leave_in_doubt=False)
    assert proxy.cuts - before >= 6, "nothing was cut: the test saw nothing"
    assert problems(history.calls, retry_window=0) == []
