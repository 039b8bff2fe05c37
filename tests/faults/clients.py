"""Applications that go on whatever happens, and remember what they were told."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.faults.figures import short_or_long
from tests.faults.history import RETRY_WINDOW, Call, History, What
from tests.harness import Browser, OAuthClient, Troth

# The servers that these are sent to; codes wait until their turn comes.
LIVES = {"code_lifetime": "600", "refresh_retry_window": str(RETRY_WINDOW)}
# Long runs go as fast as they can; short ones leave the machine to whoever starts again.
_PACE = short_or_long(0.015, 0.0)


class Application:
    """One thread's client: redeems its codes, refreshes in circles, revokes now and then."""

    def __init__(
        self, client: OAuthClient, history: History, codes: Sequence[str], longest: int = 12
    ) -> None:
        self._longest = longest
        self._client = client
        self._history = history
        self._codes = list(codes)
        self._random = random.Random(codes[0])
        self._http = httpx2.Client(base_url=client.troth.issuer, timeout=5, trust_env=False)
        self.enough = threading.Event()

    def run(self) -> None:
        while self._codes and not self.enough.is_set():
            self._live(self._codes.pop())
        self._http.close()

    def _live(self, code: str) -> None:
        """The life of one grant."""
        grant = code[-12:]
        token = self._until_told("redeem", grant, code)
        for _ in range(self._random.randrange(1, self._longest)):
            if token is not None and not self.enough.is_set():
                token = self._until_told("refresh", grant, token)
        if token is None:
            return
        fate = self._random.random()
        if fate < 0.3:
            self._until_told("revoke", grant, token)
        elif fate < 0.4:
            self._until_told("redeem", grant, code)
        self._until_told("refresh", grant, token)

    def _until_told(self, what: What, grant: str, presented: str) -> str | None:
        """Ask again as long as nobody knows what happened; the token that was given, if any."""
        while True:
            call = self._call(what, grant, presented)
            self._history.add(call)
            self.enough.wait(_PACE)
            if call.status is not None:
                return call.given or None
            if self.enough.wait(0.02):
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
    troth: Troth, history: History, number: int, codes: int, longest: int = 12
) -> list[Application]:
    """So many of them, each with so many codes to begin with, and lives of so many refreshes."""
    client, person = troth.client(), troth.person()
    browser = Browser(troth)
    made = [client.code(person, browser) for _ in range(number * codes)]
    return [Application(client, history, made[i::number], longest) for i in range(number)]


@contextmanager
def at_work(them: Sequence[Application], *, until_done: bool = False) -> Iterator[None]:
    """They work for as long as this lasts, or until nothing is left to do; failures are raised."""
    with ThreadPoolExecutor(len(them)) as pool:
        futures = [pool.submit(one.run) for one in them]
        try:
            yield
        finally:
            for one in () if until_done else them:
                one.enough.set()
        for future in futures:
            future.result()
