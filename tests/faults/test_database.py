"""A database that is stopped, silent, slow or gone in COMMIT (R11, R12, FT-05, FT-06, FT-08)."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import httpx2
import pytest

from tests.conftest import installed
from tests.faults.clients import LIVES, applications, at_work
from tests.faults.figures import note, short_or_long
from tests.faults.history import History, problems
from tests.faults.proxy import Proxy
from tests.harness import OAuthClient, Troth
from tests.postgres import Cluster, binaries

# Promised are an answer within two seconds, and recovery within five. Where other tests share the
# machine only the shape is tried: without limits of our own an answer would take a minute.
ANSWERED = short_or_long(15.0, 2.0 + 0.5)
RECOVERED = short_or_long(40.0, 5.0)


@pytest.fixture(scope="module")
def database() -> Iterator[Cluster]:
    folder = binaries()
    assert folder is not None
    cluster = Cluster(folder).start()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, database: Cluster) -> Iterator[Proxy]:
    made = Proxy(tmp_path_factory.mktemp("wire"), database.folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def troth(
    tmp_path_factory: pytest.TempPathFactory, database: Cluster, proxy: Proxy
) -> Iterator[Troth]:
    folder = tmp_path_factory.mktemp("server")
    address = proxy.address(database.database())
    server = installed(Troth(folder, workers="2", **LIVES, database=address))
    yield server
    assert server.stop() == 0


def answered(client: OAuthClient, token: str, http: httpx2.Client) -> httpx2.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, **client.credentials()}
    began = time.monotonic()
    response = http.post("/oauth/token", data=form)
    assert time.monotonic() - began < ANSWERED, "R11: an answer within two seconds"
    if response.status_code != 200:
        assert response.status_code == 503, response.text
        assert int(response.headers["retry-after"]) >= 1
    return response


def until_back(client: OAuthClient, token: str, http: httpx2.Client) -> tuple[float, str]:
    """The seconds that it takes, and the token to go on with: a retry is one for a moment only."""
    began = time.monotonic()
    while (response := answered(client, token, http)).status_code != 200:
        assert time.monotonic() - began < RECOVERED, "R11: it does not recover by itself"
        time.sleep(0.05)
    return time.monotonic() - began, response.json()["refresh_token"]


def stays_up(http: httpx2.Client) -> None:
    for path in ("/oauth/jwks", "/.well-known/oauth-authorization-server"):
        assert http.get(path).status_code == 200, path


@pytest.fixture(autouse=True)
def a_good_wire(proxy: Proxy) -> Iterator[None]:
    """What a test did to the wire ends with it."""
    yield
    proxy.mode, proxy.delay = "open", 0.0


Loss = Literal["stopped", "dead wire", "refused", "frozen"]


def lose(loss: Loss, database: Cluster, proxy: Proxy) -> None:
    match loss:
        case "stopped":
            database.stop()
        case "dead wire":
            proxy.mode = "dead"
        case "refused":
            proxy.mode = "refused"
            proxy.cut()
        case "frozen":
            for pid in database.processes():
                os.kill(pid, signal.SIGSTOP)


def give_back(loss: Loss, database: Cluster, proxy: Proxy) -> None:
    proxy.mode = "open"
    if loss == "stopped":
        database.start()
    elif loss == "frozen":
        for pid in database.processes():
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("loss", ["stopped", "dead wire", "refused", "frozen"])
def test_R11_FT_05_a_lost_database_is_a_503_and_comes_back_by_itself(
    troth: Troth, database: Cluster, proxy: Proxy, loss: Loss
) -> None:
    client, person = troth.client(), troth.person()
    token = client.tokens(person)["refresh_token"]
    with httpx2.Client(base_url=troth.issuer, timeout=30, trust_env=False) as http:
        for _ in range(short_or_long(1, 20)):
            lose(loss, database, proxy)
            try:
                with ThreadPoolExecutor(8) as pool:
                    many = [pool.submit(answered, client, token, http) for _ in range(16)]
                    stays_up(http)
                    assert 503 in {one.result().status_code for one in many}
                assert answered(client, token, http).status_code == 503
                stays_up(http)
            finally:
                give_back(loss, database, proxy)
            seconds, token = until_back(client, token, http)
            note(f"R11 database {loss}", back_after_seconds=round(seconds, 2))


def test_R12_FT_06_a_slow_database_is_waited_for_within_bounds(troth: Troth, proxy: Proxy) -> None:
    client, person = troth.client(), troth.person()
    token = client.tokens(person)["refresh_token"]
    with httpx2.Client(base_url=troth.issuer, timeout=30, trust_env=False) as http:
        proxy.delay = 0.2
        # A new connection may take longer than a request waits.
        _, token = until_back(client, token, http)
        proxy.delay = 2.0
        with ThreadPoolExecutor(8) as pool:
            many = [pool.submit(answered, client, token, http) for _ in range(16)]
            stays_up(http)
            assert {one.result().status_code for one in many} == {503}
        proxy.delay = 0.0
        until_back(client, token, http)


def test_FT_08_an_answer_lost_in_commit_doubles_nothing_and_revokes_nothing(
    troth: Troth, proxy: Proxy
) -> None:
    history = History()
    them = applications(troth, history, number=6, codes=10, longest=60)
    with at_work(them):
        for number in range(short_or_long(6, 100)):
            time.sleep(0.2)
            cuts, unknown = proxy.cuts, history.unknown
            proxy.mode = "cut at commit"
            until = time.monotonic() + short_or_long(30, 5)
            while time.monotonic() < until:
                if proxy.cuts > cuts and (number % 2 or history.unknown > unknown):
                    break
                time.sleep(0.001)
            proxy.mode = "open"
        time.sleep(0.3)
    assert proxy.cuts >= 6, "nothing was cut: the test saw nothing"
    assert problems(history.calls) == []
    assert history.unknown, "nobody was left in doubt: the test saw nothing"
    note("FT-08 cut in COMMIT", cuts=proxy.cuts, calls=len(history.calls), broken_promises=0)
