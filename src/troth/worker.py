"""A worker process: `python -m troth.worker SOCKETS READY ALIVE`, which the supervisor starts."""

import socket
import sys

from troth.server import run
from troth.settings import load


def main() -> None:
    descriptors = [int(text) for text in sys.argv[1].split(",")]
    sockets = [socket.socket(fileno=number) for number in descriptors]
    run(load(), sockets, int(sys.argv[2]), int(sys.argv[3]))


if __name__ == "__main__":
    main()
