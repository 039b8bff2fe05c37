"""Races that cannot fail prove nothing: here the store breaks its word, and each finds it out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.faults.endings import end_beside_refreshes
from tests.faults.races import (
    Runner,
    crowd_of,
    redeem_codes,
    refresh_in_the_window,
    refresh_strictly,
)
from tests.harness import Troth

Race = Callable[[Runner], object]
_AT_ONCE, _ROUNDS = 8, 3


@contextmanager
def faithless(folder: Path, fault: str, **settings: str) -> Iterator[Runner]:
    troth = Troth(folder, code_lifetime="600", **settings)
    troth.cli("keys", "rotate")
    troth.command = ("-m", "tests.faults.faithless_server", fault)
    installed(troth)
    try:
        with crowd_of(troth, _AT_ONCE) as crowd:
            yield Runner(troth, crowd, scope="openid read_write extra")
    finally:
        troth.stop()


def found(race: Race, runner: Runner, what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        race(runner)


def test_a_code_that_two_may_redeem_is_found_out(tmp_path: Path) -> None:
    with faithless(tmp_path, "two redeem") as runner:
        found(partial(redeem_codes, rounds=_ROUNDS), runner, "8 winners")


def test_a_token_that_two_may_refresh_is_found_out(tmp_path: Path) -> None:
    with faithless(tmp_path, "two refresh", refresh_retry_window="0") as runner:
        found(partial(refresh_strictly, rounds=_ROUNDS), runner, "8 winners")


def test_a_leaf_that_does_not_live_is_found_out(tmp_path: Path) -> None:
    with faithless(tmp_path, "forgets rotations") as runner:
        found(partial(refresh_in_the_window, rounds=_ROUNDS), runner, "one step")


def test_an_end_that_was_forgotten_is_found_out(tmp_path: Path) -> None:
    with faithless(tmp_path, "forgets revocations") as runner:
        found(partial(redeem_codes, rounds=_ROUNDS), runner, "a replay did not end it")
        for kind in ("revoked", "logged out", "withdrawn", "client disabled"):
            race = partial(end_beside_refreshes, kind=kind, rounds=_ROUNDS)
            found(race, runner, f"{kind}: .* active")


def test_a_refresh_after_the_end_is_found_out(tmp_path: Path) -> None:
    """Also after a command, which has a store of its own: it ends the person last."""
    with faithless(tmp_path, "two refresh") as runner:
        for kind in ("revoked", "logged out", "withdrawn", "person disabled"):
            race = partial(end_beside_refreshes, kind=kind, rounds=_ROUNDS)
            found(race, runner, f"{kind}: a refresh token was refreshed")
