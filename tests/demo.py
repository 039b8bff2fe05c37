"""`troth dev` as a process, and somebody who walks through it without JavaScript."""

import html
import os
import re
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2

from tests.harness import forms, free_port

USERNAME = "demo"
# Everything here is http, and reading the machine's certificates takes long.
_NO_CERTIFICATE = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Demo:
    """The three parts in a folder, on ports of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.app_port, self.api_port = free_port(), free_port(), free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.app = f"http://localhost:{self.app_port}"
        self.api = f"http://127.0.0.1:{self.api_port}"
        self.environment = {n: v for n, v in os.environ.items() if not n.startswith("TROTH_")}
        self.printed = ""
        self.process: subprocess.Popen[str] | None = None

    def __del__(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    @property
    def words(self) -> list[str]:
        ports = {"--port": self.port, "--app-port": self.app_port, "--api-port": self.api_port}
        options = [word for option, port in ports.items() for word in (option, str(port))]
        return [sys.executable, "-m", "troth", "dev", "--folder", str(self.folder), *options]

    def start(self) -> "Demo":
        """Start it and read what it prints, to the last line."""
        self.process = subprocess.Popen(
            self.words,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.printed = ""
        for line in self.process.stdout:
            self.printed += line
            if line.startswith("Ctrl-C"):
                return self
        raise AssertionError(f"it ended: {self.process.communicate()[1]}")

    def run(self) -> subprocess.CompletedProcess[str]:
        """Where it is expected to end by itself."""
        return subprocess.run(
            self.words, env=self.environment, capture_output=True, text=True, timeout=60
        )

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.ended()[0]

    def ended(self) -> tuple[int, str]:
        """The exit code, and what was said on standard error."""
        assert self.process is not None
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors

    def children(self) -> set[int]:
        assert self.process is not None
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in listed.split()}

    def says(self, name: str) -> str:
        """What stands after a name in the printed table."""
        found = re.search(rf"^  {re.escape(name)} +(.+)$", self.printed, re.MULTILINE)
        assert found, f"{name} is not in: {self.printed}"
        return found[1]

    @property
    def password(self) -> str:
        return self.says("Password")

    def lines(self, start: str) -> list[str]:
        """Printed lines that begin so, to be copied."""
        stripped = (line.strip() for line in self.printed.splitlines())
        return [line for line in stripped if line.startswith(start)]

    def get(self, path: str, token: str | None = None) -> httpx2.Response:
        """A request to the API."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx2.get(self.api + path, headers=headers, trust_env=False, verify=_NO_CERTIFICATE)


class Walker:
    """A browser without JavaScript: it follows redirects, keeps cookies and presses buttons."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.http = httpx2.Client(
            follow_redirects=True, trust_env=False, timeout=30, verify=_NO_CERTIFICATE
        )
        self.page = self.http.get(demo.app)

    def __del__(self) -> None:
        self.http.close()

    def open(self, url: str) -> "Walker":
        self.page = self.http.get(url)
        return self

    def press(self, form: str, **typed: str | None) -> "Walker":
        """Send a form of the page; None leaves an input out."""
        found = forms(self.page.text)[form]
        inputs = [(n, v) for n, v in found["inputs"] if n not in typed]
        given = [*inputs, *((n, v) for n, v in typed.items() if v is not None)]
        sent: dict[str, list[str]] = {}
        for name, value in given:
            sent.setdefault(name, []).append(value)
        self.page = self.http.post(urljoin(str(self.page.url), found["action"]), data=sent)
        return self

    def connect(self, decision: str = "allow", **typed: str | None) -> "Walker":
        """From Daybook's page to Troth and back, signing in where that is asked for."""
        self.open(self.demo.app).press("/connect")
        return self._decide(decision, typed)

    def log_in(self, decision: str = "allow", **typed: str | None) -> "Walker":
        """The same, where Daybook only wants to know who is there."""
        self.open(f"{self.demo.app}/you")
        if 'id="log-in"' in self.page.text:
            self.press("/you/log-in")
        return self._decide(decision, typed)

    def _decide(self, decision: str, typed: dict[str, str | None]) -> "Walker":
        if 'id="login"' in self.page.text:
            self.press("login", username=USERNAME, password=self.demo.password)
        if 'id="consent"' in self.page.text:
            self.press("consent", decision=decision, **typed)
        return self

    def withdraw(self) -> "Walker":
        """Take back on the account page what was allowed, if anything was."""
        self.open(f"{self.demo.issuer}/account")
        if 'id="login"' in self.page.text:
            self.press("login", username=USERNAME, password=self.demo.password)
        if "/account/applications/revoke" in forms(self.page.text):
            self.press("/account/applications/revoke")
        assert "/account/applications/revoke" not in forms(self.page.text)
        return self

    @property
    def standing(self) -> str:
        found = re.search(r'data-standing="(\w+)"', self.page.text)
        assert found, self.page.text[:500]
        return found[1]

    def part(self, pattern: str) -> str:
        """The text of a piece of the page, without its markup."""
        found = re.search(pattern, self.page.text, re.DOTALL)
        assert found, f"{pattern} is not on the page"
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", found[0])).split())

    def step(self, number: int) -> str:
        return self.part(rf'<li id="step-{number}".*?(?=<li id="step-|</ol>)')

    @property
    def latest(self) -> str:
        """What was tried last."""
        return self.part(r"<details open>.*?</details>")

    def enabled(self) -> set[str]:
        """The ids of the buttons that can be pressed."""
        buttons = re.findall(r"<button ([^>]*)>", self.page.text)
        ids = ((re.search(r'id="([^"]+)"', attributes), attributes) for attributes in buttons)
        return {found[1] for found, attributes in ids if found and "disabled" not in attributes}


def listening(port: int) -> set[str]:
    """The local addresses, in hexadecimal, that listen on a port."""
    rows: list[Any] = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if Path(table).exists():
            rows += [line.split() for line in Path(table).read_text().splitlines()[1:]]
    local = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {address for address, found in local if int(found, 16) == port}
