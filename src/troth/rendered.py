"""Answers as they go over the wire; headers that are the same for many are rendered once."""

from collections.abc import Iterable
from http import HTTPStatus

from troth.http import JSON, Response


def lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Headers as they go over the wire."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


_JSON_LINES = lines(JSON)
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


def rendered(response: Response, common: bytes, *, head: bool, close: bool) -> bytes:
    """An answer as it goes over the wire (RFC 9112 §4, §6); `common` are lines of every answer."""
    headers, body = response.headers, response.body
    own = _JSON_LINES if headers is JSON else lines(headers)
    if response.request_id:
        own += b"x-request-id: %b\r\n" % response.request_id.encode()
    if response.status not in (204, 304):  # these have no content, not content of length 0
        own += b"content-length: %d\r\n" % len(body)
    end = b"connection: close\r\n\r\n" if close else b"\r\n"
    return b"".join((_STATUS_LINES[response.status], common, own, end, b"" if head else body))
