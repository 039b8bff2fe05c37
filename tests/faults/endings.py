"""What ends a grant while it is refreshed, and that nothing of it lives afterwards (R5)."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from tests.faults.figures import short_or_long
from tests.faults.pages import Filled
from tests.faults.races import Runner, until_told

# Called in the race with an open connection: it returns when the end was told.
End = Callable[[httpx2.Client], None]
_JITTER = 0.005


def _told(ask: Callable[[], httpx2.Response], status: int) -> None:
    answer = until_told(ask)
    assert answer.status_code == status, (answer.status_code, answer.text[:300])


def _revoked(runner: Runner, token: str) -> End:
    form = {"token": token, **runner.client.credentials()}
    return lambda http: _told(lambda: http.post("/oauth/revoke", data=form), 200)


def _logged_out(runner: Runner, _: str) -> End:
    form = Filled(runner.browser, runner.browser.get("/logout"), "logout")

    def end(http: httpx2.Client) -> None:
        _told(lambda: form.send(http, {}), 200)
        runner.browser.http.cookies.clear()

    return end


def _withdrawn(runner: Runner, _: str) -> End:
    form = Filled(runner.browser, runner.browser.get("/account"), "/account/applications/revoke")
    return lambda http: _told(lambda: form.send(http, {}), 303)


def _person_disabled(runner: Runner, _: str) -> End:
    return lambda _: runner.client.troth.cli("user", "disable", runner.person.username)


def _client_disabled(runner: Runner, _: str) -> End:
    return lambda _: runner.client.troth.cli("client", "disable", runner.client.client_id)


@dataclass(frozen=True)
class Ending:
    """One way to end a grant. `begin` prepares it; `undo` is the command that lets go on.

    A command is a process of its own and takes long: chains are refreshed until it has ended.
    Whatever a request ends is refreshed by all within the milliseconds in which it is asked for.
    Clients are kept in memory: on PostgreSQL other processes hear of a change within a second.
    """

    begin: Callable[[Runner, str], End]
    undo: Callable[[Runner], tuple[str, ...]] | None = None
    heard_within: float = 0.0


ENDINGS = {
    "revoked": Ending(_revoked),
    "logged out": Ending(_logged_out),
    "withdrawn": Ending(_withdrawn),
    "person disabled": Ending(
        _person_disabled, lambda runner: ("user", "disable", runner.person.username, "--enable")
    ),
    "client disabled": Ending(
        _client_disabled,
        lambda runner: ("client", "disable", runner.client.client_id, "--enable"),
        heard_within=short_or_long(30.0, 1.0),
    ),
}


class Witness:
    """Another application that may ask of every token whether it is active."""

    def __init__(self, runner: Runner) -> None:
        troth = runner.client.troth
        own = ("--grant-type", "client_credentials", "--introspects", troth.issuer)
        self._credentials = troth.client(*own).credentials()
        self._crowd = runner.crowd

    def active(self, token: str) -> bool:
        form = {"token": token, **self._credentials}
        answer = self._crowd.until_told("/oauth/introspect", form)
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["active"])


def end_beside_refreshes(runner: Runner, kind: str, rounds: int) -> dict[str, int]:
    """R5: once all were told, no access token is active and no refresh token is taken."""
    ending, chance, witness = ENDINGS[kind], random.Random(kind), Witness(runner)
    refreshed = 0
    for _ in range(rounds):
        runner.crowd.move()
        families = [runner.tokens(scope="openid read_write") for _ in range(_families(ending))]
        end = ending.begin(runner, families[0]["refresh_token"])
        lines = _race(runner, families, end, chance)
        refreshed += sum(map(len, lines))
        known = time.monotonic() + (ending.heard_within if runner.client.troth.postgres else 0)
        while (alive := _alive(runner, witness, [families, *lines])) and time.monotonic() < known:
            pass
        assert not alive, f"{kind}: {alive}"
        if ending.undo is not None:
            runner.client.troth.cli(*ending.undo(runner))
    return {"rounds": rounds, "refreshed_meanwhile": refreshed, "alive_afterwards": 0}


def _alive(runner: Runner, witness: Witness, lines: list[list[dict[str, str]]]) -> str:
    """What of these is still good for something: any access token, or the newest of each line."""
    access = [one["access_token"] for line in lines for one in line]
    newest = {one["refresh_token"] for one in lines[0]}
    newest |= {line[-1]["refresh_token"] for line in lines if line}
    active = sum(map(witness.active, access))
    told = {runner.ask(runner.refreshing(token)) for token in newest}
    if active:
        return f"{active} of {len(access)} access tokens are active"
    return "" if told <= {400, 401} else f"a refresh token was refreshed: {told}"


def _families(ending: Ending) -> int:
    return 1 if ending.undo is None else 4


def _race(
    runner: Runner, families: list[dict[str, str]], end: End, chance: random.Random
) -> list[list[dict[str, str]]]:
    """The first one ends it, the others refresh: what each of these was given, in order."""
    waits = [chance.uniform(0, _JITTER) for _ in range(runner.crowd.number)]
    over, share = threading.Event(), len(families) == 1

    def go_on(http: httpx2.Client, token: str) -> list[dict[str, str]]:
        """Once where all share a family: a second time would be a replay."""
        given: list[dict[str, str]] = []
        while True:
            answer = http.post("/oauth/token", data=runner.refreshing(token))
            assert answer.status_code in (200, 400, 401, 503), answer.text
            if answer.status_code == 200:
                given.append(answer.json())
                token = given[-1]["refresh_token"]
            if share or over.is_set() or answer.status_code in (400, 401):
                return given

    def one(number: int, http: httpx2.Client) -> list[dict[str, str]]:
        time.sleep(waits[number])
        if number == 0:
            try:
                end(http)
            finally:
                over.set()
        elif share or number <= len(families):
            return go_on(http, families[(number - 1) % len(families)]["refresh_token"])
        return []

    lines: list[list[dict[str, str]]] = runner.crowd.do(one)
    return lines
