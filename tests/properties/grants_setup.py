"""What every walk through grants begins with."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
from hypothesis import strategies as st

from tests.harness import PASSWORD
from tests.inside import READ, Inside, a_person, an_app
from tests.properties.grants_model import ACCESS_LIFE, CHAIN_LIFE, CODE_LIFE, IDLE, RETRY
from troth.accounts.passwords import hash_now

PEOPLE = st.sampled_from(["ada", "bob"])
CLIENTS = st.sampled_from(["jwt", "opaque"])
# A stranger's attempt, a second use of a code.
SELDOM = st.integers(min_value=0, max_value=5).map(lambda n: n == 5)
# Which of what was issued: often the newest, always some.
WHICH = st.integers(min_value=0, max_value=7)
ENDS = st.sampled_from(["revoke", "disable", "log out"])
WAITS = st.sampled_from([0, 0, 1, 5, RETRY - 1, RETRY, CODE_LIFE, ACCESS_LIFE, IDLE - 1, IDLE])

LIVES: dict[str, Any] = {
    "code_lifetime": CODE_LIFE,
    "refresh_retry_window": RETRY,
    "refresh_idle": IDLE,
    "refresh_lifetime": CHAIN_LIFE,
    "session_idle": 300 * 86400,
    "session_lifetime": 300 * 86400,
}


def template() -> Path:
    """A folder with two people, two clients and the keys: made once, copied for every run."""
    folder = Path(tempfile.mkdtemp(prefix="troth-model-"))

    async def make() -> None:
        inside = await Inside(folder, **LIVES).open()
        kind = {"access_token_lifetime": ACCESS_LIFE}
        people = [
            replace(a_person(name), password_hash=hash_now(PASSWORD)) for name in ("ada", "bob")
        ]
        opaque = an_app("opaque", access_token_format="opaque", **kind)
        await inside.put(READ, *people, an_app("jwt", **kind), opaque)
        await inside.close()

    asyncio.run(make())
    return folder


def other(client: str) -> str:
    return "opaque" if client == "jwt" else "jwt"


def refused(answer: httpx2.Response) -> None:
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "invalid_grant"
