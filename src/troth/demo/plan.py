"""Where the three parts of the demo stand, and what they call each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from troth.model.person import Scope

# One that every grant holds, and one that a person can untick.
SCOPES = (
    Scope(name="read_write", description="See and change your notes"),
    Scope(name="calendar", description="See what is in your calendar", required=False),
)
SCOPE = " ".join(scope.name for scope in SCOPES)
# What the application asks for where it only wants to know who is there.
LOGIN_SCOPE = "openid profile email"
USERNAME = "demo"
EMAIL = "ada@people.example"
CLAIMS: Mapping[str, object] = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "birthdate": "1815-12-10",
    "locale": "en-GB",
    "zoneinfo": "Europe/London",
    "email_verified": True,
}


class CannotStart(Exception):
    """Why the demo cannot start or go on, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A folder and three ports; everything listens on loopback only.

    The application is reached by another host name than the server, so that cookies do not mix.
    """

    folder: Path
    port: int = 8000
    app_port: int = 8001
    api_port: int = 8002

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def app(self) -> str:
        return f"http://localhost:{self.app_port}"

    @property
    def api(self) -> str:
        """The address of the API, which is also its audience."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def redirect_uri(self) -> str:
        return f"{self.app}/callback"

    @property
    def login_uri(self) -> str:
        """Where the answer comes to who is there."""
        return f"{self.app}/you/callback"

    @property
    def goodbye_uri(self) -> str:
        """Where people come after they have signed out everywhere."""
        return f"{self.app}/you/goodbye"

    @property
    def by_hand(self) -> str:
        """The redirect URI of the requests that are typed by hand."""
        return f"{self.app}/by-hand"

    @property
    def config_file(self) -> Path:
        return self.folder / "troth.toml"

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ClientCredentials:
    """A registered client of the demo. Never printed by accident."""

    client_id: str
    client_secret: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Credentials:
    """What the parts of the demo know: kept in one file that only its owner reads."""

    password: str
    application: ClientCredentials
    short_lived: ClientCredentials
    api: ClientCredentials
