"""A server whose supervisor waits only so many seconds for a sign of life of a worker."""

import sys

from troth import supervisor
from troth.cli import main

supervisor._SILENT_SECONDS = float(sys.argv[1])
sys.argv = ["troth", "serve"]
main()
