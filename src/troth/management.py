"""The management listener: health and metrics, on an address of its own."""

import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from troth.app import App

Message = MutableMapping[str, Any]
# A healthy database answers a hundred times as fast.
_SLOW_SECONDS: Final = 0.1


def management_app(app: App) -> Any:
    """`/health/live`, `/health/ready` and `/metrics`, the latter summed over the workers."""

    async def management(
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        status, kind, body = await _answer(scope["method"], scope["path"], app)
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return management


async def _answer(method: str, path: str, app: App) -> tuple[int, str, bytes]:
    plain = "text/plain; charset=utf-8"
    if method not in ("GET", "HEAD"):
        return 405, plain, b"method not allowed\n"
    match path:
        case "/health/live":
            return 200, plain, b"live\n"
        case "/health/ready":
            status, said = await _readiness(app)
            return status, plain, said
        case "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(_registry())
    return 404, plain, b"not found\n"


async def _readiness(app: App) -> tuple[int, bytes]:
    """Whether requests are answered; a slow database is named before it is a lost one.

    Degraded is 200: to send everybody elsewhere helps nobody who would wait for the same database.
    """
    began = time.monotonic()
    if app.op is None or not await app.op.store.ready():
        return 503, b"not ready: the database does not answer\n"
    seconds = time.monotonic() - began
    if seconds > _SLOW_SECONDS:
        return 200, f"degraded: the database took {seconds:.2f} s\n".encode()
    return 200, b"ready\n"


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
