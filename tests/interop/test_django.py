"""A Django site with django-allauth, as its developer would set it up."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx2
import pytest

from tests.availability import INTEROP
from tests.harness import Troth, free_port
from tests.interop.relying import known
from tests.interop.test_authlib import come_back
from tests.spec import spec


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, troth: Troth) -> Iterator[str]:
    port = free_port()
    url = f"http://localhost:{port}"
    app = troth.client(
        scope="openid profile email",
        name="Canary Django",
        redirect_uris=(f"{url}/accounts/oidc/troth/login/callback/",),
    )
    told = {
        "ISSUER": troth.issuer,
        "CLIENT_ID": app.client_id,
        "CLIENT_SECRET": app.secret,
        "DATABASE": str(tmp_path_factory.mktemp("django") / "site.db"),
        "PORT": str(port),
        "NO_PROXY": "127.0.0.1",
    }
    process = subprocess.Popen(
        [sys.executable, INTEROP / "django_site.py"], env={**os.environ, **told}
    )
    _wait_for(process, url)
    yield url
    process.terminate()
    process.wait(10)


def _wait_for(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx2.get(url, trust_env=False)
            return
        except httpx2.ConnectError:
            assert process.poll() is None, "the site ended"
            assert time.monotonic() < deadline, "the site does not answer"
            time.sleep(0.05)


@spec("OIDC Core §3.1.3.7", "OIDC Core §5.3")
def test_a_person_becomes_a_user_of_the_site_and_is_known_when_they_come_again(
    troth: Troth, site: str
) -> None:
    person = known(troth)
    for _ in range(2):
        with httpx2.Client(base_url=site, trust_env=False, timeout=20) as visitor:
            assert visitor.get("/").text == "Nobody."
            asked = visitor.get("/accounts/oidc/troth/login/").headers["location"]
            landed = come_back(troth, person, asked)
            page = visitor.get(landed, follow_redirects=True)
            expected = f"Ada Lovelace {person.username}@people.example {person.sub}"
            assert page.text == expected, page.text[:2000]
