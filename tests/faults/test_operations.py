"""What operators do, and what machines do to them, while people and clients go on."""

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.clients import applications, at_work
from tests.faults.figures import note, short_or_long
from tests.faults.history import History, problems
from tests.faults.test_kill import workers
from tests.harness import Plain, Troth


def test_R18_rolling_restarts_fail_no_request(tmp_path: Path, engine: Engine) -> None:
    """Each worker is told to end while it has work; another one takes its place."""
    troth = installed(engine.troth(tmp_path, workers="2", code_lifetime="600"))
    history = History()
    restarts = short_or_long(3, 20)
    them = applications(troth, history, number=4, codes=10, longest=short_or_long(300, 5000))
    with at_work(them):
        for number in range(restarts):
            time.sleep(0.3)
            before = workers(troth)
            os.kill(before[number % 2], signal.SIGTERM)
            while not set(workers(troth)) - set(before) or len(workers(troth)) < 2:
                time.sleep(0.02)
    statuses = Counter(call.status for call in history.calls)
    assert statuses[None] == 0, f"failed requests: {statuses}"
    assert problems(history.calls) == []
    assert troth.stop() == 0
    note(
        f"R18 restarts, {engine.variant}", restarts=restarts, requests=len(history.calls), failed=0
    )


def test_R16_keys_are_rotated_under_load_and_no_token_fails(tmp_path: Path, engine: Engine) -> None:
    troth = installed(engine.troth(tmp_path, workers="2", code_lifetime="600"))
    history = History()
    client = troth.client("--grant-type", "client_credentials", name="Canary Machine")
    form = {"grant_type": "client_credentials", "scope": "read_write", **client.credentials()}
    rotations, issued = short_or_long(3, 30), []
    with at_work(
        applications(troth, history, number=3, codes=10, longest=short_or_long(100, 5000))
    ):
        for number in range(rotations):
            issued.append(client.post("/oauth/token", form).json()["access_token"])
            use = ("--now",) if number % 2 else ("--use", "seal")
            troth.cli("keys", "rotate", *use)
    assert all(client.active(token) for token in issued)
    assert problems(history.calls) == []
    assert {call.status for call in history.calls} <= {200, 400}
    assert troth.stop() == 0
    note(f"R16 rotations, {engine.variant}", rotations=rotations, failed=0)


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of a few megabytes that the database has to itself."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() == 0:
        mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    else:
        mounted = False
    yield folder, mounted
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_R14_a_full_disk_refuses_writes_loses_nothing_and_heals(
    tmp_path: Path, small_disk: tuple[Path, bool]
) -> None:
    folder, mounted = small_disk
    if not mounted:
        pytest.fail("R14 needs a mount of its own: run the tests as root")
    troth = installed(Troth(tmp_path, database=f"sqlite://{folder}/troth.db"))
    client, person = troth.client(), troth.person()
    tokens = client.tokens(person)
    ballast = folder / "ballast"
    with httpx2.Client(base_url=troth.issuer, timeout=20, trust_env=False) as http:
        for _ in range(short_or_long(2, 20)):
            with ballast.open("wb", buffering=0) as file:
                try:
                    while file.write(b"\0" * 4096):
                        pass
                except OSError:
                    pass
            form = {"grant_type": "refresh_token", **client.credentials()}
            newest, refused = tokens, None
            for _ in range(200):  # what is left in the log's last pages is used up first
                form["refresh_token"] = newest["refresh_token"]
                answer = http.post("/oauth/token", data=form)
                if answer.status_code != 200:
                    refused = answer
                    break
                newest = answer.json()
            tokens = newest
            assert refused is not None, "the disk was never full"
            assert refused.status_code == 503, refused.text
            assert int(refused.headers["retry-after"]) >= 1
            assert http.get("/oauth/jwks").status_code == 200
            assert client.active(tokens["access_token"]), "reading goes on"
            ballast.unlink()
            began = time.monotonic()
            while (answer := http.post("/oauth/token", data=form)).status_code != 200:
                assert time.monotonic() < began + 8, "it does not heal"
                time.sleep(0.05)
            tokens = answer.json()
            note("R14 disk full", healed_after_seconds=round(time.monotonic() - began, 2))
    assert troth.stop() == 0
    troth.database = folder / "troth.db"
    assert troth.rows("pragma integrity_check") == [("ok",)]


@pytest.mark.parametrize("step", ["+3600", "-3600", "+315360000", "-315360000"])
def test_R17_a_clock_that_steps_revives_nothing_and_crashes_nothing(
    tmp_path: Path, engine: Engine, step: str
) -> None:
    """A second server on the same database whose clock is wrong by hours or years."""
    troth = installed(engine.troth(tmp_path))
    client, person = troth.client(), troth.person()
    kept, revoked = client.tokens(person), client.tokens(person)
    client.revoke(revoked["refresh_token"])
    troth.stop()
    troth.command = ("-m", "tests.faults.wrong_clock", step)
    troth.start()
    with Plain(troth) as http:
        form = {"grant_type": "refresh_token", **client.credentials()}
        dead = http.post("/oauth/token", form | {"refresh_token": revoked["refresh_token"]})
        assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
        first = http.post("/oauth/token", form | {"refresh_token": kept["refresh_token"]})
        assert first.status_code == (400 if step == "+315360000" else 200)
        if first.status_code == 200:
            token = first.json()
            assert token["expires_in"] == 3600
    troth.stop()
    troth.command = ("-m", "troth", "serve")
    troth.start()
    assert client.refresh(revoked["refresh_token"]).status_code == 400
    newest = first.json()["refresh_token"] if first.status_code == 200 else kept["refresh_token"]
    assert client.refresh(newest).status_code == 200, "the clock is right again, and so is all else"
    assert troth.stop() == 0


def test_R20_RX_03_slow_connections_do_not_slow_the_honest(tmp_path: Path) -> None:
    """Ratios in one run: many connections that send a byte now and then, and one client."""
    import socket

    troth = installed(Troth(tmp_path, workers="2"))
    client = troth.client("--grant-type", "client_credentials", name="Canary Machine")
    form = {"grant_type": "client_credentials", "scope": "read_write", **client.credentials()}

    def median(http: httpx2.Client) -> float:
        times = []
        for _ in range(200):
            began = time.perf_counter()
            assert http.post("/oauth/token", data=form).status_code == 200
            times.append(time.perf_counter() - began)
        return sorted(times)[100]

    slow: list[socket.socket] = []
    with httpx2.Client(base_url=troth.issuer, timeout=20, trust_env=False) as http:
        median(http)
        alone = median(http)
        for _ in range(short_or_long(500, 2000)):
            sock = socket.create_connection(("127.0.0.1", troth.port), timeout=20)
            sock.sendall(b"POST /oauth/token HTTP/1.1\r\nHost: ")
            slow.append(sock)
        beside = median(http)
        for sock in slow:
            sock.close()
    assert beside < 3 * alone
    assert troth.stop() == 0
    note("R20 slow connections", connections=len(slow), median_ratio=round(beside / alone, 2))
