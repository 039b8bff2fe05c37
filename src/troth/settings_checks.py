"""What a setting may be: each refusal is one sentence that names the setting and the remedy."""

import ipaddress
import re
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from troth.looks import load_logo, parse_colour

if TYPE_CHECKING:
    from troth.settings import Settings

HostPort = tuple[str, int]


class SettingsError(Exception):
    """A setting is unknown, missing or wrong; the message says which and how to mend it."""


def is_loopback(host: str | None) -> bool:
    """Whether a host name is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def parse_listen(text: str) -> tuple[str, int]:
    """`127.0.0.1:8000` or `[::1]:8000` as host and port."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535 or not host:
        raise SettingsError(f"{text!r} is not an address and a port such as 127.0.0.1:8000")
    return host, int(port)


def parse_target(text: str) -> HostPort:
    """`internal.example:8443` as host and port, as a URL's are compared."""
    host, port = parse_listen(text)
    if not port:
        raise SettingsError(f"{text!r} is not a host and a port such as internal.example:8443")
    return host.lower(), port


def check(settings: "Settings") -> None:
    """Refuse what would be unsafe or contradictory (RFC 8414 §2 for the issuer)."""
    _check_issuer(settings.issuer)
    parse_listen(settings.listen)
    if settings.management_listen:
        parse_listen(settings.management_listen)
    if bool(settings.tls_cert_file) != bool(settings.tls_key_file):
        raise SettingsError("set TROTH_TLS_CERT_FILE and TROTH_TLS_KEY_FILE together")
    if settings.support_url and not settings.support_url.startswith(("https://", "http://")):
        raise SettingsError("TROTH_SUPPORT_URL must be an http or https address")
    _check_brand(settings.logo_file, settings.accent)
    for name, choices, said in _CHOICES:
        if getattr(settings, name) not in choices:
            raise SettingsError(f"TROTH_{name.upper()} must be {said}")
    if settings.fetch_ca_file:
        _check_authorities(settings.fetch_ca_file)
    if settings.claims_hook_url:
        _check_hook(settings.claims_hook_url)
    for name, least, most in _LIMITS:
        if not least <= getattr(settings, name) <= most:
            raise SettingsError(f"the setting {name} must be between {least} and {most}")


_CHOICES = (
    ("database_pooler", ("", "transaction"), "transaction, or not be set"),
    ("registration", ("open", "closed"), "open or closed"),
    ("log_level", ("debug", "info", "warning", "error"), "debug, info, warning or error"),
)

# In lower case and without escapes: it is compared as a string, and browsers would change it.
_ISSUER = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]*)?"
    r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*"
)


def _check_issuer(text: str) -> None:
    try:
        issuer = urlsplit(text)
        port = issuer.port
    except ValueError:
        issuer, port = urlsplit(""), None
    if issuer.scheme not in ("https", "http") or not issuer.hostname:
        raise SettingsError("TROTH_ISSUER must be an https address such as https://login.example")
    if issuer.scheme == "http" and not is_loopback(issuer.hostname):
        raise SettingsError("TROTH_ISSUER may be http only where its host is loopback; use https")
    if issuer.query or issuer.fragment or issuer.username or text.endswith(("/", "?", "#")):
        raise SettingsError("TROTH_ISSUER must have no trailing slash, query, fragment or user")
    if port == {"https": 443, "http": 80}[issuer.scheme]:
        raise SettingsError(f"TROTH_ISSUER must not name the default port: leave :{port} away")
    if not _ISSUER.fullmatch(text):
        raise SettingsError(
            "TROTH_ISSUER must have a lower case host and a plain path: https://login.example/tenant"
        )


def _check_brand(logo_file: str, accent: str) -> None:
    try:
        if accent:
            parse_colour(accent)
    except ValueError as wrong:
        raise SettingsError(f"TROTH_ACCENT: {wrong}") from None
    try:
        if logo_file:
            load_logo(logo_file)
    except (OSError, ValueError) as wrong:
        raise SettingsError(f"TROTH_LOGO_FILE: {logo_file!r} cannot be shown: {wrong}") from None


def _check_authorities(path: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (OSError, ValueError):
        raise SettingsError(
            f"TROTH_FETCH_CA_FILE: {path!r} is not a file of certificates (PEM)"
        ) from None


def _check_hook(url: str) -> None:
    from troth.fetch.url import parse
    from troth.fetch.values import FetchFailed

    wrong = SettingsError("TROTH_CLAIMS_HOOK_URL must be a plain https address; http on loopback")
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        parse(url, {(parts.hostname or "", port)})
    except (ValueError, FetchFailed):
        raise wrong from None
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise wrong


_YEAR = 366 * 86400
_LIMITS = (
    ("workers", 1, 256),
    ("code_lifetime", 1, 600),
    ("refresh_lifetime", 1, 10 * _YEAR),
    ("refresh_idle", 1, 10 * _YEAR),
    ("refresh_retry_window", 0, 60),
    ("consent_lifetime", 1, 10 * _YEAR),
    ("session_lifetime", 1, _YEAR),
    ("session_idle", 1, _YEAR),
    ("id_token_lifetime", 1, 86400),
    ("key_publish_lead", 0, 30 * 86400),
)
