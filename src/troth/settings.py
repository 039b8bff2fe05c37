"""The settings: read once from a TOML file and TROTH_* variables, checked, then frozen.

An unknown key stops the start and is named. The environment wins over the file. Every field's
documentation is its `doc`, from which the reference page is generated.
"""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from troth.settings_checks import (
    HostPort,
    SettingsError,
    check,
    is_loopback,
    parse_listen,
    parse_target,
)
from troth.settings_claims import CustomClaim, parse_claims

__all__ = [
    "Settings",
    "SettingsError",
    "check",
    "database_path",
    "is_loopback",
    "load",
    "parse_listen",
]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


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
    logo_file: str = _doc(
        "", "Your logo for every page: PNG, JPEG or WebP, at most 128 kB, shown 28 pixels high."
    )
    accent: str = _doc(
        "", "Your colour as `#rrggbb`; shades of it that can be read stand for Troth's green."
    )
    code_lifetime: int = _doc(60, "How long an authorization code lives, at most 600.")
    refresh_lifetime: int = _doc(90 * 86400, "Absolute life of a refresh chain.")
    refresh_idle: int = _doc(14 * 86400, "A chain that is not refreshed for so long ends.")
    refresh_retry_window: int = _doc(
        30, "A lost refresh answer may be asked for again within so long, at most 60; 0: never."
    )
    consent_lifetime: int = _doc(365 * 86400, "How long a consent is remembered.")
    session_lifetime: int = _doc(12 * 3600, "Absolute life of a login session.")
    session_idle: int = _doc(30 * 60, "A login session that is not used for so long ends.")
    id_token_lifetime: int = _doc(3600, "How long an ID token lives.")
    registration: str = _doc(
        "closed", "`open`: people may make their own accounts (`prompt=create`)."
    )
    claims: tuple[CustomClaim, ...] = _doc(
        (),
        "What scopes of yours tell of a person: a table of scopes, each with a list of claims or a "
        "table of claim = name in the record; in the environment the same as JSON.",
    )
    key_publish_lead: int = _doc(86400, "A new signing key is published so long before it signs.")
    fetch_allow: tuple[HostPort, ...] = _doc(
        (),
        "Loopback and private targets that Troth may fetch from, as `host:port`, comma-separated.",
    )
    fetch_ca_file: str = _doc(
        "", "Further certificate authorities (PEM) that are believed when Troth fetches."
    )
    claims_hook_url: str = _doc(
        "", "Where Troth asks what else to tell of a person at UserInfo; fails closed."
    )
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
    def claims_by_scope(self) -> Mapping[str, Mapping[str, str]]:
        """The operator's claims by scope, each with its name in a person's record."""
        table: dict[str, dict[str, str]] = {}
        for scope, claim, name in self.claims:
            table.setdefault(scope, {})[claim] = name
        return table

    @property
    def open_registration(self) -> bool:
        return self.registration == "open"

    @property
    def secure(self) -> bool:
        return self.issuer.startswith("https://")


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
        if wanted == tuple[CustomClaim, ...]:
            return parse_claims(value)
        parts = value.split(",") if isinstance(value, str) else value
        read = ipaddress.ip_network if wanted == tuple[Network, ...] else parse_target
        return tuple(read(part.strip()) for part in parts if part.strip())
    except (ValueError, TypeError, AttributeError):
        raise SettingsError(f"the setting {name} cannot be {value!r}") from None


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
