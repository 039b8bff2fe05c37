"""Requests out of the bytes of one connection (RFC 9112). httptools, Node's parser, reads them.

Every part of a request has a bound, and what passes one is refused without its rest. Nothing is
read behind a request that none may follow.
"""

from collections.abc import Callable

import httptools

from troth import log
from troth.http import Response
from troth.intake import LONGEST_BODY, LONGEST_HEADERS, LONGEST_URL, MOST_HEADERS, Arrival
from troth.intake import target as target_of
from troth.rendered import lines
from troth.value import frozen_positional

# Bytes of a request beside its body; those in one chunk with another request are not counted.
_MOST_BESIDE = 2 * (LONGEST_URL + LONGEST_HEADERS)
_OF_AN_UPGRADE = (b"upgrade", b"connection", b"expect")
_PLAIN = ((b"content-type", b"text/plain; charset=utf-8"),)
_MALFORMED = Response(400, _PLAIN, b"This is not HTTP/1.1.\n")
_HEAD_TOO_LARGE = Response(431, _PLAIN, b"The headers are too large.\n")
TOO_SLOW = Response(408, _PLAIN, b"The request did not come in time.\n")


@frozen_positional
class Come:
    """A request that has come, or the answer that it has already.

    `again` says that another may follow, `rest` that this one's rest may still be on its way.
    """

    what: Arrival | Response
    again: bool
    rest: bool = False


class Incoming:
    """What one client sends. `come` is told of each request, `go_ahead` of who waits to be asked.

    `idle` is between two requests, `over` behind the last one; `began` says that a request began in
    what was fed last.
    """

    def __init__(
        self, peer: str, come: Callable[[Come], None], go_ahead: Callable[[], None]
    ) -> None:
        self.idle, self.over, self.began = True, False, False
        self._peer = peer
        self._come = come
        self._go_ahead = go_ahead
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        if self.over:
            return
        self.began = self._another = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            self._without_upgrade(data[stopped.args[0] :])
        except httptools.HttpParserError:
            if not self.over:
                log.logger().warning("http.malformed", peer=self._peer)
                self._end_with(_MALFORMED)
        else:
            self._count(len(data))

    def _count(self, came: int) -> None:
        """The parser keeps a header until its end: one that never ends must not fill it."""
        if not (self.idle or self.over or self._another):
            self._came += came
            if self._came - len(self._body) > _MOST_BESIDE:
                self._end_with(_HEAD_TOO_LARGE)

    def _without_upgrade(self, rest: bytes) -> None:
        """No other protocol is spoken here: the request is read as if none had been asked for.

        The parser takes what comes behind its head for that protocol, also where it is a body
        (RFC 9110 §7.8). What follows the request nobody knows.
        """
        if self.over:
            return
        parser, self._parser = self._parser, httptools.HttpRequestParser(self)
        head = b"%b %b HTTP/%b\r\n" % (
            parser.get_method(),
            self._url,
            parser.get_http_version().encode(),
        )
        kept = (each for each in self._headers if each[0] not in _OF_AN_UPGRADE)
        self.feed(head + lines(kept) + b"connection: close\r\n\r\n" + rest)

    # What the parser tells

    def on_message_begin(self) -> None:
        self.idle, self.began, self._head_ended = False, True, False
        self._came = self._size = 0
        self._url = self._body = b""
        self._headers: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > 2 * LONGEST_URL:
            self._refuse()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_ended:  # a trailer is no header (RFC 9110 §6.5.1)
            self._headers.append((name.lower(), value.rstrip(b" \t")))
        self._size += len(name) + len(value)
        if self._size > 2 * LONGEST_HEADERS:
            self._refuse(_HEAD_TOO_LARGE)  # as where it came in pieces, of which none was the last
        elif len(self._headers) > 2 * MOST_HEADERS:
            self._refuse()

    def on_headers_complete(self) -> None:
        self._head_ended = True
        waits = False
        for name, value in self._headers:
            if name == b"content-length" and int(value) > LONGEST_BODY:
                self._refuse()
            elif name == b"expect" and value.lower() == b"100-continue":
                waits = self._parser.get_http_version() != "1.0"  # RFC 9110 §10.1.1
            elif name == b"transfer-encoding" and self._parser.get_http_version() == "1.0":
                self._refuse(_MALFORMED)  # RFC 9112 §6.1
        if waits and not self.over:
            self._go_ahead()

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > LONGEST_BODY:
            self._refuse()

    def on_message_complete(self) -> None:
        parser = self._parser
        upgrade = parser.should_upgrade()
        if not (self.over or (upgrade and parser.get_method() != b"CONNECT")):
            again = parser.should_keep_alive() and not upgrade
            self.idle, self.over, self._another = True, not again, True
            self._come(Come(self._arrival(), again))

    def _refuse(self, answer: Response | None = None) -> None:
        """What is too large is refused for it by whoever looks at it, and nothing can follow it."""
        if not self.over:
            self._end_with(answer or self._arrival())

    def _end_with(self, what: Arrival | Response) -> None:
        self.idle = self.over = True
        self._come(Come(what, again=False, rest=True))

    def _arrival(self) -> Arrival | Response:
        try:
            path, query = target_of(self._url)
        except ValueError:  # not ASCII is one too
            return _MALFORMED
        method, headers = self._parser.get_method().decode("ascii"), tuple(self._headers)
        return Arrival(method, path, len(self._url), query, headers, self._body, self._peer)
