"""Applications that go on whatever happens, and remember what they were told."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.faults.figures import short_or_long
from tests.faults.history import RETRY_WINDOW, Call, History, What
from tests.harness import Browser, OAuthClient, Troth, answer

# The servers that these are sent to; codes wait until their turn comes.
LIVES = {"code_lifetime": "600", "refresh_retry_window": str(RETRY_WINDOW)}
# Long runs go as fast as they can; short ones leave the machine to whoever starts again.
_PACE = short_or_long(0.015, 0.0)
_PATIENCE = 0.05


@dataclass(slots=True)
class Held:
    """A grant as its application knows it: its code, and the token to go on with, if any."""

    code: str
    token: str | None = None

    @property
    def grant(self) -> str:
        return self.code[-12:]


class Application:
    """One thread's client: has codes made, redeems them, refreshes, revokes or replays some.

    `cookies` are of a browser whose person is signed in and has approved: a code is one request.
    """

    def __init__(
        self,
        client: OAuthClient,
        history: History,
        cookies: httpx2.Cookies,
        grants: int,
        longest: int,
    ) -> None:
        self.held: list[Held] = []
        self.enough = threading.Event()
        self._client = client
        self._history = history
        self._grants = grants
        self._longest = longest
        self._random = random.Random()
        self._cookies = cookies

    def run(self) -> None:
        """One life after the other, until there was enough."""
        with self._connected():
            while len(self.held) < self._grants and (code := self._code()) is not None:
                self.held.append(Held(code))
                self._live(self.held[-1])

    def sweep(self) -> None:
        """Every grant's last token once more, its code, and what that replay must have ended.

        The newest come first: what is in doubt can be asked for again for a while only.
        """
        self.enough.clear()
        with self._connected():
            for held in reversed(self.held):
                self._look_at(held)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        url, cookies = self._client.troth.issuer, self._cookies
        with httpx2.Client(base_url=url, cookies=cookies, timeout=5, trust_env=False) as self._http:
            yield

    def _look_at(self, held: Held) -> None:
        if held.token is None:  # nobody learned what became of its code
            self._tell(held, "redeem", held.code)
        if held.token is not None:
            self._tell(held, "refresh", held.token)
            self._ask(held, "redeem", held.code)
            self._ask(held, "refresh", held.token)

    def _live(self, held: Held) -> None:
        """The life of one grant, or what of it there is time for."""
        used: list[str] = []
        going_on = self._tell(held, "redeem", held.code)
        for _ in range(self._random.randrange(1, self._longest)):
            if going_on and held.token is not None:
                used.append(held.token)
                going_on = self._tell(held, "refresh", held.token)
        if not going_on or held.token is None:
            return
        fate = self._random.random()
        if fate < 0.3:
            self._ask(held, "revoke", held.token)
        elif fate < 0.4:
            self._ask(held, "redeem", held.code)
        elif fate < 0.5 and len(used) > 1:
            self._ask(held, "refresh", used[-2])
        self._tell(held, "refresh", held.token)

    def _tell(self, held: Held, what: What, presented: str) -> bool:
        """Ask for a token to go on with; whether there is one and time for more."""
        call = self._ask(held, what, presented)
        held.token = call.given or held.token
        return bool(call.given) and not self.enough.is_set()

    def _ask(self, held: Held, what: What, presented: str) -> Call:
        """Ask, and again as long as nobody knows what happened."""
        while True:
            call = self._call(what, held.grant, presented)
            self._history.add(call)
            self.enough.wait(_PACE)
            if call.status is not None or self.enough.wait(_PATIENCE):
                return call

    def _code(self) -> str | None:
        """A new code, asked for until there is one or there was enough."""
        while not self.enough.is_set():
            with suppress(httpx2.HTTPError):
                asked = self._client.parameters()
                response = self._http.get("/oauth/authorize", params=asked)
                told = {} if response.status_code == 503 else answer(response)
                if "code" in told:
                    return told["code"]
                assert told.get("error") in (None, "temporarily_unavailable"), told
            self.enough.wait(_PATIENCE)
        return None

    def _call(self, what: What, grant: str, presented: str) -> Call:
        began, asked_at = self._history.now(), time.monotonic()
        try:
            path, form = self._request(what, presented)
            response = self._http.post(path, data=form)
            known = response.status_code in (200, 400)
            told = response.status_code == 503 and int(response.headers["retry-after"]) >= 1
            assert known or told, (response.status_code, response.text)
            status = response.status_code if known else None
            body: Any = response.json() if known else {}
        except httpx2.HTTPError:
            status, body = None, {}
        return Call(
            what=what,
            grant=grant,
            presented=presented,
            status=status,
            given=body.get("refresh_token", ""),
            began=began,
            ended=self._history.now(),
            asked_at=asked_at,
            told_at=time.monotonic(),
        )

    def _request(self, what: What, presented: str) -> tuple[str, dict[str, str]]:
        form = dict(self._client.credentials())
        if what == "revoke":
            return "/oauth/revoke", {**form, "token": presented}
        if what == "refresh":
            form |= {"grant_type": "refresh_token", "refresh_token": presented}
        else:
            form |= {"grant_type": "authorization_code", "code": presented}
            form |= {"redirect_uri": self._client.redirect_uri}
        return "/oauth/token", form


def applications(
    troth: Troth, history: History, number: int, codes: int = 1_000_000, longest: int = 12
) -> list[Application]:
    """So many of them, each with so many grants to come, and lives of so many refreshes."""
    client, browser = troth.client(), Browser(troth)
    client.tokens(troth.person(), browser)
    cookies = browser.http.cookies
    return [Application(client, history, cookies, codes, longest) for _ in range(number)]


@contextmanager
def at_work(them: Sequence[Application], *, until_done: bool = False) -> Iterator[None]:
    """They work for as long as this lasts, or until nothing is left to do; failures are raised.

    When it has ended, and all goes well again, they look at every grant for the last time.
    """
    with ThreadPoolExecutor(len(them)) as pool:
        futures = [pool.submit(one.run) for one in them]
        try:
            yield
        finally:
            for one in () if until_done else them:
                one.enough.set()
        for future in futures:
            future.result()
        for future in [pool.submit(one.sweep) for one in them]:
            future.result()
