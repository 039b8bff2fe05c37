"""A server and applications on https, as browsers meet them: some of one site, some of two."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import trustme
from playwright.sync_api import Page, expect

from tests.harness import OAuthClient, Person, Troth
from tests.outside import Answer, Outside

HTML = (("content-type", "text/html; charset=utf-8"),)
LANDED = (
    b"<!doctype html><html lang=en><title>x</title><link rel=icon href=data:,><p id=landed>Here"
)


def https_issuer(folder: Path) -> Troth:
    """A server with TLS of its own, as https://localhost with a port."""
    certificate = trustme.CA().issue_cert("localhost")
    (folder / "cert.pem").write_bytes(b"".join(p.bytes() for p in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    files = {"tls_cert_file": str(folder / "cert.pem"), "tls_key_file": str(folder / "key.pem")}
    troth = Troth(folder, **files)
    troth.issuer = troth.environment["TROTH_ISSUER"] = f"https://localhost:{troth.port}"
    return troth.start()


@dataclass(frozen=True)
class Application:
    """An application that knows its people by a cookie; `host` says of which site it is."""

    client: OAuthClient
    outside: Outside
    host: str
    root: str

    @classmethod
    def registered(
        cls, issuer: Troth, outside: Outside, host: str, *, post_logout: bool = False
    ) -> "Application":
        root = f"/{secrets.token_hex(6)}"
        origin = f"https://{host}:{outside.port}"
        metadata: dict[str, object] = {
            "redirect_uris": [f"{origin}{root}/cb"],
            "frontchannel_logout_uri": f"{origin}{root}/frame",
            "frontchannel_logout_session_required": True,
        }
        if post_logout:
            metadata["post_logout_redirect_uris"] = [f"{origin}{root}/out"]
        client = issuer.client(scope="openid", name="Canary Site", metadata=metadata)
        cookie = f"{root[1:]}=known; Path=/; Secure; SameSite=None"
        outside.answers[f"{root}/cb"] = Answer(LANDED, headers=(*HTML, ("set-cookie", cookie)))
        outside.answers[f"{root}/out"] = outside.answers[f"{root}/frame"] = Answer(
            LANDED, headers=HTML
        )
        return cls(client, outside, host, root)

    @property
    def cookie(self) -> str:
        return f"{self.root[1:]}=known"

    def path(self, path: str) -> str:
        return self.root + path

    def url(self, path: str) -> str:
        return f"https://{self.host}:{self.outside.port}{self.root}{path}"

    def log_in(self, page: Page, person: Person, **parameters: str) -> dict[str, str]:
        """The whole way in a browser; what the application was told, its code redeemed."""
        asked = self.client.parameters(scope="openid", **parameters)
        page.goto(f"{self.client.troth.issuer}/oauth/authorize?{urlencode(asked)}")
        if page.locator("#sign-in").count():
            if page.locator("[name=username]").is_editable():
                page.fill("[name=username]", person.username)
            page.fill("[name=password]", person.password)
            page.click("#sign-in")
        expect(page.locator("#landed, #allow")).to_be_visible()
        if page.locator("#allow").count():
            page.click("#allow")
        expect(page.locator("#landed")).to_be_visible()
        told = {n: values[0] for n, values in parse_qs(urlsplit(page.url).query).items()}
        self._redeem(told["code"])
        return told

    def _redeem(self, code: str) -> None:
        data = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            **self.client.credentials(),
        }
        address = f"{self.client.troth.issuer}/oauth/token"
        # Its certificate is of an authority that nobody knows, here and in the browser.
        answered = httpx2.post(address, data=data, verify=False, trust_env=False)
        assert answered.status_code == 200, answered.text
