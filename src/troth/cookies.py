"""Cookies: `__Host-` and Secure wherever the issuer is https (RFC 6265, its 6265bis prefixes)."""

from troth.http import Headers, Request


def cookie(name: str, value: str, *, secure: bool, max_age: int | None = None) -> Headers:
    """A Set-Cookie header: `__Host-` and Secure, or neither on an http loopback issuer."""
    text = f"{cookie_name(name, secure=secure)}={value}; Path=/; HttpOnly; SameSite=Lax"
    if secure:
        text += "; Secure"
    if max_age is not None:
        text += f"; Max-Age={max_age}"
    return ((b"set-cookie", text.encode("ascii")),)


def open_cookie(name: str, value: str, *, secure: bool) -> Headers:
    """A Set-Cookie header that scripts of this origin may read, also in a frame of another's page.

    For what is no secret: it tells that something changed (OIDC Session Management §3.2).
    """
    text = f"{cookie_name(name, secure=secure)}={value}; Path=/; SameSite="
    text += "None; Secure" if secure else "Lax"
    return ((b"set-cookie", text.encode("ascii")),)


def cookie_name(name: str, *, secure: bool) -> str:
    return f"__Host-{name}" if secure else name


def read_cookie(request: Request, name: str, *, secure: bool) -> str | None:
    """A cookie's value; None where it is absent, or where two of the name came (tossing)."""
    wanted = cookie_name(name, secure=secure)
    found: list[str] = []
    for header in request.header_values(b"cookie"):
        for part in header.split(";"):
            key, _, value = part.partition("=")
            if key.strip() == wanted:
                found.append(value.strip())
    return found[0] if len(found) == 1 else None
