"""The server as a process: it starts, serves by several workers, survives one, and ends clean."""

import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import httpx2
import pytest

from tests.conftest import installed
from tests.faults.processes import workers
from tests.harness import Plain, Troth

# Of the loop, in a second, where nobody asks for anything; the web server's own were twenty more.
MOST_TURNS = 8


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troth]:
    """Two workers of a server that tests may hurt."""
    server = installed(Troth(tmp_path_factory.mktemp("pair"), workers="2"))
    yield server
    assert server.stop() == 0


def management(troth: Troth, path: str) -> str:
    with urlopen(f"http://127.0.0.1:{troth.management_port}{path}") as response:
        return str(response.read().decode())


def on_every_worker(troth: Troth) -> Iterator[Plain]:
    """Enough new connections that each worker answers some of them."""
    for _ in range(16):
        with Plain(troth) as http:
            yield http


def test_the_ready_line_names_issuer_and_workers_when_connections_are_accepted(pair: Troth) -> None:
    (line,) = [line for line in pair.log().splitlines() if line.startswith("ready")]
    assert pair.issuer in line
    assert "2 worker" in line
    assert len(workers(pair)) == 2


@pytest.mark.parametrize("workers_", ["1", "2"])
def test_a_master_key_that_is_missing_open_or_wrong_stops_the_start(
    tmp_path: Path, workers_: str
) -> None:
    troth = Troth(tmp_path, workers=workers_)
    key = tmp_path / "master.key"
    troth.start()
    assert troth.stop() == 0
    good = key.read_text()
    for text, mode, word in (
        (good, 0o644, "chmod 600"),
        (good, 0o640, "chmod 600"),
        ("short\n", 0o600, "32 bytes"),
        ("A" * 43 + "\n", 0o600, "master key"),
        (None, 0, "cannot be read"),
    ):
        key.unlink()
        if text is not None:
            key.write_text(text)
            key.chmod(mode)
        elif key.exists():
            key.unlink()
        done = troth.run_cli("serve")
        assert done.returncode == 1, word
        assert word in done.stderr
        assert "Traceback" not in done.stderr
        assert "ready" not in done.stderr
        if text is None:
            key.touch()
    troth.environment.pop("TROTH_MASTER_KEY_FILE")
    assert "TROTH_MASTER_KEY_FILE" in troth.run_cli("serve").stderr


def closed(port: int) -> None:
    """Until nobody listens there any more: whoever comes goes to another host at once."""
    deadline = time.monotonic() + 30
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < deadline:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            time.sleep(0.02)
        raise AssertionError("it still listens")


@pytest.mark.parametrize("workers_", ["1", "2"])
def test_sigterm_lets_a_request_in_flight_end(tmp_path: Path, workers_: str) -> None:
    troth = Troth(tmp_path, workers=workers_).start()
    body = b"grant_type=refresh_token&client_id=x&client_secret=y"
    head = (
        f"POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1:{troth.port}\r\nContent-Type: "
        f"application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", troth.port), timeout=20) as sock:
        sock.sendall(head.encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 100 "), "it has begun"
        sock.sendall(body[:10])
        assert troth._process is not None
        troth._process.send_signal(signal.SIGTERM)
        closed(troth.port)
        sock.sendall(body[10:])
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert troth._process.wait(timeout=30) == 0
    assert "Traceback" not in troth.log()


def turns(pid: int) -> int:
    """How often a process went to sleep, and so was woken."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


@pytest.mark.parametrize("workers_", ["1", "2"])
def test_who_has_nothing_to_do_sleeps(tmp_path: Path, workers_: str) -> None:
    troth = Troth(tmp_path, workers=workers_).start()
    assert troth._process is not None
    served_by = workers(troth) or [troth._process.pid]
    time.sleep(2)  # what begins with a process has begun
    before = {pid: turns(pid) for pid in served_by}
    time.sleep(5)
    for pid in served_by:
        assert turns(pid) - before[pid] <= 5 * MOST_TURNS, "a beat, two dates, and what is due"
    assert troth.stop() == 0


def test_sigint_ends_as_clean(tmp_path: Path) -> None:
    assert Troth(tmp_path, workers="2").start().stop(signal.SIGINT) == 0


@pytest.mark.parametrize("workers_", ["1", "2"])
def test_an_address_in_use_is_said_in_one_sentence(
    pair: Troth, tmp_path: Path, workers_: str
) -> None:
    second = Troth(tmp_path, workers=workers_)
    second.environment["TROTH_LISTEN"] = pair.environment["TROTH_LISTEN"]
    done = second.run_cli("serve")
    assert done.returncode == 1
    assert done.stderr.startswith("troth: the server cannot start")
    assert len(done.stderr.splitlines()) == 1


def test_a_worker_that_is_killed_is_replaced(pair: Troth) -> None:
    before = workers(pair)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 120
    now = before
    while time.monotonic() < deadline and (len(now) < 2 or victim in now):
        time.sleep(0.05)
        now = workers(pair)
    assert len(now) == 2
    assert victim not in now
    for http in on_every_worker(pair):
        assert http.get("/login").status_code == 200


def test_what_a_command_acknowledged_holds_at_once_on_every_worker(pair: Troth) -> None:
    person, app, quick = pair.person(), pair.client(), pair.client()
    tokens, other = app.tokens(person), quick.tokens(person)
    grant = {"grant_type": "refresh_token", "refresh_token": "x", **app.credentials()}
    for http in on_every_worker(pair):
        assert http.post("/oauth/token", grant).json()["error"] == "invalid_grant"
    pair.cli("client", "disable", app.client_id)
    for http in on_every_worker(pair):
        assert http.post("/oauth/token", grant).json()["error"] == "invalid_client"
        page = http.get("/oauth/authorize", params=app.parameters())
        assert page.status_code == 400
    pair.cli("client", "disable", app.client_id, "--enable")
    assert app.active(tokens["access_token"])
    pair.cli("user", "disable", person.username)
    for _ in range(6):
        assert not quick.active(other["access_token"])
        assert quick.refresh(other["refresh_token"]).json()["error"] == "invalid_grant"


def test_what_one_worker_revoked_is_revoked_on_every_worker(pair: Troth) -> None:
    person, app = pair.person(), pair.client()
    for _ in range(3):
        tokens = app.tokens(person)
        assert app.revoke(tokens["refresh_token"]).status_code == 200
        assert not any(app.active(tokens["access_token"]) for _ in range(4))


def requests_of(text: str, endpoint: str) -> float:
    found = re.findall(rf'troth_requests_total{{endpoint="{endpoint}",status="\d+"}} (\S+)', text)
    return sum(map(float, found))


def test_metrics_sum_over_the_workers(pair: Troth) -> None:
    before = {requests_of(management(pair, "/metrics"), "/oauth/jwks") for _ in range(6)}
    assert len(before) == 1, "every worker tells the same sum"
    for http in on_every_worker(pair):
        http.get("/oauth/jwks")
    after = {requests_of(management(pair, "/metrics"), "/oauth/jwks") for _ in range(6)}
    assert after == {before.pop() + 16}


def test_health_has_its_own_listener(pair: Troth) -> None:
    assert management(pair, "/health/live") == "live\n"
    assert management(pair, "/health/ready") == "ready\n"
    base = f"http://127.0.0.1:{pair.management_port}"
    for path in ("/oauth/token", "/login", "/", "/metrics/x"):
        assert httpx2.get(base + path, trust_env=False).status_code == 404
    assert httpx2.post(base + "/metrics", trust_env=False).status_code == 405


def test_a_database_that_is_gone_is_not_ready_and_yet_live(tmp_path: Path) -> None:
    troth = Troth(tmp_path).start()
    try:
        troth.execute("alter table revision rename to away")
        base = f"http://127.0.0.1:{troth.management_port}"
        assert httpx2.get(base + "/health/ready", trust_env=False).status_code == 503
        assert httpx2.get(base + "/health/live", trust_env=False).status_code == 200
    finally:
        assert troth.stop() == 0
