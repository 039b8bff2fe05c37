"""A worker process, which the supervisor starts.

`python -m troth.worker PUBLIC MANAGEMENT PULSE ALIVE INSTEAD_OF`: descriptors of its sockets and
pipes, and what became of the one whose place this takes. PUBLIC has commas: its own socket, then
those of its siblings. MANAGEMENT may be empty, and so is the last for one of the first.
"""

import faulthandler
import signal
import socket
import sys

from troth import metrics
from troth.server import Sockets, run
from troth.settings import load


def main() -> None:
    public, management, pulse, alive, instead_of = sys.argv[1:]
    faulthandler.register(signal.SIGUSR1)  # where it hangs: files and lines, no values
    if instead_of:
        metrics.REPLACED.labels(instead_of).inc()
    sockets = Sockets(
        [socket.socket(fileno=int(number)) for number in public.split(",")],
        socket.socket(fileno=int(management)) if management else None,
    )
    run(load(), sockets, int(pulse), int(alive))


if __name__ == "__main__":
    main()
