"""Killed at exact places, and refused by the database on purpose: old or new, never a third."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Person, Troth, answer
from tests.postgres import Cluster

Moment = Literal["before", "after"]


class Mortal:
    """A server that dies in the next change of one kind, when told to."""

    def __init__(self, troth: Troth) -> None:
        self.troth = troth
        self._fuse = troth.folder / "fuse"
        self._fuse.touch()
        troth.stop()
        troth.command = ("-m", "tests.faults.dying_server", str(self._fuse))
        troth.start()

    def dies(self, moment: Moment, kind: str, asked: Any) -> None:
        """Ask it for what kills it, and start it again."""
        self._fuse.write_text(f"{moment} {kind}", "ascii")
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            asked()
        self._fuse.write_text("", "ascii")
        assert self.troth._process is not None
        assert self.troth._process.wait(30) == -signal.SIGKILL
        self.troth.start()


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Mortal]:
    server = installed(engine.troth(tmp_path_factory.mktemp("mortal"), code_lifetime="600"))
    yield Mortal(server)
    server.stop()


@pytest.fixture(scope="module")
def app(mortal: Mortal) -> OAuthClient:
    return mortal.troth.client()


@pytest.fixture(scope="module")
def person(mortal: Mortal) -> Person:
    return mortal.troth.person()


def test_FT_02_a_rotation_whose_answer_was_lost_is_asked_for_again(
    mortal: Mortal, app: OAuthClient, person: Person
) -> None:
    token = app.tokens(person)["refresh_token"]
    mortal.dies("after", "Rotate", lambda: app.refresh(token))
    again = app.refresh(token)
    assert again.status_code == 200, again.text
    leaf = again.json()["refresh_token"]
    assert leaf != token
    assert app.refresh(token).json()["refresh_token"] == leaf, "one live leaf"
    assert app.refresh(leaf).status_code == 200


@pytest.mark.parametrize("moment", ["before", "after"])
def test_FT_03_a_redemption_that_died_is_whole_or_never_was(
    mortal: Mortal, person: Person, moment: Moment
) -> None:
    client = mortal.troth.client()
    code = client.code(person)
    mortal.dies(moment, "Redeem", lambda: client.redeem(code))
    chains = "select count(*), count(revoked_at) from chain where client_id = ?"
    assert mortal.troth.rows(chains, client.client_id) == [(int(moment == "after"), 0)]
    again = client.redeem(code)
    if moment == "before":
        assert again.status_code == 200
        assert mortal.troth.rows(chains, client.client_id) == [(1, 0)]
    else:  # whoever comes with a spent code is not given what it bought, and it ends
        assert again.status_code == 400
        assert mortal.troth.rows(chains, client.client_id) == [(1, 1)]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("kind", ["Session", "Authorization"])
def test_FT_04_a_person_whose_login_or_consent_died_simply_goes_on(
    mortal: Mortal, person: Person, kind: str, moment: Moment
) -> None:
    client = mortal.troth.client()
    browser = Browser(mortal.troth)
    asked = client.parameters()
    mortal.dies(moment, kind, lambda: browser.authorize(asked, person))
    code = answer(browser.authorize(asked, person))["code"]
    assert client.redeem(code).status_code == 200


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[Troth]:
    """Two processes on a PostgreSQL that refuses what the test tells it to refuse."""
    folder = tmp_path_factory.mktemp("refusing")
    server = installed(Troth(folder, workers="2", database=cluster.database()))
    server.execute("create sequence refusal")
    server.execute("create table refusing (sqlstate text, times bigint)")
    server.execute(
        """create function refuse() returns trigger language plpgsql as $$
        declare how refusing; begin
          select * into how from refusing;
          if found and nextval('refusal') <= how.times then
            raise exception 'canary refusal' using errcode = how.sqlstate;
          end if;
          return new;
        end $$"""
    )
    server.execute(
        "create trigger refuse before insert or update on chain for each row"
        " execute function refuse()"
    )
    yield server
    assert server.stop() == 0


@contextmanager
def refusing(troth: Troth, sqlstate: str, times: int) -> Iterator[None]:
    """PostgreSQL refuses the next so many changes of a chain; a sequence is not rolled back."""
    troth.rows("select setval('refusal', 1, false)")
    troth.execute("insert into refusing values (?, ?)", sqlstate, times)
    yield
    troth.execute("delete from refusing")


def in_doubt(response: httpx2.Response) -> bool:
    return response.status_code == 503 and int(response.headers["retry-after"]) >= 1


def bare(client: OAuthClient, **form: str) -> httpx2.Response:
    """Without the oracles, for whom a 503 is a failure."""
    with httpx2.Client(base_url=client.troth.issuer, timeout=20, trust_env=False) as http:
        return http.post("/oauth/token", data={**client.credentials(), **form})


@pytest.mark.parametrize("sqlstate", ["40001", "40P01"])
def test_CC_12_a_conflict_is_tried_again_or_told_and_never_half_applied(
    pair: Troth, sqlstate: str
) -> None:
    client, person = pair.client(), pair.person()
    token = client.tokens(person)["refresh_token"]
    row = "select * from chain where client_id = ?"
    with refusing(pair, sqlstate, times=2):  # once in the batch, once alone
        answered = bare(client, grant_type="refresh_token", refresh_token=token)
        assert answered.status_code == 200, answered.text
        token = answered.json()["refresh_token"]
    before = pair.rows(row, client.client_id)
    with refusing(pair, sqlstate, times=1_000):
        assert in_doubt(bare(client, grant_type="refresh_token", refresh_token=token))
        assert in_doubt(_redeemed(client, code := client.code(person)))
        assert pair.rows(row, client.client_id) == before
        ((asked,),) = pair.rows("select last_value from refusal")
        assert asked <= 2 * 4, "tried a few times, not for ever"
    assert client.refresh(token).status_code == 200
    assert client.redeem(code).status_code == 200, "nothing of the code was spent"


def _redeemed(client: OAuthClient, code: str) -> httpx2.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri}
    return bare(client, **form)


def test_FT_11_a_database_that_turns_read_only_is_a_503_and_nothing_else(pair: Troth) -> None:
    client, person = pair.client(), pair.person()
    tokens = client.tokens(person)
    with refusing(pair, "25006", times=1_000):
        assert in_doubt(
            bare(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        )
        assert client.active(tokens["access_token"]), "what only reads is answered"
    assert client.refresh(tokens["refresh_token"]).status_code == 200
