"""One server process: the public and the management listener in one loop, and a clean end."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import uvicorn

from troth import log
from troth.accepting import Rescue
from troth.app import App, create_app
from troth.management import management_app
from troth.settings import Settings, parse_listen
from troth.wire import KEEP_ALIVE_SECONDS, State, Wire

DRAIN_SECONDS = 10
_BEAT_SECONDS = 1.0
_BACKLOG = 2048
# As often as the date of an answer is another.
_LOOK_SECONDS = 1.0


class Listener(uvicorn.Server):
    """A uvicorn server that leaves the signals to us: two of them share the loop.

    It looks once a second whether anything is to be done, and at once when it is told to stop.
    `others` are the sockets of the other processes on the same address.
    """

    def __init__(self, config: uvicorn.Config, others: Sequence[socket.socket] = ()) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self._told = asyncio.Event()
        self._others = others
        self._rescues: list[Rescue] = []

    def stop(self) -> None:
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        """Ten looks a second, as it comes, are most of what an idle process would do."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._told.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        make = partial(Wire, self.config, self.server_state, self.lifespan.state, None)
        self._rescues = [Rescue(sock, make, self.config.ssl) for sock in self._others]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.server_state.ending = True
        for rescue in self._rescues:
            rescue.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Sockets:
    """Where a process listens: `public` begins with its own socket, its siblings' come after."""

    public: Sequence[socket.socket]
    management: socket.socket | None

    def every(self) -> list[socket.socket]:
        return [*self.public, self.management] if self.management else [*self.public]


def sockets_of_each(settings: Settings) -> list[Sockets]:
    """Of each worker that the settings name."""
    public = bind_each(settings.listen, settings.workers)
    management = bind(settings.management_listen) if settings.management_listen else None
    return [
        Sockets([public[place], *public[:place], *public[place + 1 :]], management)
        for place in range(settings.workers)
    ]


def bind(listen: str) -> socket.socket:
    """A listening socket, inheritable by worker processes."""
    return bind_each(listen, 1)[0]


def bind_each(listen: str, processes: int) -> list[socket.socket]:
    """A listening socket for each process, all on one address that nobody else listens on."""
    address = parse_listen(listen)
    alone = _bound(address)  # would be refused where another server listens, whichever way
    if processes == 1:
        alone.listen(_BACKLOG)
        return [alone]
    alone.close()
    sockets = [_bound(address, socket.SO_REUSEPORT) for _ in range(processes)]
    for sock in sockets:
        sock.listen(_BACKLOG)
    return sockets


def _bound(address: tuple[str, int], *options: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    try:
        for option in (socket.SO_REUSEADDR, *options):
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    sock.set_inheritable(True)
    return sock


def _listener(app: object, settings: Settings, sockets: Sockets, *, public: bool) -> Listener:
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
        ),
        sockets.public[1:] if public else (),
    )


def run(settings: Settings, sockets: Sockets, ready: int, alive: int | None = None) -> None:
    """Serve on `sockets` until SIGTERM or SIGINT.

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


async def _serve(settings: Settings, sockets: Sockets, ready: int, alive: int | None) -> None:
    app: App = create_app(settings)
    await app.open()  # what is wrong with the installation is said here, not by the web server
    _spare_the_collector()
    servers = [(_listener(app, settings, sockets, public=True), sockets.public[0])]
    if sockets.management is not None:
        management = _listener(management_app(app), settings, sockets, public=False)
        servers.append((management, sockets.management))

    def stop() -> None:
        for server, _ in servers:
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
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    while not all(server.started for server, _ in servers):
        if any(task.done() for task in tasks):
            break
        await asyncio.sleep(0.005)
    else:
        _beat(loop, ready, again=alive is not None)
    await asyncio.gather(*tasks)
