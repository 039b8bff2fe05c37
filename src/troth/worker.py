"""A worker process, which the supervisor starts.

`python -m troth.worker SOCKETS PULSE ALIVE INSTEAD_OF`, where the last says what became of the one
whose place this takes, and is empty for one of the first.
"""

import faulthandler
import signal
import socket
import sys

from troth import metrics
from troth.server import run
from troth.settings import load


def main() -> None:
    descriptors = [int(text) for text in sys.argv[1].split(",")]
    sockets = [socket.socket(fileno=number) for number in descriptors]
    faulthandler.register(signal.SIGUSR1)  # where it hangs: files and lines, no values
    if sys.argv[4]:
        metrics.REPLACED.labels(sys.argv[4]).inc()
    run(load(), sockets, int(sys.argv[2]), int(sys.argv[3]))


if __name__ == "__main__":
    main()
