"""A server for tests that guess: they may come from everywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Person, Troth


@pytest.fixture(scope="session")
def proxied(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    """A server that believes its proxy's X-Forwarded-For, for limits by network."""
    folder = tmp_path_factory.mktemp("proxied")
    server = installed(engine.troth(folder, workers="2", trusted_proxies="127.0.0.1/32"))
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def genuine(app: OAuthClient, ada: Person) -> str:
    """A JWT access token that stands."""
    token = app.tokens(ada)["access_token"]
    assert app.active(token)
    return str(token)


@pytest.fixture
def spoilt(tmp_path: Path, engine: Engine) -> Iterator[Troth]:
    """Keys that tests may spoil."""
    folder = tmp_path / "server"
    folder.mkdir()
    troth = installed(engine.troth(folder, workers="2"))
    yield troth
    troth.stop()


@pytest.fixture
def signed_in(proxied: Troth) -> Iterator[tuple[Browser, Person]]:
    """Somebody new, and their browser."""
    person, browser = proxied.person(), Browser(proxied)
    browser.sign_in(browser.get("/login"), person)
    yield browser, person
    browser.http.close()
