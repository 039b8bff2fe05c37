"""A stretch of wire to PostgreSQL that can be slow, dead, or cut at the worst moment."""

import contextlib
import math
import re
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from tests.ports import free_port

Mode = Literal["open", "dead", "refused", "cut at commit"]
# The answer to a COMMIT, or to a statement for many that commits by itself.
COMMITTED = re.compile(rb"COMMIT\0|SELECT [1-9]\d*\0")
_CHANGES = re.compile(rb"(insert into|update) chain ")


class Wire:
    """One connection; whether chains were ever changed on it."""

    changes = False


class Proxy:
    """Listens on a TCP port and carries everything to the socket in the database's folder."""

    def __init__(self, database: Path) -> None:
        self.mode: Mode = "open"
        self.delay = 0.0  # seconds for each message to the database
        self.cuts = 0
        self.most_cuts = math.inf  # then the wire is good again
        self.worst = COMMITTED
        self._database = str(database / ".s.PGSQL.5432")
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", free_port()), backlog=200)
        threading.Thread(target=self._accept, daemon=True).start()

    def address(self, database_url: str) -> str:
        """The same database, by this way."""
        name = urlsplit(database_url).path
        port = self._listener.getsockname()[1]
        return f"postgresql://troth@127.0.0.1:{port}{name}?sslmode=disable"

    def cut(self) -> None:
        """Every connection ends now."""
        pairs, self._pairs = self._pairs, []
        for sock in [sock for pair in pairs for sock in pair]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "refused":
                client.close()
                continue
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self._database)
            except OSError:
                client.close()
                server.close()
                continue
            self._pairs.append((client, server))
            wire = Wire()
            for source, sink, look in (
                (client, server, partial(self._to_database, wire)),
                (server, client, partial(self._from_database, wire)),
            ):
                threading.Thread(target=self._carry, args=(source, sink, look), daemon=True).start()

    def _carry(
        self, source: socket.socket, sink: socket.socket, look: Callable[[bytes], bool]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                while self.mode == "dead":
                    time.sleep(0.01)
                if not look(data):
                    break
                sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        source.close()  # the sink is closed by who reads from it

    def _to_database(self, wire: Wire, data: bytes) -> bool:
        if self.delay:
            time.sleep(self.delay)
        wire.changes = wire.changes or _CHANGES.search(data) is not None
        return True

    def _from_database(self, wire: Wire, data: bytes) -> bool:
        """Keep the answer that says that a change of chains was committed, and cut."""
        if self.mode != "cut at commit" or not wire.changes or not self.worst.search(data):
            return True
        self.cuts += 1
        if self.cuts >= self.most_cuts:
            self.mode = "open"
        return False
