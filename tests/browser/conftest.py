"""A real Chromium, and somebody in front of it whom nothing complains about."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.availability import CHROMIUM, CHROMIUM_ARGS
from tests.browser.stage import Stage, stage

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for each file: its loop must not run beside that of other tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS])
        yield browser
        browser.close()


@pytest.fixture
def staged() -> Iterator[Callable[..., Stage]]:
    """Opens an origin, of 127.0.0.1 or another host."""
    with ExitStack() as stack:
        yield lambda host="127.0.0.1": stack.enter_context(stage(host))


@pytest.fixture
def sit_down(chromium: Browser, staged: object) -> Iterator[Callable[..., Page]]:
    """Opens a page in a browser of its own; no error and no refused content may be heard.

    What was `staged` is there until the pages are closed, which may still be loading an icon.
    """
    complaints: list[str] = []

    def hear(message: Any) -> None:
        if message.type in ("error", "warning") and " 400 " not in message.text:
            complaints.append(message.text)

    with ExitStack() as stack:

        def page(**kind: Any) -> Page:
            context = chromium.new_context(**{**DESKTOP, **kind})
            stack.callback(context.close)
            context.set_default_timeout(15_000)
            context.on("console", hear)
            context.on("weberror", lambda error: complaints.append(str(error.error)))
            return context.new_page()

        yield page
    assert complaints == []
