"""`troth serve`: prepares the installation, owns the sockets, starts and replaces workers."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from troth.metrics_folder import MetricsFolder, remove_left_behind
from troth.settings import Settings
from troth.signing.keys import read_master_key

if TYPE_CHECKING:  # what serves is loaded once the supervisor has prepared
    from troth.server import Sockets

_RESTART_PAUSE = 1.0
_LOOK_SECONDS = 0.2
# A worker that gave no sign of life for so long hangs: its loop turns at least once a second.
_SILENT_SECONDS = 10.0
# What a worker has to begin with, in which it says nothing.
_START_SECONDS = 20.0
# Who did not listen for so long was held up itself, and perhaps the whole machine was.
_HELD_UP_SECONDS = 2.0
# For all workers together: ten to drain, and their last words to clients and the database.
_END_SECONDS = 18.0


def serve(settings: Settings) -> int:
    """Run until told to stop; the exit code. Prints `ready` when all workers accept."""
    import asyncio

    from troth.server import sockets_of_each
    from troth.signing import ring
    from troth.store.open import ensure_keys, open_store

    master = read_master_key(settings.master_key_file)

    async def prepare() -> None:
        store = await open_store(settings)
        try:
            await ensure_keys(store, master)
            ring.build(store.keys, master, settings.issuer)  # a wrong master key is said once, here
        finally:
            await store.close()

    asyncio.run(prepare())
    sockets = sockets_of_each(settings)
    if settings.workers == 1:
        return _alone(settings, sockets[0])
    return _Supervisor(settings, sockets).run()


def say_ready(settings: Settings) -> None:
    _say(f"ready: {settings.issuer} on {settings.listen}, {settings.workers} worker(s)")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _alone(settings: Settings, sockets: "Sockets") -> int:
    import threading

    from troth.server import run

    reading, writing = os.pipe()

    def wait() -> None:
        if os.read(reading, 1):
            say_ready(settings)

    threading.Thread(target=wait, daemon=True).start()
    run(settings, sockets, writing)
    return 0


@dataclass(slots=True, kw_only=True)
class _Worker:
    """A process, where it is heard, and when it was last; never yet while it starts."""

    process: subprocess.Popen[bytes]
    pulse: int
    begun_at: float
    heard_at: float | None = None

    def listen(self, now: float) -> None:
        with contextlib.suppress(BlockingIOError):
            if os.read(self.pulse, 4096):
                self.heard_at = now

    def listen_anew(self, now: float) -> None:
        """Nobody listened for a while, so that silence counts from now on."""
        if self.heard_at is None:
            self.begun_at = now
        else:
            self.heard_at = now

    def hangs(self, now: float) -> bool:
        since = self.begun_at + _START_SECONDS if self.heard_at is None else self.heard_at
        return now > since + _SILENT_SECONDS

    def end(self) -> None:
        """Let it say on standard error where it stands, then end it: it cannot end by itself."""
        self.process.send_signal(signal.SIGUSR1)
        time.sleep(_LOOK_SECONDS)
        self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # a disk that never answers holds it
            self.process.wait(timeout=_SILENT_SECONDS)


class _Supervisor:
    """Each worker has a socket; one that dies, or hangs, is replaced by another on the same."""

    def __init__(self, settings: Settings, sockets: Sequence["Sockets"]) -> None:
        self._settings = settings
        self._sockets = sockets
        self._stopping = False
        # Nobody writes to it. Its writing end is closed when this process ends, however it ends.
        self._alive, _ = os.pipe()
        remove_left_behind()
        self._metrics = MetricsFolder()
        self._looked_at = time.monotonic()
        self._workers: list[_Worker] = []

    def _start(self, place: int, instead_of: str = "") -> _Worker:
        """A new process; `instead_of` says what became of the one whose place it takes."""
        sockets = self._sockets[place]
        public = ",".join(str(sock.fileno()) for sock in sockets.public)
        management = str(sockets.management.fileno()) if sockets.management else ""
        reading, writing = os.pipe()
        for end in (reading, writing):
            os.set_blocking(end, False)
        words = (public, management, str(writing), str(self._alive), instead_of)
        inherited = (sock.fileno() for sock in sockets.every())
        try:
            process = subprocess.Popen(  # noqa: S603  # our own module, no outside word in it
                [sys.executable, "-m", "troth.worker", *words],
                pass_fds=(*inherited, writing, self._alive, self._metrics.descriptor),
                env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self._metrics.path)},
            )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return _Worker(process=process, pulse=reading, begun_at=time.monotonic())

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._workers = [self._start(place) for place in range(self._settings.workers)]
        try:
            if not self._wait_until_ready():
                return 1
            if not self._stopping:
                say_ready(self._settings)
            while not self._stopping:
                time.sleep(_LOOK_SECONDS)
                self._look()
        finally:
            self._end()
        return 0

    def _wait_until_ready(self) -> bool:
        while any(worker.heard_at is None for worker in self._workers) and not self._stopping:
            self._listen()
            if any(worker.process.poll() is not None for worker in self._workers):
                return False
            time.sleep(0.01)
        return True

    def _listen(self) -> None:
        now = time.monotonic()
        held_up = now > self._looked_at + _HELD_UP_SECONDS
        self._looked_at = now
        for worker in self._workers:
            worker.listen(now)
            if held_up:
                worker.listen_anew(now)

    def _look(self) -> None:
        self._listen()
        for place, worker in enumerate(self._workers):
            fate = _fate(worker, self._looked_at)
            if fate and not self._stopping:
                time.sleep(_RESTART_PAUSE)
                try:
                    self._workers[place] = self._start(place, fate)
                except OSError as error:  # no room for a process: the others go on, and the next
                    _say(f"no worker can be started: {error}")  # look tries again
                else:
                    os.close(worker.pulse)

    def _end(self) -> None:
        # Else who comes now is queued where nobody accepts any more.
        for sock in self._sockets[0].every():
            sock.close()
        processes = [worker.process for worker in self._workers]
        for process in processes:
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + _END_SECONDS
        for process in processes:
            try:
                process.wait(timeout=max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
        self._metrics.remove()


def _fate(worker: _Worker, now: float) -> str:
    """What became of a worker that has to be replaced; nothing of one that serves."""
    process = worker.process
    if process.poll() is not None:
        _say(f"a worker ended with {process.returncode}; starting another")
        return "ended"
    if worker.hangs(now):
        silent = f"gave no sign of life for {_SILENT_SECONDS:.0f} seconds"
        _say(f"worker {process.pid} {silent}: it is ended; starting another")
        worker.end()
        return "hung"
    return ""
