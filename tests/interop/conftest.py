"""The browser of tests/browser, for libraries that run in one."""

from tests.browser.conftest import chromium as chromium  # noqa: PLC0414
from tests.browser.conftest import sit_down as sit_down  # noqa: PLC0414
