"""Structured events, one line of JSON each, on standard error. Never a secret in them.

Fields are chosen at the call: there is no place where a whole request or form is logged.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import structlog

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Secret:
    """A value that cannot be printed, logged or formatted; `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


class _Foreign(logging.Handler):
    """What libraries log becomes an event: its message, never a traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        message = record.getMessage()[:300] if not kind else ""
        logger().warning("library", name=record.name, message=message, kind=kind)


def _render(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> bytes:
    """ASCII only: a terminal or a line splitter sees no control character and no other newline."""
    try:
        line = msgspec.json.encode(event, enc_hook=repr)
    except UnicodeEncodeError:  # half a character: JSON can name it, UTF-8 cannot
        return json.dumps(event, default=repr).encode()
    return line if line.isascii() else json.dumps(msgspec.json.decode(line)).encode()


def configure(level: str) -> None:
    """Log to standard error from `level` on: called once by each process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logger.cache_clear()
    _AUDIT.wanted = _LEVELS[level] <= _LEVELS["info"]
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)


@lru_cache(maxsize=1)  # to look it up at each line costs as much as to write the line
def logger() -> Any:
    """The event logger: `logger().info("token.issued", client_id=…)`."""
    return structlog.get_logger()


class _Lines:
    """Lines of one turn of the loop, written together at its end."""

    def __init__(self) -> None:
        self.wanted = False
        self._second, self._until_then = 0, ""
        self._waiting: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, line: bytes) -> None:
        # To ask for the loop is a call of the system: once for a turn.
        if not self._waiting or self._loop is None or self._loop.is_closed():
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._write)
        self._waiting.append(line)

    def stamp(self) -> str:
        """Now, as other lines say it; what changes once a second is kept for as long."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._until_then = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._until_then}.{int((now - second) * 1e6):06d}Z"

    def _write(self) -> None:
        lines, self._waiting = self._waiting, []
        if not lines:
            return
        sys.stderr.buffer.write(b"\n".join(lines) + b"\n")
        sys.stderr.buffer.flush()


_AUDIT = _Lines()


def audit(event: Any, request_id: str) -> None:
    """A security decision's line, beside its row; commands keep the row alone.

    There is one for each token: a flat noun is put on a line without the logger, and `request_id`
    is one of ours.
    """
    if not _AUDIT.wanted:
        return
    end = (
        f',"audit":true,"request_id":"{request_id}","level":"info","timestamp":"{_AUDIT.stamp()}"}}'
    )
    try:
        line = msgspec.json.encode(event)[:-1] + end.encode()
    except UnicodeEncodeError:  # half a character
        line = b""
    if not line.isascii() or not line:
        line = _render(None, "info", msgspec.to_builtins(event) | json.loads("{" + end[1:]))
    _AUDIT.add(line)
