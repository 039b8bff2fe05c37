"""What the far end may do to a fetch: send too much, too slowly, from elsewhere, or be another."""

import asyncio
import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.outside import Answer, Outside
from troth.fetch import Fetcher, FetchFailed
from troth.fetch.exchange import MOST_BYTES
from troth.fetch.values import CONNECT, PATIENCE


def fetcher_of(*outsides: Outside, ca_file: Path | None = None) -> Fetcher:
    allow = [(name, outside.port) for outside in outsides for name in outside.names]
    return Fetcher(allow, str(ca_file or outsides[0].ca_file))


@pytest.fixture
def fetcher(outside: Outside) -> Fetcher:
    return fetcher_of(outside)


async def test_a_document_is_fetched_plainly(outside: Outside, fetcher: Fetcher) -> None:
    told = (("content-type", "application/json"), ("cache-control", "max-age=9"))
    outside.answers["/plain"] = Answer({"keys": []}, headers=(*told, ("set-cookie", "a=b")))
    for _ in range(2):
        got = await fetcher.get(outside.url("/plain?a=b"), accept="application/jwk-set+json")
        assert (got.status, got.body) == (200, b'{"keys": []}')
        assert (got.content_type, got.cache_control) == ("application/json", "max-age=9")
        heard = outside.heard[-1]
        assert set(heard.headers) == {
            "host", "accept", "accept-encoding", "user-agent", "connection"
        }  # fmt: skip
        assert heard.headers["accept"] == "application/jwk-set+json"
        assert heard.headers["accept-encoding"] == "identity"
        assert heard.headers["user-agent"] == "troth"


async def test_a_form_is_posted(outside: Outside, fetcher: Fetcher) -> None:
    outside.answers["/post"] = Answer(status=204)
    form = "application/x-www-form-urlencoded"
    got = await fetcher.post(outside.url("/post"), b"logout_token=x", content_type=form)
    assert got.status == 204
    heard = outside.heard[-1]
    assert (heard.method, heard.body, heard.headers["content-type"]) == (
        "POST", b"logout_token=x", form
    )  # fmt: skip


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_refusal_is_told_as_it_is(outside: Outside, fetcher: Fetcher, status: int) -> None:
    outside.answers["/no"] = Answer(b"no", status=status)
    assert (await fetcher.get(outside.url("/no"))).status == status


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 399])
async def test_RG_13_a_redirect_is_not_followed(
    outside: Outside, fetcher: Fetcher, status: int
) -> None:
    outside.answers["/there"] = Answer(b"x")
    outside.answers["/here"] = Answer(status=status, headers=(("location", "/there"),))
    before = outside.count("/there")
    with pytest.raises(FetchFailed, match="redirect"):
        await fetcher.get(outside.url("/here"))
    assert outside.count("/there") == before


async def test_RG_14_the_largest_body_is_64_kB(outside: Outside, fetcher: Fetcher) -> None:
    outside.answers["/large"] = Answer(b"x" * MOST_BYTES)
    assert len((await fetcher.get(outside.url("/large"))).body) == MOST_BYTES == 65536
    outside.answers["/larger"] = Answer(b"x" * (MOST_BYTES + 1))
    with pytest.raises(FetchFailed, match="more than"):
        await fetcher.get(outside.url("/larger"))


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Chunks without end, as fast as they are taken."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        handler.wfile.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def endless_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"x: " + b"y" * 4096 + b"\r\n")


def gibberish(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 10)


def short(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nless")


def nothing(handler: BaseHTTPRequestHandler) -> None:
    """Hangs up without a word."""


def lying(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nless")


@pytest.mark.parametrize("write", [endless, endless_headers, gibberish, short, nothing, lying])
async def test_RG_14_an_answer_that_is_none_fails(
    outside: Outside, fetcher: Fetcher, write: object
) -> None:
    outside.answers["/broken"] = write  # type: ignore[assignment]
    with pytest.raises(FetchFailed):
        await fetcher.get(outside.url("/broken"))


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity", "x"])
async def test_RG_14_a_compressed_answer_is_not_unpacked(
    outside: Outside, fetcher: Fetcher, encoding: str
) -> None:
    """A bomb: a million times a letter in a thousand bytes."""
    bomb = gzip.compress(b"x" * 1_000_000)
    outside.answers["/bomb"] = Answer(bomb, headers=(("content-encoding", encoding),))
    with pytest.raises(FetchFailed, match="encoding"):
        await fetcher.get(outside.url("/bomb"))


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then: each comes long before a time-out between bytes would."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
    for _ in range(10_000):
        handler.wfile.write(b"x")
        time.sleep(0.02)


async def test_RG_14_FT_18_a_slow_drip_ends_with_the_patience(
    outside: Outside, fetcher: Fetcher
) -> None:
    outside.answers["/drip"] = drip
    outside.answers["/quick"] = Answer(b"x")
    await fetcher.get(outside.url("/quick"))  # what is loaded at the first fetch is loaded
    started = time.monotonic()
    with pytest.raises(FetchFailed, match="whole answer"):
        await fetcher.get(outside.url("/drip"), patience=0.5)
    assert time.monotonic() - started < 30, "the whole drip takes minutes"
    assert (PATIENCE, CONNECT) == (5.0, 3.0)


async def test_a_connection_of_another_authority_is_refused(
    outside: Outside, tmp_path: Path
) -> None:
    other = Outside(tmp_path).start()
    try:
        other.answers["/"] = Answer(b"x")
        for fetcher in (fetcher_of(other, ca_file=outside.ca_file), Fetcher(
            [("127.0.0.1", other.port)]
        )):  # fmt: skip
            with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
                await fetcher.get(other.url("/"))
        assert other.heard == []
        assert (await fetcher_of(other).get(other.url("/"))).body == b"x"
    finally:
        other.stop()


@pytest.mark.parametrize("host", ["other.example", "login.in.example.evil.example", "127.0.0.1"])
async def test_RG_18_the_certificate_must_be_of_the_name_in_the_url(
    host: str, tmp_path: Path
) -> None:
    named = Outside(tmp_path, names=("in.example",)).start()
    try:
        named.answers["/"] = Answer(b"x")
        allow = [(host, named.port), ("in.example", named.port)]
        fetcher = Fetcher(allow, str(named.ca_file), ask=lambda *_: ["127.0.0.1"])
        assert (await fetcher.get(named.url("/"))).body == b"x"
        with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await fetcher.get(named.url("/", host))
        assert len(named.heard) == 1
    finally:
        named.stop()


async def test_plain_http_goes_to_an_allowed_target_only(tmp_path: Path) -> None:
    plain = Outside(tmp_path, tls=False).start()
    try:
        plain.answers["/"] = Answer(b"x")
        allowed = Fetcher([("127.0.0.1", plain.port)])
        assert (await allowed.get(plain.url("/"))).body == b"x"
        with pytest.raises(FetchFailed, match="http"):
            await Fetcher().get(plain.url("/"))
        assert plain.connections == 1
    finally:
        plain.stop()


async def test_proxies_of_the_environment_are_not_asked(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    outside.answers["/direct"] = Answer(b"x")
    assert (await fetcher_of(outside).get(outside.url("/direct"))).body == b"x"


class Crowd:
    """Counts how many are answered at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.05)
        with self._lock:
            self.now -= 1
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


@pytest.mark.parametrize(("hosts", "most"), [(1, 2), (30, 20)])
async def test_RG_21_a_bounded_number_is_fetched_at_once(
    hosts: int, most: int, tmp_path: Path
) -> None:
    names = tuple(f"h{number}.example" for number in range(hosts))
    crowded = Outside(tmp_path, names=names).start()
    try:
        crowd = crowded.answers["/"] = Crowd()
        allow = [(name, crowded.port) for name in names]
        fetcher = Fetcher(allow, str(crowded.ca_file), ask=lambda *_: ["127.0.0.1"])
        urls = [crowded.url("/", name) for name in names] * (8 if hosts == 1 else 2)
        await asyncio.gather(*(fetcher.get(url, patience=60) for url in urls))
        assert 1 < crowd.most <= most
        assert len(crowded.heard) == len(urls)
    finally:
        crowded.stop()


async def test_RG_21_the_line_before_a_slow_host_is_bounded(
    outside: Outside, fetcher: Fetcher
) -> None:
    go_on = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        go_on.wait(60)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    outside.answers["/slow"] = slow
    try:
        url = outside.url("/slow")
        tasks = [asyncio.create_task(fetcher.get(url, patience=60)) for _ in range(40)]
        refused, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        assert {str(task.exception()) for task in refused} == {"too many wait for this host"}
    finally:
        go_on.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, FetchFailed) for each in ended) == 8
    assert (await fetcher.get(outside.url("/slow"))).status == 200


async def test_the_next_address_is_tried_where_one_refuses(outside: Outside) -> None:
    outside.answers["/second"] = Answer(b"x")
    allow = [("localhost", outside.port)]
    fetcher = Fetcher(allow, str(outside.ca_file), ask=lambda *_: ["::1", "127.0.0.1"])
    assert (await fetcher.get(outside.url("/second", "localhost"))).body == b"x"
