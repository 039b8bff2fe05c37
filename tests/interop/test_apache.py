"""mod_auth_openidc: Apache is told the issuer's metadata, and guards a page."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.harness import Troth
from tests.interop.apache import Apache
from tests.interop.relying import CLAIMS, known
from tests.interop.test_authlib import come_back
from tests.spec import spec

pytestmark = pytest.mark.apache


@pytest.fixture(scope="module")
def apache(troth: Troth) -> Iterator[Apache]:
    apache = Apache()
    app = troth.client(
        scope="openid profile email",
        name="Canary Apache",
        redirect_uris=(f"{apache.site}/private/callback",),
    )
    apache.start(app)
    yield apache
    apache.stop()


@pytest.fixture
def visitor(apache: Apache) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=apache.site, trust_env=False, timeout=20) as visitor:
        yield visitor


@spec("OIDC Core §3.1.3.7", "OIDC Core §5.3")
def test_a_guarded_page_opens_for_a_person_and_knows_them(
    troth: Troth, apache: Apache, visitor: httpx2.Client
) -> None:
    person = known(troth)
    assert "Everybody" in visitor.get("/").text
    asked = visitor.get("/private/")
    landed = come_back(troth, person, asked.headers["location"])
    back = visitor.get(landed)
    assert back.headers.get("location") == f"{apache.site}/private/", apache.log()
    page = visitor.get("/private/").text
    assert f"{CLAIMS['name']} {person.username}@people.example" in page
    assert person.sub in page
