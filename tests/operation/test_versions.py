"""What newer Pythons than the floor are stricter about; tried on every one."""

import asyncio
import inspect

from troth.patience import begin


async def test_an_answer_that_waits_is_a_coroutine_and_no_generator() -> None:
    """Since Python 3.12 no generator may be a task."""

    async def work() -> str:
        await asyncio.sleep(0)
        return "done"

    task = begin(work())
    assert isinstance(task, asyncio.Task)
    assert inspect.iscoroutine(task.get_coro())
    assert await task == "done"
