"""`troth serve`: prepares the installation, owns the sockets, starts and replaces workers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from troth.settings import Settings
from troth.signing.keys import read_master_key

_RESTART_PAUSE = 1.0


def serve(settings: Settings) -> int:
    """Run until told to stop; the exit code. Prints `ready` when all workers accept."""
    import asyncio

    from troth.server import bind
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
    listens = [settings.listen]
    if settings.management_listen:
        listens.append(settings.management_listen)
    sockets = [bind(listen) for listen in listens]
    if settings.workers == 1:
        return _alone(settings, sockets)
    return _Supervisor(settings, sockets).run()


def say_ready(settings: Settings) -> None:
    _say(f"ready: {settings.issuer} on {settings.listen}, {settings.workers} worker(s)")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _alone(settings: Settings, sockets: Sequence[socket.socket]) -> int:
    import threading

    from troth.server import run

    reading, writing = os.pipe()

    def wait() -> None:
        if os.read(reading, 1):
            say_ready(settings)

    threading.Thread(target=wait, daemon=True).start()
    run(settings, sockets, writing)
    return 0


class _Supervisor:
    """Workers share the sockets; one that dies is started again."""

    def __init__(self, settings: Settings, sockets: Sequence[socket.socket]) -> None:
        self._settings = settings
        self._sockets = sockets
        self._stopping = False
        self._reading, self._writing = os.pipe()
        os.set_inheritable(self._writing, True)
        # Nobody writes to it. Its writing end is closed when this process ends, however it ends.
        self._alive, _ = os.pipe()
        self._metrics = tempfile.mkdtemp(prefix="troth-metrics-")

    def _start(self) -> subprocess.Popen[bytes]:
        descriptors = [sock.fileno() for sock in self._sockets]
        return subprocess.Popen(  # noqa: S603  # our own module, no outside word in it
            [
                sys.executable,
                "-m",
                "troth.worker",
                ",".join(map(str, descriptors)),
                str(self._writing),
                str(self._alive),
            ],
            pass_fds=(*descriptors, self._writing, self._alive),
            env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": self._metrics},
        )

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def run(self) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        workers = [self._start() for _ in range(self._settings.workers)]
        try:
            if not self._wait_until_ready(workers):
                return 1
            say_ready(self._settings)
            while not self._stopping:
                time.sleep(0.2)
                workers = [self._replaced(worker) for worker in workers]
        finally:
            self._end(workers)
        return 0

    def _wait_until_ready(self, workers: list[subprocess.Popen[bytes]]) -> bool:
        os.set_blocking(self._reading, False)
        ready = 0
        while ready < len(workers) and not self._stopping:
            try:
                ready += len(os.read(self._reading, 64))
            except BlockingIOError:
                if any(worker.poll() is not None for worker in workers):
                    return False
                time.sleep(0.01)
        return True

    def _replaced(self, worker: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        if worker.poll() is None or self._stopping:
            return worker
        _say(f"a worker ended with {worker.returncode}; starting another")
        time.sleep(_RESTART_PAUSE)
        return self._start()

    def _end(self, workers: list[subprocess.Popen[bytes]]) -> None:
        for sock in self._sockets:  # else who comes now is queued where nobody accepts any more
            sock.close()
        for worker in workers:
            if worker.poll() is None:
                worker.terminate()
        for worker in workers:
            try:
                worker.wait(timeout=15)
            except subprocess.TimeoutExpired:
                worker.kill()
        shutil.rmtree(self._metrics, ignore_errors=True)
