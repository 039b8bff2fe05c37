"""Requests behind requests, bytes behind bytes, and who does not read: `Wire` at real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn

from tests.harness import Troth
from tests.spec import spec
from troth import wire
from troth.http import Headers, Response
from troth.incoming import Come, Incoming
from troth.intake import Arrival

GET = b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\n"


class Answering:
    """An application that writes down what it was asked, and answers when it is let."""

    always: Headers = ()

    def __init__(self, body: bytes = b"yes") -> None:
        self.asked: list[Arrival] = []
        self.let: asyncio.Event | None = None
        self._answer = Response(200, (), body)

    def held_up(self) -> bool:
        return False

    def begin(self, arrival: Arrival, *, at_once: bool) -> wire.Begun:
        self.asked.append(arrival)
        return self._answer if self.let is None else asyncio.ensure_future(self._later(self.let))

    async def _later(self, let: asyncio.Event) -> Response:
        await let.wait()
        return self._answer


class Line:
    """One connection to the application, and the server's end of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def hear(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(10):
            return await self.reader.read()

    async def hear_until(self, end: bytes) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(end)


@asynccontextmanager
async def connected(
    app: Answering, made: Callable[[wire.Wire], object] = lambda one: None
) -> AsyncIterator[Line]:
    config = uvicorn.Config(app, log_config=None)  # type: ignore[arg-type]
    state = wire.State()
    loop = asyncio.get_running_loop()

    def connection() -> wire.Wire:
        one = wire.Wire(config, state, None, loop)
        made(one)
        return one

    server = await loop.create_server(connection, "127.0.0.1", 0)
    line = Line(*await asyncio.open_connection(*server.sockets[0].getsockname(), limit=2**24))
    try:
        yield line
    finally:
        line.writer.close()
        server.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)


@spec("RFC 9112 §9.3.2")
@pytest.mark.anyio
async def test_HT_08_nothing_is_read_behind_a_request_that_is_too_large() -> None:
    app = Answering()
    async with connected(app) as line:
        too_large = POST + b"Content-Length: 2000000\r\nExpect: 100-continue\r\n\r\n"
        await line.say(too_large + b"x" * 1000 + GET % b"second")
        heard = await line.hear()
    assert heard.count(b"HTTP/1.1 ") == 1, "one answer, and nobody is asked for the rest"
    assert b"connection: close" in heard
    assert [one.path for one in app.asked] == ["/"]


@spec("RFC 9110 §10.1.1")
@pytest.mark.anyio
async def test_no_continue_is_sent_to_who_does_not_know_it() -> None:
    async with connected(Answering()) as line:
        old = POST.replace(b"1.1", b"1.0") + b"Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx"
        await line.say(old)
        assert (await line.hear()).startswith(b"HTTP/1.1 200 ")


@spec("RFC 9110 §6.5.1")
@pytest.mark.anyio
async def test_HT_09_a_trailer_is_no_header() -> None:
    app = Answering()
    async with connected(app) as line:
        chunked = POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        trailer = b"X-Forwarded-For: 192.0.2.1\r\nAuthorization: Basic eDp5\r\n"
        await line.say(chunked + b"3\r\na=b\r\n0\r\n" + trailer + b"\r\n")
        assert (await line.hear()).startswith(b"HTTP/1.1 200 ")
    assert app.asked[0].body == b"a=b"
    assert [name for name, _ in app.asked[0].headers] == [
        b"host",
        b"transfer-encoding",
        b"connection",
    ]


@spec("RFC 9110 §7.8")
@pytest.mark.anyio
@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("chunked", [False, True])
async def test_who_asks_for_another_protocol_is_answered_in_this_one_with_all_that_was_sent(
    at: int, chunked: bool
) -> None:
    """Java's own client asks so, at its first request in the clear."""
    app = Answering()
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 3"
    body = b"3\r\na=b\r\n0\r\n\r\n" if chunked else b"a=b"
    asks = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEA\r\n"
    async with connected(app) as line:
        await line.say(GET % b"first" + POST + length + b"\r\n" + asks + b"\r\n" + body[:at])
        await until(lambda: bool(app.asked))
        await asyncio.sleep(0.05)
        await line.say(body[at:])
        heard = await line.hear()
    assert [one.path for one in app.asked] == ["/first", "/"]
    assert app.asked[1].body == b"a=b"
    assert heard.count(b"HTTP/1.1 200 ") == heard.count(b"HTTP/1.1 ") == 2
    assert heard.count(b"connection: close") == 1, "what follows it nobody knows"


@spec("RFC 9110 §5.5")
@pytest.mark.anyio
async def test_blanks_around_a_value_are_no_part_of_it() -> None:
    app = Answering()
    async with connected(app) as line:
        await line.say(b"GET /x HTTP/1.1\r\nHost: \th \t\r\nConnection: close \r\n\r\n")
        await line.hear()
    assert (b"host", b"h") in app.asked[0].headers


@pytest.mark.parametrize("endless", [b"y" * 65536, b"A: b\r\n" * 10_000])
def test_HT_08_a_trailer_without_an_end_is_given_up(troth: Troth, endless: bytes) -> None:
    form = b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
    begun = b"POST /oauth/token HTTP/1.1\r\nHost: h\r\n" + form + b"3\r\na=b\r\n0\r\nX: y"
    answer = troth.raw(begun + endless * 8)
    assert answer.split()[1] in (b"413", b"431")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.anyio
async def test_RX_03_who_asks_and_does_not_read_is_heard_no_further() -> None:
    app, many = Answering(b"z" * 30_000), 3000
    async with connected(app) as line:
        transport = line.writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        asked = asyncio.create_task(line.say(GET % b"page" * many))
        await asyncio.sleep(0.3)
        begun = len(app.asked)
        assert begun < many / 3, "answers wait for their reader, and not in memory"
        await asyncio.sleep(0.1)
        assert len(app.asked) == begun
        transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(many):
            await line.hear_until(b"z" * 30_000)
        await asked
    assert len(app.asked) == many


@pytest.mark.anyio
@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
async def test_RX_03_who_never_reads_is_left(monkeypatch: pytest.MonkeyPatch, more: bytes) -> None:
    monkeypatch.setattr(wire, "KEEP_ALIVE_SECONDS", 0.3)
    monkeypatch.setattr(wire, "REQUEST_SECONDS", 0.3)  # after which the clock is looked at first
    ends: list[wire.Wire] = []
    app = Answering(b"z" * 30_000_000)
    async with connected(app, ends.append) as line:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await line.say((GET % b"page").replace(b"\r\n\r\n", b"\r\n" + more + b"\r\n"))
        await until(lambda: bool(app.asked))
        await until(lambda: ends[0] not in ends[0]._state.connections)


@pytest.mark.anyio
@pytest.mark.parametrize("pieces", [1, 3])
async def test_HT_08_a_header_that_is_too_large_is_refused_in_the_same_words_in_one_piece_or_many(
    pieces: int,
) -> None:
    """How bytes travel together is the network's affair."""
    said: list[Come] = []
    incoming = Incoming("192.0.2.1", said.append, lambda: None)
    large = GET[:-2] % b"page" + b"A: " + b"y" * 130_000 + b"\r\n\r\n"
    size = len(large) // pieces + 1
    for at in range(0, len(large), size):
        incoming.feed(large[at : at + size])
    (refused,) = said
    assert isinstance(refused.what, Response)
    assert (refused.what.status, refused.what.body) == (431, b"The headers are too large.\n")


@spec("RFC 9112 §9.6")
@pytest.mark.anyio
async def test_what_is_under_way_when_the_process_ends_is_answered_as_the_last() -> None:
    app, ends = Answering(), list[wire.Wire]()
    app.let = asyncio.Event()
    async with connected(app, ends.append) as line:
        await line.say(GET % b"page")
        await until(lambda: bool(app.asked))
        ends[0].shutdown()
        app.let.set()
        assert b"connection: close" in await line.hear()


@spec("RFC 9112 §9.6")
@pytest.mark.anyio
async def test_who_comes_when_the_process_has_begun_to_end_is_answered_once() -> None:
    """Its connection was accepted before: over TLS it is there once both have shaken hands."""

    def late(one: wire.Wire) -> None:
        one._state.ending = True

    app = Answering()
    async with connected(app, late) as line:
        await line.say(GET % b"page")
        heard = await line.hear()
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in heard


@spec("RFC 9112 §9.6")
@pytest.mark.anyio
async def test_who_has_said_everything_is_still_answered() -> None:
    app = Answering()
    app.let = asyncio.Event()
    async with connected(app) as line:
        await line.say(GET % b"one" + GET % b"two")
        line.writer.write_eof()
        await until(lambda: bool(app.asked))
        app.let.set()
        assert (await line.hear()).count(b"HTTP/1.1 200 ") == 2
    assert [one.path for one in app.asked] == ["/one", "/two"]


@pytest.mark.anyio
async def test_RX_03_the_rest_of_a_request_behind_another_one_is_not_waited_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "REQUEST_SECONDS", 0.3)
    async with connected(Answering()) as line:
        await line.say(GET % b"one" + b"GET /two HTT")
        heard = await line.hear()
    assert [part[:3] for part in heard.split(b"HTTP/1.1 ")[1:]] == [b"200", b"408"]


@pytest.mark.anyio
async def test_an_answer_that_fails_ends_its_connection_and_no_other() -> None:
    class Failing(Answering):
        async def _later(self, let: asyncio.Event) -> Response:
            raise RuntimeError("canary")

    app = Failing()
    app.let = asyncio.Event()
    async with connected(app) as line:
        await line.say(GET % b"one")
        assert await line.hear() == b""
