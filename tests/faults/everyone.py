"""What all sorts of callers ask for, and what they may be told while the database is away."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx2

from tests.faults.figures import short_or_long
from tests.harness import Browser, Troth, answer, forms

# Promised are two seconds, and some more for the asking side. Where other tests share the machine
# only the shape is tried: without limits of our own an answer would take a minute.
ANSWERED = short_or_long(15.0, 2.0 + 0.5)

_STAYS_UP = ("/oauth/jwks", "/.well-known/oauth-authorization-server")


class Everyone:
    """An application with its tokens, somebody who is logged in, and somebody who is about to."""

    def __init__(self, troth: Troth) -> None:
        self.client = troth.client(scope="openid read_write")
        self._person, browser, stranger = troth.person(), Browser(troth), Browser(troth)
        given = self.client.tokens(self._person, browser, scope="openid read_write")
        self._refresh_token, self._access_token = given["refresh_token"], given["access_token"]
        self._to_revoke = self.client.tokens(self._person, browser)["refresh_token"]
        self._logged_in = _cookies(browser)
        typed = {"username": self._person.username, "password": self._person.password}
        page = forms(stranger.get("/login").text)["login"]["inputs"]
        self._login = {**dict(page), **typed}
        self._about_to = {**_cookies(stranger), "origin": troth.issuer}
        self._management = f"http://127.0.0.1:{troth.management_port}"
        self._http = httpx2.Client(base_url=troth.issuer, timeout=30, trust_env=False)
        self.longest = 0.0  # seconds

    def close(self) -> None:
        self._http.close()

    def _asks(self) -> Mapping[str, Callable[[], httpx2.Response]]:
        http, own = self._http, self.client.credentials()
        refresh = {"grant_type": "refresh_token", "refresh_token": self._refresh_token, **own}
        bearer = {"authorization": f"Bearer {self._access_token}"}
        to_revoke = {"token": self._to_revoke, **own}
        introspected = {"token": self._access_token, **own}
        asked, known = self.client.parameters(), self._logged_in
        return {
            "refresh": lambda: http.post("/oauth/token", data=refresh),
            "introspection": lambda: http.post("/oauth/introspect", data=introspected),
            "revocation": lambda: http.post("/oauth/revoke", data=to_revoke),
            "userinfo": lambda: http.get("/oauth/userinfo", headers=bearer),
            "authorization": lambda: http.get("/oauth/authorize", params=asked, headers=known),
            "login": lambda: http.post("/login", data=self._login, headers=self._about_to),
        }

    def ask(self, name: str) -> httpx2.Response:
        """Whatever the answer is, it comes in time."""
        began = time.monotonic()
        response = self._asks()[name]()
        seconds = time.monotonic() - began
        self.longest = max(self.longest, seconds)
        assert seconds < ANSWERED, f"R11: {name} was answered after {seconds:.1f} s"
        return response

    def all_are_told_to_come_again(self) -> None:
        """All at once: 503, or a redirect that says the same; what needs no database goes on."""
        names = list(self._asks())
        with ThreadPoolExecutor(len(names)) as pool:
            answers = [(name, pool.submit(self.ask, name)) for name in names]
            self.what_needs_no_database_stays_up()
            for name, response in answers:
                self._come_again(name, response.result())
        assert self.health("ready").status_code == 503
        assert self.health("live").status_code == 200

    def _come_again(self, name: str, response: httpx2.Response) -> None:
        if response.status_code == 303:
            assert name == "authorization", f"{name} -> {response.headers['location']}"
            assert response.headers["location"].startswith(self.client.redirect_uri)
            told = answer(response)
            assert told["error"] == "temporarily_unavailable", told
            assert told["state"] == self.client.parameters()["state"]
            return
        assert response.status_code == 503, (name, response.status_code, response.text)
        assert int(response.headers["retry-after"]) >= 1

    def what_needs_no_database_stays_up(self) -> None:
        for path in _STAYS_UP:
            began = time.monotonic()
            assert self._http.get(path).status_code == 200, path
            assert time.monotonic() - began < ANSWERED, path

    def health(self, what: str) -> httpx2.Response:
        url = f"{self._management}/health/{what}"
        return httpx2.get(url, timeout=30, trust_env=False)

    def until_back(self, within: float) -> float:
        """Seconds until the first success. Soon everybody has what they want, and nothing else."""
        began, first = time.monotonic(), None
        for name in ("refresh", "introspection", "userinfo", "authorization", "login"):
            while not self._right(name, self.ask(name)):
                assert time.monotonic() < began + within, f"R11: {name} does not recover"
                time.sleep(0.05)
            first = first or time.monotonic() - began
        assert first is not None
        return first

    def _right(self, name: str, response: httpx2.Response) -> bool:
        """Whether it is the answer that was wanted; any other one is a 503, or says the same."""
        match name, response.status_code:
            case "refresh", 200:
                self._refresh_token = response.json()["refresh_token"]
            case "introspection", 200:
                assert response.json()["active"] is True
            case "userinfo", 200:
                assert response.json()["sub"] == self._person.sub
            case "login", 303:
                assert response.headers["location"].endswith("/account")
            case "authorization", 303 if "code" in answer(response):
                pass
            case _:
                self._come_again(name, response)
                return False
        return True


def _cookies(browser: Browser) -> dict[str, str]:
    pairs = (f"{name}={value}" for name, value in browser.http.cookies.items())
    return {"cookie": "; ".join(pairs)}
