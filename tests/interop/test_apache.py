"""mod_auth_openidc: Apache is told the issuer's metadata, and guards a page."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.harness import Browser, Person, Troth
from tests.interop.apache import Apache
from tests.interop.authority import Authority
from tests.interop.relying import CLAIMS, known
from tests.interop.test_authlib import come_back
from tests.oidc.logouts import sign_out, until
from tests.spec import spec

pytestmark = pytest.mark.apache


@pytest.fixture(scope="module")
def apache(issuer: Troth, authority: Authority, site_port: int) -> Iterator[Apache]:
    apache = Apache(site_port, authority)
    callback = f"{apache.site}/private/callback"
    wanted = {
        "redirect_uris": [callback],
        "scope": "openid profile email",
        "post_logout_redirect_uris": [f"{apache.site}/"],
        "backchannel_logout_uri": f"{callback}?logout=backchannel",
        "backchannel_logout_session_required": True,
    }
    apache.start(issuer.client(metadata=wanted, name="Canary Apache"))
    yield apache
    apache.stop()


@dataclass
class Visitor:
    """Somebody's browser, here and at the issuer."""

    apache: Apache
    person: Person
    at_issuer: Browser
    at_site: httpx2.Client

    def log_in(self) -> str:
        """The guarded page, as they come to see it."""
        asked = self.at_site.get("/private/").headers["location"]
        landed = come_back(self.at_issuer.troth, self.person, asked, browser=self.at_issuer)
        back = self.at_site.get(landed)
        assert back.headers.get("location") == f"{self.apache.site}/private/", self.apache.log()
        return self.at_site.get("/private/").text

    @property
    def is_in(self) -> bool:
        return self.at_site.get("/private/").status_code == 200


@pytest.fixture
def visitor(apache: Apache, issuer: Troth) -> Iterator[Visitor]:
    browser = Browser(issuer, verify=apache.trusted)
    site = httpx2.Client(base_url=apache.site, verify=apache.trusted, trust_env=False, timeout=20)
    with site:
        yield Visitor(apache, known(issuer), browser, site)


@spec("OIDC Core §3.1.3.7", "OIDC Core §5.3")
def test_a_guarded_page_opens_for_a_person_and_knows_them(visitor: Visitor) -> None:
    assert "Everybody" in visitor.at_site.get("/").text
    page, person = visitor.log_in(), visitor.person
    assert f"{CLAIMS['name']} {person.username}@people.example" in page
    assert person.sub in page


@spec("OIDC RP-Initiated Logout §2", "OIDC RP-Initiated Logout §3")
def test_leaving_the_site_leaves_the_issuer_too(visitor: Visitor) -> None:
    visitor.log_in()
    home = f"{visitor.apache.site}/"
    asked = visitor.at_site.get("/private/callback", params={"logout": home}).headers["location"]
    page = visitor.at_issuer.get(asked)
    left = visitor.at_issuer.submit(page, "end-session", {"decision": "confirm"})
    assert left.headers["location"] == home
    assert not visitor.is_in
    assert 'id="login"' in visitor.at_issuer.follow(visitor.at_issuer.get("/account")).text


@spec("OIDC Back-Channel Logout §2.5", "OIDC Back-Channel Logout §2.6")
def test_leaving_the_issuer_leaves_the_site_too(visitor: Visitor) -> None:
    visitor.log_in()
    assert visitor.is_in
    sign_out(visitor.at_issuer)
    until(lambda: not visitor.is_in)
