"""What a browser may do with a page of ours: the headers that say it.

The policy is closed: no script, no frame, no stranger. A page that needs more names it in its
`PageOptions`, and gets exactly that.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

Headers = tuple[tuple[bytes, bytes], ...]

_OPENER = b"cross-origin-opener-policy"
_SHARING = b"cross-origin-resource-policy"

BROWSER: Headers = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (_OPENER, b"same-origin"),
    (_SHARING, b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)

_HTML = (b"content-type", b"text/html; charset=utf-8")
_POLICY = b"content-security-policy"


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What a page needs beyond its bytes.

    `form_targets` are the sources that its forms may lead to, `extra` cookies and other headers.
    `script` lets the page run scripts of this server's own files. `frames` are the addresses that
    it holds in frames (OIDC Front-Channel Logout). `opener` leaves the window that opened this one
    its hold on it: what an application needs that asked for `display=popup`.
    """

    form_targets: tuple[str, ...] = ()
    extra: Headers = field(default=())
    script: bool = False
    frames: tuple[str, ...] = ()
    opener: bool = False


def page_headers(options: PageOptions) -> Headers:
    """The headers of a page that nobody may hold in a frame."""
    directives = ["default-src 'none'", "style-src 'self'", "img-src 'self'"]
    if options.script:
        directives.append("script-src 'self'")
    if options.frames:
        sources = dict.fromkeys(source(address) for address in options.frames)
        directives.append(" ".join(("frame-src", *sources)))
    directives += (
        " ".join(("form-action 'self'", *options.form_targets)),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    policy = "; ".join(directives).encode("latin-1", "replace")
    browser = opened(BROWSER) if options.opener else BROWSER
    return (_HTML, (_POLICY, policy), *browser, *options.extra)


def framed_headers() -> Headers:
    """The headers of a page that any site may hold in a frame (OIDC Session Management §3.3).

    Its script is its only content: there is nothing on it that a stolen click could press.
    """
    policy = (
        b"default-src 'none'; script-src 'self'; form-action 'none'; base-uri 'none'; "
        b"frame-ancestors *"
    )
    kept = [
        (name, b"cross-origin" if name == _SHARING else value)
        for name, value in BROWSER
        if name not in (b"x-frame-options", _OPENER)
    ]
    return (_HTML, (_POLICY, policy), *kept)


def opened(headers: Headers) -> Headers:
    """The same headers without the one that cuts a window off from its opener."""
    return tuple(header for header in headers if header[0] != _OPENER)


def source(address: str) -> str:
    """The address as a source of a policy: its origin, or its scheme where no origin can be said.

    A policy has no words for an IPv6 host, and none for the host of a private-use scheme.
    """
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    plain = host.isascii() and all(char.isalnum() or char in ".-:_" for char in host)
    if parts.scheme in ("https", "http") and host and plain:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}:"
