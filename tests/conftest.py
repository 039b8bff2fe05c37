"""Servers that the tests share, and the last look at what they wrote down."""

from collections.abc import Iterator

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth

pytest_plugins = ["tests.availability"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def installed(troth: Troth) -> Troth:
    """The scopes that every test server knows, and a running server."""
    troth.cli("scope", "add", "read_write", "--description", "See and change your things")
    troth.cli("scope", "add", "extra", "--description", "See extra things", "--optional")
    return troth.start()


@pytest.fixture(scope="session")
def troth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troth]:
    """Two workers on one SQLite file, at the most talkative log level."""
    server = installed(Troth(tmp_path_factory.mktemp("troth"), workers="2", log_level="debug"))
    yield server
    assert server.stop() == 0
    log = server.log()
    assert "canary" not in log, "G4: a canary is in the log"


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troth]:
    """A server whose codes, sessions and retry window live for a second or two."""
    folder = tmp_path_factory.mktemp("hasty")
    lives = {"code_lifetime": "2", "refresh_retry_window": "1", "session_idle": "3"}
    server = installed(Troth(folder, log_level="debug", **lives))
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def ada(troth: Troth) -> Person:
    return troth.person("ada")


@pytest.fixture(scope="session")
def app(troth: Troth) -> OAuthClient:
    """A confidential client with everything at its default."""
    return troth.client()


@pytest.fixture(scope="session")
def other_app(troth: Troth) -> OAuthClient:
    return troth.client(name="Canary Other", redirect_uris=("https://other.example/cb",))


@pytest.fixture(scope="session")
def native(troth: Troth) -> OAuthClient:
    """A public client: PKCE is required of it."""
    return troth.client(
        "--auth-method", "none", redirect_uris=("http://127.0.0.1/cb", "com.example.app:/cb")
    )


@pytest.fixture
def browser(troth: Troth) -> Iterator[Browser]:
    browser = Browser(troth)
    yield browser
    browser.http.close()
