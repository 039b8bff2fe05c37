"""One server process: the public and the management listener in one loop, and a clean end."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from functools import partial

import uvicorn

from troth import log
from troth.app import App, create_app
from troth.management import management_app
from troth.settings import Settings, parse_listen
from troth.wire import KEEP_ALIVE_SECONDS, State, Wire

DRAIN_SECONDS = 10
_BEAT_SECONDS = 1.0
# As often as the date of an answer is another.
_LOOK_SECONDS = 1.0


class Listener(uvicorn.Server):
    """A uvicorn server that leaves the signals to us: two of them share the loop.

    It looks once a second whether anything is to be done, and at once when it is told to stop.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self._told = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        """Ten looks a second, as it comes, are most of what an idle process would do."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.ending = True
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(listen: str) -> socket.socket:
    """A listening socket, inheritable by worker processes."""
    host, port = parse_listen(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(2048)
    sock.set_inheritable(True)
    return sock


def _listener(app: object, settings: Settings, *, public: bool) -> Listener:
    tls = public and bool(settings.tls_cert_file)
    return Listener(
        uvicorn.Config(
            app,  # type: ignore[arg-type]
            http=Wire if public else "auto",
            loop="none",
            lifespan="on" if public else "off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(KEEP_ALIVE_SECONDS),
            timeout_graceful_shutdown=DRAIN_SECONDS,
            ssl_certfile=settings.tls_cert_file if tls else None,
            ssl_keyfile=settings.tls_key_file if tls else None,
        )
    )


def run(
    settings: Settings, sockets: Sequence[socket.socket], ready: int, alive: int | None = None
) -> None:
    """Serve on `sockets` (public, then management) until SIGTERM or SIGINT.

    Writes a byte to the file descriptor `ready` once connections are accepted. The other end of the
    pipe `alive` belongs to a supervisor: when that ends, however it ends, so does this process; and
    as long as it lives it hears once a second on `ready` that the loop turns.
    """
    import uvloop

    log.configure(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, sockets, ready, alive))


def _spare_the_collector() -> None:
    """What was loaded lives as long as the process, and a request leaves few cycles behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _beat(loop: asyncio.AbstractEventLoop, pipe: int, *, again: bool) -> None:
    with contextlib.suppress(BlockingIOError, BrokenPipeError):
        os.write(pipe, b"1")
    if again:
        loop.call_later(_BEAT_SECONDS, partial(_beat, loop, pipe, again=True))


async def _serve(
    settings: Settings, sockets: Sequence[socket.socket], ready: int, alive: int | None
) -> None:
    app: App = create_app(settings)
    await app.open()  # what is wrong with the installation is said here, not by the web server
    _spare_the_collector()
    servers = [_listener(app, settings, public=True)]
    if len(sockets) > 1:
        servers.append(_listener(management_app(app), settings, public=False))

    def stop() -> None:
        for server in servers:
            server.stop()

    loop = asyncio.get_running_loop()

    def orphaned(pipe: int) -> None:
        loop.remove_reader(pipe)
        log.logger().error("supervisor.lost")
        stop()  # else nobody could start another on these addresses

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if alive is not None:
        loop.add_reader(alive, orphaned, alive)
    tasks = [
        asyncio.create_task(server.serve(sockets=[sock]))
        for server, sock in zip(servers, sockets, strict=True)
    ]
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            break
        await asyncio.sleep(0.005)
    else:
        _beat(loop, ready, again=alive is not None)
    await asyncio.gather(*tasks)
