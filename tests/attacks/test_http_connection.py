"""One connection: what comes in pieces, behind one another, too slowly, or too much at once."""

import asyncio
import socket
import threading
import time
from collections import Counter
from functools import partial

import pytest

from tests.harness import OAuthClient, Plain, Troth
from tests.spec import spec
from troth.admission import LONGEST_WAIT, MOST_AT_ONCE, Admission
from troth.http import Cost
from troth.line import TURN_SECONDS, Line

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def head(troth: Troth, line: str, more: str = "") -> bytes:
    return f"{line} HTTP/1.1\r\nHost: 127.0.0.1:{troth.port}\r\n{more}\r\n".encode()


@spec("RFC 9112 §9.3.2")
def test_pipelined_requests_are_answered_in_their_order(troth: Troth) -> None:
    paths = ["/oauth/jwks", "/nowhere", "/oauth/token", "/login", "/oauth/jwks"]
    requests = [head(troth, f"GET {path}") for path in paths]
    last = head(troth, "GET /oauth/jwks", "Connection: close\r\n")
    got = troth.raw(b"".join(requests) + last)
    statuses = [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"405", b"200", b"200", b"200"]
    assert got.count(b"connection: close") == 1


def test_a_request_may_come_byte_by_byte(troth: Troth) -> None:
    body = "grant_type=refresh_token&client_id=x&client_secret=y"
    more = FORM + f"Content-Length: {len(body)}\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", troth.port), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head(troth, "POST /oauth/token", more) + body.encode():
            sock.sendall(bytes([byte]))
        assert sock.recv(65536).startswith(b"HTTP/1.1 401 ")


@spec("RFC 9110 §10.1.1")
def test_who_waits_for_a_continue_gets_it(troth: Troth) -> None:
    more = FORM + "Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", troth.port), timeout=10) as sock:
        sock.sendall(head(troth, "POST /oauth/token", more))
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"a=b")
        assert sock.recv(65536).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    ("line", "more", "status"),
    [
        ("POST /oauth/token", FORM + "Content-Length: 999999999999\r\n", b"413"),
        ("POST /oauth/token", FORM + "Transfer-Encoding: chunked\r\n", b"413"),
        ("GET /login?" + "x" * 30_000, "", b"414"),
        ("GET /login", "X: " + "y" * 200_000 + "\r\n", b"431"),
        ("GET /login", "X: y\r\n" * 300, b"431"),
    ],
)
def test_HT_08_what_is_too_large_is_refused_before_it_is_whole(
    troth: Troth, line: str, more: str, status: bytes
) -> None:
    """The last bytes are never sent: the answer comes without them, and ends the connection."""
    request = head(troth, line, more)[:-2]
    if "chunked" in more:
        request += b"\r\n" + b"1000\r\n" + b"z" * 4096 + b"\r\n"
        request += (b"1000\r\n" + b"z" * 4096 + b"\r\n") * 16
    elif "Length" in more:
        request += b"\r\n"
    got = troth.raw(request)
    assert got.split()[1] == status
    assert got.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in got


@spec("RFC 9110 §15.5.9")
def test_RX_03_a_request_that_does_not_come_in_time_is_given_up(troth: Troth) -> None:
    with (
        socket.create_connection(("127.0.0.1", troth.port), timeout=30) as slow,
        socket.create_connection(("127.0.0.1", troth.port), timeout=30) as silent,
    ):
        slow.sendall(b"GET /login HTTP/1.1\r\nHost: ")
        assert slow.recv(65536).startswith(b"HTTP/1.1 408 ")
        assert slow.recv(1) == b""
        assert silent.recv(1) == b"", "and who says nothing at all is not waited for either"


def test_another_protocol_is_not_spoken(troth: Troth) -> None:
    more = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    got = troth.raw(head(troth, "GET /oauth/jwks", more + "Sec-WebSocket-Key: eA==\r\n"))
    assert got.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in got


def test_R8_places_are_bounded_by_cost_and_what_is_cheap_always_finds_one() -> None:
    admission = Admission()
    for cost, most in MOST_AT_ONCE.items():
        assert [admission.enter(cost, 0) for _ in range(most + 3)] == [True] * most + [False] * 3
        admission.leave(cost)
        assert [admission.enter(cost, 0), admission.enter(cost, 0)] == [True, False]
    assert all(admission.enter(Cost.CHEAP, 0) for _ in range(10_000))


def test_R8_there_are_as_many_places_as_can_be_answered_in_time() -> None:
    admission = Admission()

    def come(number: int, now: float) -> int:
        return sum(admission.enter(Cost.DATABASE, now) for _ in range(number))

    def leave(number: int) -> None:
        for _ in range(number):
            admission.leave(Cost.DATABASE)

    assert come(500, 1.0) == 500, "nothing is known of what they take"
    assert come(1, 1.3) == 1
    leave(100)
    assert come(1, 1.6) == 0, f"333 a second, and so {333 * LONGEST_WAIT:.0f} in time"
    assert come(1, 1.9) == 0, "a pause of the database makes no places"
    leave(401)
    assert come(500, 1.91) in (100, 101)
    leave(100)
    assert come(500, 2.2) == 500, "it was quicker"
    leave(10)
    assert come(1, 12.2) == 1, "what nobody came for in ten seconds was not slow"


async def test_R8_a_turn_of_the_loop_begins_some_answers_and_then_hears_the_others() -> None:
    line, order = Line(), list[str]()

    def dear(name: str) -> str:
        order.append(name)
        time.sleep(TURN_SECONDS)
        return name

    async def waits() -> str:
        await asyncio.sleep(0)
        return "task"

    assert line.free(time.monotonic())
    assert not line.free(time.monotonic() + TURN_SECONDS), "this turn has begun enough"
    await asyncio.sleep(0)
    assert line.free(time.monotonic() + TURN_SECONDS), "another turn"
    left = list[str]()
    leave = partial(left.append, "gone")
    futures = [line.join(partial(dear, name), leave) for name in "abc"]
    line.join(partial(dear, "gone"), leave).cancel()
    task: asyncio.Future[str] = line.join(partial(asyncio.create_task, waits()), leave)
    assert not line.free(time.monotonic()), "nobody goes before those who stand there"
    await futures[0]
    order.append("others")
    assert await asyncio.gather(*futures) == ["a", "b", "c"]
    assert await task == "task"
    assert left == ["gone"], "nobody waited for it any more"
    assert order == ["a", "others", "b", "c"]


def test_R8_who_finds_no_place_is_told_to_come_back_and_loses_nothing(
    troth: Troth, app: OAuthClient
) -> None:
    """More at once than there are places: each is served or refused with 503, none is dropped."""
    form = f"token=x&client_id={app.client_id}&client_secret={app.secret}"
    one = head(troth, "POST /oauth/introspect", FORM + f"Content-Length: {len(form)}\r\n")
    many = 2 * MOST_AT_ONCE[Cost.DATABASE] + 200
    sockets = [socket.create_connection(("127.0.0.1", troth.port), timeout=20) for _ in range(many)]
    start = threading.Barrier(4)
    statuses: Counter[bytes] = Counter()
    told: set[bool] = set()

    def ask(mine: list[socket.socket]) -> None:
        start.wait()
        for sock in mine:
            sock.sendall(one + form.encode())
        for sock in mine:
            answer = sock.recv(65536)
            statuses[answer.split()[1]] += 1
            if answer.split()[1] == b"503":
                told.add(b"\r\nretry-after: 1\r\n" in answer)

    threads = [threading.Thread(target=ask, args=(sockets[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for sock in sockets:
        sock.close()
    assert sum(statuses.values()) == many
    assert set(statuses) <= {b"200", b"503"}
    assert statuses[b"200"] >= MOST_AT_ONCE[Cost.DATABASE]
    assert told <= {True}
    with Plain(troth) as http:
        assert http.get("/oauth/jwks").status_code == 200
    assert not app.active("x")
