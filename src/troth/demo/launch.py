"""Starts the server as a child, application and API beside it, and ends them together."""

import asyncio
import errno
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping

import click
import uvicorn
from starlette.types import ASGIApp

from troth.demo.console import welcome
from troth.demo.plan import CannotStart, Credentials, Plan
from troth.demo.prepare import prepare
from troth.server import Listener, bind

_PATIENCE = 15


def launch(plan: Plan) -> int:
    """Run until a signal; the exit code. Raises `CannotStart` with one sentence."""
    _claim("127.0.0.1", plan.port, "--port").close()  # the server takes it itself
    application = [_claim("127.0.0.1", plan.app_port, "--app-port")]
    if _has_ipv6():  # a browser may take `localhost` for either
        application.append(_claim("[::1]", plan.app_port, "--app-port"))
    api = [_claim("127.0.0.1", plan.api_port, "--api-port")]
    try:
        asyncio.run(_Demo(plan).run(application, api))
    except PermissionError as error:
        raise CannotStart(f"the folder {plan.folder} cannot be used: {error.strerror}") from None
    return 0


def _claim(host: str, port: int, option: str) -> socket.socket:
    try:
        return bind(f"{host}:{port}")
    except OSError as error:
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else error.strerror
        raise CannotStart(f"port {port} {why}; choose another with {option}") from None


def _has_ipv6() -> bool:
    try:
        bind("[::1]:0").close()
    except OSError:
        return False
    return True


class _Demo:
    """The three parts while they run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stop = asyncio.Event()
        self._ready = asyncio.Event()
        self._last_words = ""

    async def run(self, application: list[socket.socket], api: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop.set)
        credentials, unchanged = await prepare(self._plan)
        server = await self._start_server()
        parts = {"server": asyncio.create_task(self._follow(server))}
        listeners = self._listeners(credentials)
        try:
            for (name, listener), sockets in zip(
                listeners.items(), (application, api), strict=True
            ):
                parts[name] = asyncio.create_task(listener.serve(sockets=sockets))
            await self._until(self._ready, parts)
            if not self._stop.is_set():
                text = welcome(self._plan, credentials, unchanged)
                click.echo(text, color=sys.stdout.isatty())
                sys.stdout.flush()
            await self._until(self._stop, parts)
        finally:
            for listener in listeners.values():
                listener.stop()
            await _end(server)
            await asyncio.gather(*parts.values(), return_exceptions=True)

    def _listeners(self, credentials: Credentials) -> dict[str, Listener]:
        """Loaded while the server starts: the one takes about as long as the other."""
        from troth.demo.api import create_api
        from troth.demo.application import create_application

        apps: dict[str, ASGIApp] = {
            "demo application": create_application(self._plan, credentials),
            "demo API": create_api(self._plan, credentials.api),
        }
        return {
            name: Listener(
                uvicorn.Config(
                    app,
                    loop="none",
                    log_config=None,
                    access_log=False,
                    proxy_headers=False,
                    server_header=False,
                    timeout_graceful_shutdown=_PATIENCE,
                )
            )
            for name, app in apps.items()
        }

    async def _start_server(self) -> Process:
        """`troth serve`, in a session of its own: Ctrl-C reaches it through this process only."""
        environment = {n: v for n, v in os.environ.items() if not n.startswith("TROTH_")}
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "troth", "serve"),
            env={**environment, "TROTH_CONFIG_FILE": str(self._plan.config_file)},
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            limit=2**20,
            start_new_session=True,
        )

    async def _follow(self, server: Process) -> None:
        """Write the server's log to its file until it ends; notice when it is ready."""
        assert server.stderr is not None
        with self._plan.log_file.open("wb") as log:
            async for line in server.stderr:
                log.write(line)
                log.flush()
                if line.startswith(b"ready"):
                    self._ready.set()
                self._last_words = line.decode("utf-8", "replace").strip()
        await server.wait()

    async def _until(self, event: asyncio.Event, parts: Mapping[str, asyncio.Task[None]]) -> None:
        """Wait for an event or a signal. Raises `CannotStart` where a part ends by itself."""
        waits = [asyncio.create_task(each.wait()) for each in (event, self._stop)]
        await asyncio.wait((*waits, *parts.values()), return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        ended = [name for name, part in parts.items() if part.done()]
        if ended and not self._stop.is_set():
            words = f": {self._last_words.removeprefix('troth: ')}" if "server" in ended else ""
            raise CannotStart(f"the {ended[0]} ended by itself{words}; so everything was stopped")


async def _end(server: Process) -> None:
    if server.returncode is None:
        server.terminate()
    try:
        await asyncio.wait_for(server.wait(), _PATIENCE)
    except TimeoutError:
        server.kill()
