"""The management listener: health and metrics, on an address of its own."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from troth.app import App

Message = MutableMapping[str, Any]


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
            ready = app.op is not None and await app.op.store.ready()
            return (200, plain, b"ready\n") if ready else (503, plain, b"not ready\n")
        case "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(_registry())
    return 404, plain, b"not found\n"


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
