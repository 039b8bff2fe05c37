"""What a request costs, in calls instead of time: a number that no busy machine moves.

Counted is every function that the answer calls on its own thread, ours and the libraries'. Whoever
makes a request dearer has to say so here.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest

from tests.inside import READ, REDIRECT_URI, SECRET, Inside, a_person, an_app, logging_from
from troth.http import Response
from troth.intake import Arrival

# Calls for one answer. Measured on Python 3.11, with a tenth of room for other versions.
BUDGET = {
    "key set": 62,
    "client_credentials": 220,
    "client_credentials, opaque": 196,
    "code exchange": 447,
    "refresh": 410,
    "introspection": 155,
    "introspection, opaque": 170,
    "revocation": 324,
    "authorize": 395,
}
RUNS = 20


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    with logging_from("error"):
        made = await Inside(tmp_path).open()
        await made.put(READ, a_person("ada"), an_app("app"))
        await made.put(an_app("opaque", access_token_format="opaque"))
        yield made
        await made.close()


class Calls:
    """Counts calls while it is on."""

    def __init__(self) -> None:
        self.number = 0

    def _saw(self, _frame: FrameType, event: str, _argument: object) -> None:
        self.number += event in ("call", "c_call")

    def __enter__(self) -> "Calls":
        sys.setprofile(self._saw)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


async def ask(
    inside: Inside, path: str, form: dict[str, str] | None = None, calls: Calls | None = None
) -> dict[str, Any]:
    path, _, query = path.partition("?")
    body = urlencode(form or {}).encode()
    host = urlsplit(inside.settings.issuer).netloc.encode()
    jar = inside.browser("ada").cookies.jar
    headers = (
        (b"host", host),
        (b"cookie", "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar).encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"content-length", str(len(body)).encode()),
    )
    method = "POST" if form else "GET"
    arrival = Arrival(method, path, len(path), query.encode(), headers, body, "127.0.0.1")
    with calls or nullcontext():
        begun = inside.app.begin(arrival)
        response = begun if isinstance(begun, Response) else await begun
    assert response.status == (303 if query else 200), response.body
    return dict(msgspec.json.decode(response.body or b"{}"))


async def requests(inside: Inside, what: str) -> AsyncIterator[tuple[str, dict[str, str] | None]]:
    """The same kind of request again and again, each with what it needs."""
    client = "opaque" if what.endswith("opaque") else "app"
    known = {"client_id": client, "client_secret": SECRET}

    async def code() -> dict[str, str]:
        found = await inside.authorize(client, "ada")
        return {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code": found}

    tokens = await ask(inside, "/oauth/token", await code() | known)
    for _ in count():
        match what.partition(",")[0]:
            case "key set":
                yield "/oauth/jwks", None
            case "client_credentials":
                yield "/oauth/token", {"grant_type": "client_credentials", "scope": "read", **known}
            case "code exchange":
                yield "/oauth/token", await code() | known
            case "refresh":
                # The same token, again within the window, would be a retry: a new one each time.
                tokens = await ask(inside, "/oauth/token", await code() | known)
                token = tokens["refresh_token"]
                yield (
                    "/oauth/token",
                    {"grant_type": "refresh_token", "refresh_token": token, **known},
                )
            case "authorize":
                asked = {"response_type": "code", "client_id": "app", "scope": "read"}
                yield "/oauth/authorize?" + urlencode(asked | {"redirect_uri": REDIRECT_URI}), None
            case "introspection":
                yield "/oauth/introspect", {"token": tokens["access_token"], **known}
            case "revocation":
                tokens = await ask(inside, "/oauth/token", await code() | known)
                yield "/oauth/revoke", {"token": tokens["refresh_token"], **known}


@pytest.mark.parametrize("what", BUDGET)
async def test_an_answer_calls_no_more_than_its_budget(inside: Inside, what: str) -> None:
    numbers = []
    async for path, form in requests(inside, what):
        calls = Calls()
        await ask(inside, path, form, calls)
        numbers.append(calls.number)
        if len(numbers) == RUNS:
            break
    typical = sorted(numbers)[RUNS // 2]
    assert typical <= BUDGET[what] * 1.1, f"{what}: {typical} calls"
    assert typical >= BUDGET[what] * 0.6, f"{what} has become cheaper: its budget is {typical} now"
