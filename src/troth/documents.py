"""Documents that are the same for everyone: made once, kept as bytes, answered without work."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from troth.http import Headers, Request, Response


@dataclass(frozen=True, slots=True)
class PublicDocument:
    """Bytes that are the same for everyone, made once: the key set, the metadata."""

    etag: str
    found: Response
    not_modified: Response

    def answer(self, request: Request) -> Response:
        """Whole, or 304 for who has it already (RFC 9110 §13.1.2)."""
        known = request.header(b"if-none-match")
        if known is not None and self.etag in known.replace("W/", "").split(", "):
            return self.not_modified
        return self.found


def public_document(value: object) -> PublicDocument:
    """`value` as a JSON document that anybody may fetch, and keep for an hour."""
    body = msgspec.json.encode(value)
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers: Headers = (
        (b"cache-control", b"public, max-age=3600"),
        (b"etag", etag.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    )
    return PublicDocument(
        etag,
        found=Response(200, ((b"content-type", b"application/json"), *headers), body),
        not_modified=Response(304, headers),
    )


class Documents:
    """Public documents, each made once for what it was made from."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[object, PublicDocument]] = {}

    def get(self, name: str, basis: object, make: Callable[[], object]) -> PublicDocument:
        """The document `name`; made anew when `basis` is no longer what it was."""
        made = self._made.get(name)
        if made is None or made[0] != basis:
            made = self._made[name] = (basis, public_document(make()))
        return made[1]
