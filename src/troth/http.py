"""HTTP as the endpoints see it: one request value, a strict form parser, the few answers.

Everything is `no-store` unless it says otherwise, and only `redirect` here makes a Location.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from troth.errors import OAuthError, invalid_request
from troth.page_policy import BROWSER, framed_headers, opened, page_headers
from troth.page_policy import Headers as Headers  # noqa: PLC0414 (named here too)
from troth.page_policy import PageOptions as PageOptions  # noqa: PLC0414
from troth.value import frozen, frozen_positional

MOST_KEYS = 100
_FORM = b"application/x-www-form-urlencoded"
_ENCODED = re.compile(rb"[%+\0\x80-\xff]")
_ENCODED_TEXT = re.compile(r"[%+\0\x80-\xff]")
_NONE: frozenset[str] = frozenset()
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_PRINTABLE = re.compile(r"[!-~]*")


class Cost(StrEnum):
    """What an answer asks of the machine: next to nothing, the database, or a password's hash."""

    CHEAP = "cheap"
    DATABASE = "database"
    PASSWORD = "password"


@frozen
class Request:
    """One request, whole. `peer` is the client's address after trusted proxies were considered."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes
    peer: str
    request_id: str

    def header(self, name: bytes) -> str | None:
        """The value of a header that occurs once; None where it is absent or repeated."""
        found: bytes | None = None
        for key, value in self.headers:
            if key == name:
                if found is not None:
                    return None
                found = value
        return None if found is None else found.decode("latin-1")

    @property
    def prefers_html(self) -> bool:
        """Whether the caller is a browser that wants to read an error as a page."""
        return "text/html" in (self.header(b"accept") or "")

    def header_values(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for key, value in self.headers if key == name]


@frozen_positional
class Response:
    """An answer, whole. `request_id` becomes its `x-request-id`."""

    status: int
    headers: Headers
    body: bytes = b""
    request_id: str = ""

    def adding(self, headers: Headers) -> "Response":
        """The same answer with more headers."""
        return Response(self.status, self.headers + headers, self.body, self.request_id)

    def to(self, request_id: str) -> "Response":
        """The same answer to this request."""
        return Response(self.status, self.headers, self.body, request_id)


@dataclass(frozen=True, slots=True)
class Form(Mapping[str, str]):
    """Parameters, once each. An empty value is an absent one (RFC 6749 §3.1).

    `repeated` names what came more than once; `resource` alone may (RFC 8707 §2). A checkbox list
    of a page's own form may too: `parse_form` is told its name, `several` holds its values.
    """

    values_: Mapping[str, str]
    repeated: frozenset[str] = frozenset()
    several: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        return self.values_[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.values_.get(name, default)

    def __contains__(self, name: object) -> bool:
        return name in self.values_

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def parse_parameters(raw: bytes, list_name: str = "resource") -> Form:
    """Decode `a=b&c=d` strictly, recording repetitions (WHATWG URL form encoding, UTF-8).

    Raises `invalid_request` for broken escapes, text that is not UTF-8, NUL, too many keys.
    """
    values: dict[str, str] = {}
    repeated: set[str] = set()
    several: list[str] = []
    # Latin 1 gives each byte its character: what is not ASCII is decoded with its escapes.
    pieces = raw.decode("latin-1").split("&") if raw else []
    if len(pieces) > MOST_KEYS:
        raise invalid_request("too many parameters", reason=f"{len(pieces)} parameters")
    encoded = _ENCODED.search(raw) is not None
    for piece in pieces:
        if not piece:
            continue
        name, _, value = piece.partition("=")
        if encoded and _ENCODED_TEXT.search(piece):
            name, value = _decode(name), _decode(value)
        if name == list_name:
            several.append(value)
        elif name in values:
            repeated.add(name)
        else:
            values[name] = value
    if "" in values.values():
        values = {name: value for name, value in values.items() if value}
    return Form(
        values,
        frozenset(repeated) if repeated else _NONE,
        tuple(value for value in several if value) if several else (),
    )


def _decode(text: str) -> str:
    raw = text.encode("latin-1")
    if b"%" in raw or b"+" in raw:
        if _BROKEN_ESCAPE.search(raw):
            raise invalid_request("a parameter is not well encoded", reason="broken % escape")
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    if b"\0" in raw:
        raise invalid_request("a parameter is not well encoded", reason="NUL in a parameter")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid_request("a parameter is not well encoded", reason="not UTF-8") from None


def parse_form(request: Request, list_name: str = "resource") -> Form:
    """The body's parameters, each at most once (RFC 6749 §3.2); none in the URL (§2.3.1)."""
    require_form(request)
    if request.query:
        raise invalid_request("parameters belong in the body", reason="query string on a POST")
    form = parse_parameters(request.body, list_name)
    if form.repeated:
        raise invalid_request(
            "a parameter is repeated", reason=f"repeated: {sorted(form.repeated)}"
        )
    return form


def require_form(request: Request) -> None:
    """Refuse every body that is not a form (RFC 6749 appendix B)."""
    content_type = (request.header(b"content-type") or "").encode("latin-1")
    if content_type == _FORM:
        return
    if content_type.split(b";")[0].strip().lower() != _FORM:
        raise OAuthError(
            "unsupported_media_type",
            "the body must be application/x-www-form-urlencoded",
            reason=f"content type {content_type[:80]!r}",
        )


JSON: Headers = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
)


def json(status: int, body: object, extra: Headers = ()) -> Response:
    """A JSON answer that nobody may keep (RFC 6749 §5.1)."""
    return Response(status, JSON + extra if extra else JSON, msgspec.json.encode(body))


def retry_after(seconds: int) -> Headers:
    """When to come again (RFC 9110 §10.2.3)."""
    return ((b"retry-after", str(seconds).encode()),)


def jwt(text: str) -> Response:
    """A JWT as the whole answer (OIDC Core §5.3.2)."""
    headers = ((b"content-type", b"application/jwt"), *JSON[1:])
    return Response(200, headers, text.encode("ascii"))


_CLOSED = PageOptions()


def page(status: int, body: bytes, options: PageOptions = _CLOSED) -> Response:
    """An HTML page under a strict content security policy: no script, no frame, no stranger."""
    return Response(status, page_headers(options), body)


def framed_page(body: bytes) -> Response:
    """A page without content or controls that any site may hold in a frame."""
    return Response(200, framed_headers(), body)


def redirect(location: str, extra: Headers = (), *, opener: bool = False) -> Response:
    """303 (RFC 9700 §4.12): a form that was posted is never posted again elsewhere.

    `opener` as in `PageOptions`: a redirect cuts a window off from its opener, too.
    """
    browser = opened(BROWSER) if opener else BROWSER
    return Response(303, ((b"location", _ascii(location)), *browser, *extra))


def _ascii(location: str) -> bytes:
    if not _PRINTABLE.fullmatch(location):
        raise ValueError("a Location must be printable ASCII")
    return location.encode("ascii")
