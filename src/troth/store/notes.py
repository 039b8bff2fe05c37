"""What is written behind: audit events and traces that have no change to ride on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from troth import log
from troth.model.change import AuditEvent
from troth.store import StoreUnavailable, Trace

MOST_WAITING = 10_000
# So many within a moment are a flood: what is alike becomes one row.
FLOOD = 200
_PAUSE = 0.2
# A database that is gone is not asked, and told of in the log, at every moment.
_PAUSE_WHEN_LOST = 1.0
_AT_ONCE = 250
_LAST_WORDS_SECONDS = 4.0

# An entry, the request it belongs to, and when it was made (seconds).
Note = tuple[AuditEvent | Trace, str, int]


class Notes:
    """Collects for a moment, then writes all at once; a flood keeps its log lines only."""

    def __init__(self, write: Callable[[Sequence[Note]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[Note] = []
        self._flusher: asyncio.Task[None] | None = None
        self._writing = False
        self._closing = False

    def add(self, entries: Sequence[AuditEvent | Trace], request_id: str) -> None:
        say(entries, request_id)
        if len(self._waiting) >= MOST_WAITING:
            return
        now = int(time.time())
        self._waiting.extend((entry, request_id, now) for entry in entries)
        if self._waiting and (self._flusher is None or self._flusher.done()):
            self._flusher = asyncio.get_running_loop().create_task(self._keep_flushing())

    async def _keep_flushing(self) -> None:
        """Until nothing waits: what comes during a write has nobody else to write it."""
        pause = _PAUSE
        while self._waiting and not self._closing:
            await asyncio.sleep(pause)
            pause = _PAUSE if await self.flush() else _PAUSE_WHEN_LOST

    async def flush(self) -> bool:
        """Write what was noted, now. What cannot be written stays for the next time: False."""
        waiting, self._waiting = self._waiting, []
        notes = waiting if len(waiting) < FLOOD else gathered(waiting)
        self._writing = True
        try:
            while notes:  # a slow database has time for a few, and what it took is not asked again
                await self._write_some(notes[:_AT_ONCE])
                notes = notes[_AT_ONCE:]
        except StoreUnavailable as error:
            log.logger().warning("notes.delayed", count=len(notes), reason=str(error)[:200])
            self._keep(notes)
            return False
        except asyncio.CancelledError:
            self._keep(notes)
            raise
        finally:
            self._writing = False
        return True

    def _keep(self, notes: Sequence[Note]) -> None:
        """For the next time, before what came since."""
        self._waiting = [*notes, *self._waiting][:MOST_WAITING]

    async def _write_some(self, notes: Sequence[Note]) -> None:
        try:
            await self._write(notes)
        except StoreUnavailable:
            raise
        except Exception:  # one that no database takes must not take the others with it
            await self._write_each(notes)

    async def _write_each(self, notes: Sequence[Note]) -> None:
        for number, note in enumerate(notes):
            try:
                await self._write([note])
            except StoreUnavailable:  # it is not the note's fault, nor that of those behind it
                self._keep(notes[number:])
                return
            except Exception as error:
                log.logger().error("note.lost", request_id=note[1], kind=type(error).__name__)

    async def close(self) -> None:
        """Write the last ones, in as long as a process has for it; what is being written, too."""
        self._closing = True
        if self._flusher is not None and not self._writing:
            self._flusher.cancel()
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                if self._flusher is not None and self._writing:
                    await self._flusher
                await self.flush()
        except TimeoutError:
            log.logger().error("notes.lost", count=len(self._waiting))


def gathered(notes: Sequence[Note]) -> list[Note]:
    """Events that differ in nothing but their request, as one with their number (a flood's)."""
    alike: dict[AuditEvent | Trace, list[Note]] = {}
    for note in notes:
        alike.setdefault(note[0], []).append(note)
    return [_counted(those[0], len(those)) for those in alike.values()]


def _counted(note: Note, number: int) -> Note:
    entry, request_id, at = note
    if number == 1 or isinstance(entry, Trace):
        return note
    detail = f"{entry.detail} ({number} times)".strip()
    once = AuditEvent(
        event=entry.event,
        outcome=entry.outcome,
        actor=entry.actor,
        client_id=entry.client_id,
        sub=entry.sub,
        detail=detail,
    )
    return once, request_id, at


def say(entries: Sequence[AuditEvent | Trace], request_id: str) -> None:
    """The log lines of audit events; traces have theirs already."""
    for entry in entries:
        if isinstance(entry, AuditEvent):
            log.audit(entry, request_id)
