"""The settings: read once from a TOML file and TROTH_* variables, checked, then frozen.

An unknown key stops the start and is named. The environment wins over the file. Every field's
documentation is its `doc`, from which the reference page is generated.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingsError(Exception):
    """A setting is unknown, missing or wrong; the message says which and how to mend it."""


def _doc(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a server. Durations are whole seconds."""

    issuer: str = _doc(
        "http://127.0.0.1:8000", "The issuer identifier; http only where its host is loopback."
    )
    database: str = _doc(
        "", "Where everything is kept: `sqlite:///absolute/path` or `postgresql://user@host/name`."
    )
    database_pooler: str = _doc(
        "", "`transaction`: between Troth and PostgreSQL is PgBouncer in transaction mode."
    )
    listen: str = _doc("127.0.0.1:8000", "Address and port of the public listener.")
    management_listen: str = _doc(
        "", "Address and port for /health and /metrics; empty: no such listener."
    )
    workers: int = _doc(1, "Server processes that share the listening sockets.")
    master_key_file: str = _doc("", "File with the master key: 32 bytes, base64url, one line.")
    tls_cert_file: str = _doc("", "Certificate chain (PEM) for Troth's own TLS.")
    tls_key_file: str = _doc("", "Private key (PEM) for Troth's own TLS.")
    trusted_proxies: tuple[Network, ...] = _doc(
        (), "Networks whose X-Forwarded-For is believed, comma-separated; nobody by default."
    )
    default_audience: str = _doc("", "Audience of access tokens; empty: the issuer.")
    operator_name: str = _doc("Troth", "Your name, as people see it on every page.")
    support_url: str = _doc("", "Where people find help; shown on the login page.")
    code_lifetime: int = _doc(60, "How long an authorization code lives, at most 600.")
    refresh_lifetime: int = _doc(90 * 86400, "Absolute life of a refresh chain.")
    refresh_idle: int = _doc(14 * 86400, "A chain that is not refreshed for so long ends.")
    refresh_retry_window: int = _doc(
        30, "A lost refresh answer may be asked for again within so long, at most 60; 0: never."
    )
    consent_lifetime: int = _doc(365 * 86400, "How long a consent is remembered.")
    session_lifetime: int = _doc(12 * 3600, "Absolute life of a login session.")
    session_idle: int = _doc(30 * 60, "A login session that is not used for so long ends.")
    key_publish_lead: int = _doc(86400, "A new signing key is published so long before it signs.")
    log_level: str = _doc("info", "debug, info, warning or error.")

    @property
    def audience(self) -> str:
        return self.default_audience or self.issuer

    @property
    def base(self) -> str:
        """The issuer's path, without a trailing slash: the prefix of every route."""
        return urlsplit(self.issuer).path.rstrip("/")

    @property
    def origin(self) -> str:
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def postgres(self) -> bool:
        return self.database.startswith(("postgresql://", "postgres://"))

    @property
    def secure(self) -> bool:
        return self.issuer.startswith("https://")


def is_loopback(host: str | None) -> bool:
    """Whether a host name is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def load(environ: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """Read and check the settings; raises `SettingsError` with one sentence.

    `file` is a TOML file; without it TROTH_CONFIG_FILE names one, or none is read.
    """
    environ = os.environ if environ is None else environ
    known = {f.name for f in fields(Settings)}
    named = environ.get("TROTH_CONFIG_FILE")
    path = file or (Path(named) if named else None)
    values = _read_file(path, known) if path else {}
    for variable, text in environ.items():
        if variable.startswith("TROTH_") and variable not in _NOT_SETTINGS:
            name = variable.removeprefix("TROTH_").lower()
            if name not in known:
                raise SettingsError(f"{variable} is not a setting of Troth; remove or correct it")
            values[name] = text
    hints = get_type_hints(Settings)
    settings = Settings(**{name: _convert(name, hints[name], v) for name, v in values.items()})
    check(settings)
    return settings


_NOT_SETTINGS = frozenset({"TROTH_CONFIG_FILE"})


def _read_file(path: Path, known: set[str]) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"the settings file {path} cannot be read: {error}") from None
    for name in table:
        if name not in known:
            raise SettingsError(f"{path}: {name!r} is not a setting of Troth; remove or correct it")
    return dict(table)


def _convert(name: str, wanted: Any, value: Any) -> Any:
    try:
        if wanted is int:
            if isinstance(value, bool | float):  # int() would round them
                raise TypeError
            return int(value)
        if wanted is str:
            return str(value)
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(ipaddress.ip_network(part.strip()) for part in parts if part.strip())
    except (ValueError, TypeError, AttributeError):
        raise SettingsError(f"the setting {name} cannot be {value!r}") from None


def parse_listen(text: str) -> tuple[str, int]:
    """`127.0.0.1:8000` or `[::1]:8000` as host and port."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535 or not host:
        raise SettingsError(f"{text!r} is not an address and a port such as 127.0.0.1:8000")
    return host, int(port)


def database_path(settings: Settings) -> Path:
    """The file of a `sqlite:///absolute/path` database."""
    if not settings.database:
        raise SettingsError("TROTH_DATABASE is not set; say sqlite:///absolute/path")
    if settings.postgres:
        raise SettingsError("this is for SQLite; PostgreSQL has its own tools, such as pg_dump")
    path = settings.database.removeprefix("sqlite://")
    if path == settings.database or not path.startswith("/"):
        raise SettingsError(
            "TROTH_DATABASE must be sqlite:///absolute/path or postgresql://user@host/name"
        )
    return Path(path)


def check(settings: Settings) -> None:
    """Refuse what would be unsafe or contradictory (RFC 8414 §2 for the issuer)."""
    _check_issuer(settings.issuer)
    parse_listen(settings.listen)
    if settings.management_listen:
        parse_listen(settings.management_listen)
    if bool(settings.tls_cert_file) != bool(settings.tls_key_file):
        raise SettingsError("set TROTH_TLS_CERT_FILE and TROTH_TLS_KEY_FILE together")
    if settings.support_url and not settings.support_url.startswith(("https://", "http://")):
        raise SettingsError("TROTH_SUPPORT_URL must be an http or https address")
    if settings.database_pooler not in ("", "transaction"):
        raise SettingsError("TROTH_DATABASE_POOLER must be transaction, or not be set")
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise SettingsError("TROTH_LOG_LEVEL must be debug, info, warning or error")
    for name, least, most in _LIMITS:
        if not least <= getattr(settings, name) <= most:
            raise SettingsError(f"the setting {name} must be between {least} and {most}")


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
    ("key_publish_lead", 0, 30 * 86400),
)
