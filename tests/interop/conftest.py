"""An issuer with https, and the browser of tests/browser for libraries that run in one."""

from collections.abc import Iterator

import pytest

from tests.browser.conftest import chromium as chromium  # noqa: PLC0414
from tests.browser.conftest import sit_down as sit_down  # noqa: PLC0414
from tests.browser.conftest import staged as staged  # noqa: PLC0414
from tests.harness import Troth, free_port
from tests.interop.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def site_port() -> int:
    """Where a site listens that the issuer may tell of logouts."""
    return free_port()


@pytest.fixture(scope="session")
def issuer(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority, site_port: int
) -> Iterator[Troth]:
    """A server with TLS of its own, same-site with every other port of this machine."""
    folder = tmp_path_factory.mktemp("issuer")
    certificate, key = authority.issue(folder)
    troth = Troth(
        folder,
        tls_cert_file=str(certificate),
        tls_key_file=str(key),
        fetch_allow=f"localhost:{site_port}",
        fetch_ca_file=str(authority.ca_file),
    )
    troth.issuer = troth.environment["TROTH_ISSUER"] = f"https://localhost:{troth.port}"
    yield troth.start()
    assert troth.stop() == 0
