"""The tuple of pages that routes are derived from."""

from typing import Protocol

from troth.browser import account, consent, home, login, logout, register, select
from troth.http import Cost, Request, Response
from troth.op import Op
from troth.settings import Settings


class Page(Protocol):
    """What a page's module provides."""

    methods: tuple[str, ...]
    cost: Cost

    def paths(self, settings: Settings, /) -> tuple[str, ...]: ...

    async def handle(self, request: Request, op: Op, /) -> Response: ...


PAGES: tuple[Page, ...] = (home, login, register, select, consent, account, logout)
