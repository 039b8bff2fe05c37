"""A server on a machine whose clock is wrong by so many seconds."""

import sys
import time

from troth.cli import main

_right, _off = time.time, float(sys.argv[1])
time.time = lambda: _right() + _off
sys.argv = ["troth", "serve"]
main()
