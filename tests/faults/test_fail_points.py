"""Refused by the database on purpose: old or new, never a third."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from tests.conftest import installed
from tests.harness import OAuthClient, Troth
from tests.postgres import Cluster


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
