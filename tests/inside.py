"""The composed app in this process, called as a web server calls it: its own clock, no sockets."""

import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import structlog

from tests.harness import PASSWORD, forms
from tests.oracles import check_response
from troth import log
from troth.accounts.passwords import hash_now
from troth.app import App, create_app
from troth.model.change import Change, Done, Put
from troth.model.client import ClientSecret, RegisteredClient
from troth.model.person import Person, Scope
from troth.op import Op
from troth.settings import Settings

REDIRECT_URI = "https://app.example/cb"
SECRET = "canary client secret"
_HASH = hash_now(PASSWORD)


@contextmanager
def logging_from(level: str) -> Iterator[None]:
    """Log as a server does; the tests after this one find nothing configured."""
    log.configure(level)
    yield
    structlog.reset_defaults()
    log.logger.cache_clear()


class Inside:
    """An installation in a folder. `now` is what its clock shows, in seconds.

    `stepped` is by how much of that somebody set the clock, which took no time.
    """

    def __init__(self, folder: Path, **settings: Any) -> None:
        key_file = folder / "master.key"
        key_file.touch(mode=0o600)
        key_file.write_bytes(urlsafe_b64encode(b"canary master key of 32 bytes!!!") + b"\n")
        chosen = {"database": f"sqlite://{folder}/troth.db", **settings}
        self.settings = Settings(master_key_file=str(key_file), **chosen)
        self.now = time.time()
        self.stepped = 0.0
        self.app: App
        self.op: Op
        self.browsers: dict[str, httpx2.AsyncClient] = {}

    async def open(self) -> "Inside":
        self.app = create_app(self.settings)
        self.op = await self.app.open()
        self.op.clock = lambda: self.now
        self.op.elapsed = lambda: self.now - self.stepped
        return self

    async def close(self) -> None:
        await self.app.close()

    async def put(self, *nouns: Person | RegisteredClient | Scope) -> None:
        for noun in nouns:
            change = Change(verbs=(Put(noun=noun),))
            assert await self.op.store.commit(change) == Done()

    async def person(self, sub: str) -> Person:
        found = await self.op.store.person(sub)
        assert found is not None
        return found

    async def change_person(self, sub: str, **changes: Any) -> None:
        """As the command line does: one write under a new epoch."""
        person = await self.person(sub)
        changed = replace(person, epoch=person.epoch + 1, **changes)
        put = Put(noun=changed, expect_epoch=person.epoch)
        assert await self.op.store.commit(Change(verbs=(put,))) == Done()

    def browser(self, name: str = "") -> httpx2.AsyncClient:
        """A cookie jar; the same one for the same name."""
        if name not in self.browsers:
            self.browsers[name] = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(self), base_url=self.settings.issuer, trust_env=False
            )
        return self.browsers[name]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """To the app that runs now: browsers outlive a restart."""
        await self.app(scope, receive, send)

    async def get(self, path: str, browser: str = "", **query: str) -> httpx2.Response:
        response = await self.browser(browser).get(path, params=query or None)
        check_response(response, self.settings.issuer)
        return response

    async def post(self, path: str, form: Mapping[str, str], browser: str = "") -> httpx2.Response:
        response = await self.browser(browser).post(path, data=dict(form))
        check_response(response, self.settings.issuer)
        return response

    async def follow(self, response: httpx2.Response, browser: str = "") -> httpx2.Response:
        own = self.settings.issuer + "/"
        while response.headers.get("location", "").startswith(own):
            response = await self.get(response.headers["location"], browser)
        return response

    async def submit(
        self, response: httpx2.Response, form: str, browser: str = "", **typed: str
    ) -> httpx2.Response:
        """Send a form back as it came, with some values typed in."""
        found = forms(response.text)[form]
        action = urljoin(str(response.request.url), found["action"])
        values = {**dict(found["inputs"]), **typed}
        return await self.follow(await self.post(action, values, browser), browser)

    async def authorize(self, client_id: str, username: str, **query: str) -> str:
        """The code that a person's browser brings to a client; they log in and consent if asked."""
        asked = {"response_type": "code", "client_id": client_id, "scope": "read", **query}
        page = await self.follow(await self.get("/oauth/authorize", username, **asked), username)
        if 'id="login"' in page.text:
            typed = {"username": username, "password": PASSWORD}
            page = await self.submit(page, "login", username, **typed)
        if 'id="consent"' in page.text:
            page = await self.submit(page, "consent", username, decision="allow")
        assert page.status_code == 303, page.text[:300]
        return parse_qs(urlsplit(page.headers["location"]).query)["code"][0]

    async def token(self, client_id: str, **form: str) -> httpx2.Response:
        return await self.machine("/oauth/token", client_id, **form)

    async def machine(self, path: str, client_id: str, **form: str) -> httpx2.Response:
        """A client's request, authenticated by its secret."""
        return await self.post(path, {"client_id": client_id, "client_secret": SECRET, **form})

    async def active(self, client_id: str, token: str) -> bool:
        answer = await self.machine("/oauth/introspect", client_id, token=token)
        return bool(answer.json()["active"])


def a_person(username: str) -> Person:
    return Person(sub=f"sub-{username}", username=username, password_hash=_HASH)


def an_app(client_id: str, **changes: Any) -> RegisteredClient:
    made = RegisteredClient(
        client_id=client_id,
        client_name="Canary",
        redirect_uris=(REDIRECT_URI,),
        grant_types=("authorization_code", "refresh_token", "client_credentials"),
        scope=("read",),
        secrets=(ClientSecret.of(SECRET),),
    )
    return replace(made, **changes)


READ = Scope(name="read", description="See your canaries")
