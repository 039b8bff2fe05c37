"""A request that waited for too long has an answer, in whatever moment it is given up."""

import asyncio
from pathlib import Path

from tests.inside import Inside
from troth.http import Cost, Response
from troth.intake import Arrival

ARRIVAL = Arrival("GET", "/oauth/userinfo", 15, b"", (), b"", "127.0.0.1")


async def test_who_is_given_up_before_its_first_step_is_answered(tmp_path: Path) -> None:
    """The loop stood still for longer than anybody has patience, as on a machine that slept."""
    inside = await Inside(tmp_path).open()
    app = inside.app

    async def waits(*_: object) -> Response:
        await asyncio.sleep(1000)
        raise AssertionError("unreachable")

    app._refused_or_answered = waits  # type: ignore[method-assign,assignment]
    assert app._admission.enter(Cost.DATABASE, 0)
    task = app._begin(ARRIVAL, None, Cost.DATABASE)
    assert isinstance(task, asyncio.Task)
    app._give_up(task)
    assert (await task).status == 503
    await asyncio.sleep(0)
    assert app._late == set()
    await inside.close()
