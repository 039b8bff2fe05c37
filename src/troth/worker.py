"""A worker process: `python -m troth.worker SOCKETS READY`, started by the supervisor only."""

import socket
import sys

from troth.server import run
from troth.settings import load


def main() -> None:
    descriptors = [int(text) for text in sys.argv[1].split(",")]
    run(load(), [socket.socket(fileno=number) for number in descriptors], int(sys.argv[2]))


if __name__ == "__main__":
    main()
