"""The deliveries of one process: an application that does not answer takes no place from others."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tests.inside import Inside
from tests.store.nouns import (
    NOW,
    Grant,
    a_client,
    a_person,
    a_session,
    an_authorization,
    do,
    redeemed,
)
from troth.fetch import Fetched, Fetcher
from troth.model.change import Put, Revoke
from troth.model.openid_client import LogoutURIs, OpenIDClient


class Answering(Fetcher):
    """A fetcher that leads nowhere: what each address answers, and how often it was asked."""

    def __init__(self, **statuses: int) -> None:
        super().__init__()
        self._statuses = statuses
        self.asked: list[str] = []
        self.reached = anyio.Event()

    async def post(
        self, url: str, body: bytes, *, content_type: str, patience: float = 5.0
    ) -> Fetched:
        host = url.split("/")[2].partition(".")[0]
        self.asked.append(host)
        await anyio.lowlevel.checkpoint()
        if host == "alive":
            self.reached.set()
        status = self._statuses[host]
        return Fetched(status=status, content_type="", cache_control="", body=b"")


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    inside = await Inside(tmp_path).open()
    yield inside
    await inside.close()


async def used(inside: Inside, host: str, sessions: int) -> list[Revoke]:
    """Somebody used an application in so many sessions; what ends them."""
    store = inside.op.store
    uri = f"https://{host}.example/logout"
    openid = OpenIDClient(logout=LogoutURIs(backchannel_logout_uri=uri))
    client, person = a_client(openid=openid), a_person()
    approved = an_authorization(person, client)
    await do(store, Put(noun=client), Put(noun=person), Put(noun=approved))
    ends = []
    for _ in range(sessions):
        session = a_session(person)
        grant = Grant(client=client, person=person, session=session, authorization=approved)
        await do(store, Put(noun=session))
        await redeemed(store, grant, session_id=session.session_id)
        ends.append(Revoke(kind="session", key=session.session_id, at=NOW))
    return ends


async def test_an_application_that_does_not_answer_is_left_alone_for_a_while(
    inside: Inside,
) -> None:
    """Of fifty sessions some are told at once; when those have failed, the others are put off."""
    fetcher = inside.op.fetcher = Answering(dead=500, alive=200)
    dead, alive = await used(inside, "dead", 50), await used(inside, "alive", 1)
    await do(inside.op.store, *dead, *(replace(end, at=NOW + 1) for end in alive))
    inside.now = NOW + 2
    with anyio.fail_after(60):
        await fetcher.reached.wait()
    assert fetcher.asked.count("alive") == 1
    assert 1 <= fetcher.asked.count("dead") <= 25
