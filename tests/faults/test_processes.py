"""A process that is lost or hangs takes nothing with it: the others serve (FT-21)."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.engines import Engine
from tests.faults.asked import get, post
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.figures import note, percentile, short_or_long
from tests.faults.history import History, problems
from tests.faults.processes import workers
from tests.faults.test_restart import begun
from tests.harness import OAuthClient, Troth
from troth.line import HELD_UP_SECONDS

# Seconds after which a silent worker is taken for hung here; who lives is heard every second.
SILENT = 4


def test_FT_21_workers_end_with_their_supervisor_and_leave_their_addresses(
    tmp_path: Path, running: Callable[[Troth], Troth]
) -> None:
    """As after a memory killer: what had begun is answered, and a new server can start at once."""
    troth = running(Troth(tmp_path, workers="2"))
    form = b"grant_type=refresh_token&client_id=x&client_secret=y"
    head = (
        f"POST /oauth/token HTTP/1.1\r\nhost: 127.0.0.1:{troth.port}\r\n"
        f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(form)}\r\n\r\n"
    )
    connections = begun(troth, head.encode() + form)
    assert troth._process is not None
    before = workers(troth)
    troth._process.kill()
    troth._process.wait(30)
    until_refused(troth.port)
    for sock in connections:
        sock.sendall(form[-5:])
        assert sock.recv(65536).startswith(b"HTTP/1.1 401 "), "what had begun was not answered"
        sock.close()
    troth.start()
    assert set(before).isdisjoint(workers(troth))
    assert httpx2.get(f"{troth.issuer}/oauth/jwks", trust_env=False).status_code == 200
    assert troth.stop() == 0


def until_refused(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.02)
    raise AssertionError("somebody still listens")


def impatient(troth: Troth) -> Troth:
    troth.command = ("-m", "tests.faults.impatient_server", str(SILENT))
    return troth


def test_FT_21_a_worker_that_hangs_stops_nobody_who_comes_and_is_replaced(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    """Wherever it hangs, and whatever it had begun: the other one and the next go on with it."""
    troth = running(impatient(engine.troth(tmp_path, workers="2", **LIVES)))
    app = troth.client("--grant-type", "client_credentials")
    form = {"grant_type": "client_credentials", **app.credentials()}
    history = History()
    longest = short_or_long(200, 20_000)
    with at_work(applications(troth, history, number=6, codes=10, longest=longest)):
        for nth in range(short_or_long(1, 20)):
            hangs, stays = workers(troth)
            os.kill(hangs, signal.SIGSTOP)
            began = time.monotonic()
            while hangs in workers(troth):  # each on a connection of its own
                assert app.post("/oauth/token", form).status_code == 200
                assert time.monotonic() < began + 60, "it is not replaced"
            until_replaced(troth, nth + 1)
            assert stays in workers(troth), "it never hung"
            until_more_is_known(history)
            # Until the new one has begun: one that finds the database locked ends, and is no harm.
            time.sleep(short_or_long(0, 3))
    assert problems(history.calls) == []
    assert f"worker {hangs} gave no sign of life for {SILENT} seconds" in troth.log()
    assert troth.stop() == 0


def until_replaced(troth: Troth, times: int) -> None:
    told = f'troth_workers_replaced_total{{outcome="hung"}} {times}.0'
    address = f"http://127.0.0.1:{troth.management_port}/metrics"
    wait_for(lambda: told in httpx2.get(address, trust_env=False).text)
    wait_for(lambda: len(workers(troth)) == 2)


def until_more_is_known(history: History) -> None:
    known = history.known
    wait_for(lambda: history.known > known + 20)


def wait_for(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not come():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.02)


def test_FT_21_a_machine_that_was_suspended_finds_no_worker_hung(
    tmp_path: Path, running: Callable[[Troth], Troth]
) -> None:
    """Who was held up itself heard nobody, and says nothing of that."""
    troth = running(impatient(Troth(tmp_path, workers="2")))
    before = workers(troth)
    assert troth._process is not None
    everybody = [troth._process.pid, *before]
    for told, seconds in ((signal.SIGSTOP, SILENT + 1), (signal.SIGCONT, 1)):
        for pid in everybody:
            os.kill(pid, told)
        time.sleep(seconds)
    assert workers(troth) == before
    assert "no sign of life" not in troth.log()
    assert troth.stop() == 0


def test_AD_11_what_a_command_ended_is_known_to_every_process_within_a_second(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    troth = running(engine.troth(tmp_path, workers="2"))
    seconds = []
    for _ in range(short_or_long(2, 100)):
        app = troth.client("--grant-type", "client_credentials")
        seconds.append(disabled(troth, app))
    note(
        f"a disabled client, {engine.variant}",
        trials=len(seconds),
        refused_everywhere_p99_seconds=round(percentile(seconds, 0.99), 3),
    )
    assert max(seconds) <= short_or_long(30.0, 1.0)
    assert troth.stop() == 0


def disabled(troth: Troth, app: OAuthClient) -> float:
    """From the command's end until eight connections, of whichever process, are all refused."""
    form = {"grant_type": "client_credentials", **app.credentials()}
    https = [httpx2.Client(base_url=troth.issuer, timeout=30, trust_env=False) for _ in range(8)]

    def statuses() -> set[int]:
        return {http.post("/oauth/token", data=form).status_code for http in https}

    assert statuses() == {200}, "each process keeps the client"
    troth.cli("client", "disable", app.client_id)
    began = time.monotonic()
    while (now := time.monotonic()) < began + 40 and statuses() != {401}:
        pass
    for http in https:
        http.close()
    return now - began


def test_FT_21_what_was_given_up_is_not_done_by_a_process_that_wakes_later(
    tmp_path: Path, running: Callable[[Troth], Troth], engine: Engine
) -> None:
    """The client asked again elsewhere and went on: its first request is no replay."""
    troth = running(engine.troth(tmp_path, workers="2"))
    client, hangs = troth.client(), workers(troth)[0]
    token = client.tokens(troth.person())["refresh_token"]
    form = {"grant_type": "refresh_token", **client.credentials(), "refresh_token": token}
    given_up, witness = connections_of(hangs, troth)
    os.kill(hangs, signal.SIGSTOP)
    try:
        given_up.sendall(post(troth.port, "/oauth/token", form))
        given_up.close()
        witness.sendall(get(troth.port, "/oauth/jwks"))
        for _ in range(2):
            answered = client.refresh(token)
            assert answered.status_code == 200
            token = answered.json()["refresh_token"]
        time.sleep(2 * HELD_UP_SECONDS)  # nobody gives up sooner
    finally:
        os.kill(hangs, signal.SIGCONT)
    assert witness.recv(65536).startswith(b"HTTP/1.1 200 "), "it has gone on"
    time.sleep(0.5)  # what must not happen would by now have happened
    witness.close()
    assert client.refresh(token).status_code == 200, "the grant lives"
    assert "refresh_token.replayed" not in troth.log()
    assert troth.stop() == 0


def connections_of(pid: int, troth: Troth) -> list[socket.socket]:
    """Two connections that this worker has accepted."""
    found: list[socket.socket] = []
    while len(found) < 2:
        sock = socket.create_connection(("127.0.0.1", troth.port), timeout=60)
        sock.sendall(get(troth.port, "/oauth/jwks"))
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        if inode(troth.port, sock.getsockname()[1]) in inodes(pid):
            found.append(sock)
        else:
            sock.close()
    return found


def inode(port: int, other: int) -> str:
    """The server's end of a connection, as the kernel numbers it."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    ends = {(int(r[1].split(":")[1], 16), int(r[2].split(":")[1], 16)): r[9] for r in rows}
    return f"socket:[{ends[port, other]}]"


def inodes(pid: int) -> set[str]:
    return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
