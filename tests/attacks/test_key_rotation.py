"""Keys that take over from one another, while clients and verifiers go on."""

import concurrent.futures
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import Browser, OAuthClient, Plain, Troth
from tests.inside import READ, Inside, a_person, an_app
from troth.client_auth.limit import MOST_FAILURES, WINDOW
from troth.log import Secret
from troth.signing import ring
from troth.signing.keys import new_key

HOUR = 3600


def test_the_first_rotation_of_a_new_installation_makes_all_that_is_needed(
    tmp_path: Path, engine: Engine
) -> None:
    troth = engine.troth(tmp_path)
    troth.cli("keys", "rotate")
    uses = {key["use"] for key in troth.cli("keys", "list")["keys"]}
    assert uses == {"sig", "enc", "seal", "pairwise"}
    installed(troth)
    assert troth.client().tokens(troth.person())
    assert troth.stop() == 0


@pytest.mark.parametrize("use", ["sig", "seal"])
def test_CC_09_keys_made_at_once_are_one_order_for_all(spoilt: Troth, use: str) -> None:
    words = (
        ("keys", "rotate", "--now", "--use", use)
        if use == "sig"
        else ("keys", "rotate", "--use", use)
    )
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        made = {done["kid"] for done in pool.map(lambda _: spoilt.cli(*words), range(3))}
    assert len(made) == 3
    active = [k["kid"] for k in spoilt.cli("keys", "list")["keys"] if k["state"] == "active"]
    app, person = spoilt.client(), spoilt.person()
    browser = Browser(spoilt)
    used = set()
    for _ in range(6):
        tokens = app.tokens(person, browser)
        assert app.active(tokens["access_token"])
        sealed = urlsafe_b64decode(tokens["refresh_token"].removeprefix("troth_rt_") + "===")
        head = urlsafe_b64decode(tokens["access_token"].partition(".")[0] + "===")
        used.add(sealed[:4].hex() if use == "seal" else head.split(b'"kid": "')[1][:8].decode())
    assert len(used) == 1
    assert used <= made & set(active)


def test_a_key_that_takes_over_in_the_second_that_the_former_was_made_in_signs() -> None:
    """The order of their names decides nothing where one of them is to end."""
    master = Secret(b"canary master key of 32 bytes!!!")
    made = [new_key("sig", now=HOUR, signs_from=HOUR, master=master) for _ in range(2)]
    seal = new_key("seal", now=HOUR, signs_from=HOUR, master=master)
    for former, other in (made, reversed(made)):
        keys = (replace(former, ends_at=3 * HOUR), other, seal)
        assert ring.build(keys, master, "https://login.example").signer(HOUR).kid == other.kid


def test_FT_14_keys_rotate_and_retire_under_load_without_one_refusal(spoilt: Troth) -> None:
    person = spoilt.person()
    client = spoilt.client("--grant-type", "client_credentials", "--introspects", spoilt.issuer)
    browser = Browser(spoilt)
    app: OAuthClient = spoilt.client()
    refresh_token = app.tokens(person, browser)["refresh_token"]
    former: list[str] = []
    for rotation in range(4):
        spoilt.cli("keys", "rotate", "--now")
        spoilt.cli("keys", "rotate", "--use", "seal")
        for _ in range(4):
            answered = app.refresh(refresh_token)
            assert answered.status_code == 200, (rotation, answered.text)
            refresh_token = answered.json()["refresh_token"]
            former.append(answered.json()["access_token"])
        with Plain(spoilt) as http:
            kids = {key["kid"] for key in http.get("/oauth/jwks").json()["keys"]}
        for token in former:
            head = urlsafe_b64decode(token.partition(".")[0] + "===").decode()
            assert any(kid in head for kid in kids), "whoever verifies finds the key"
            assert client.active(token)


async def test_FT_12_a_clock_that_is_set_back_stops_nobody_and_revives_nothing(
    tmp_path: Path,
) -> None:
    inside = await Inside(tmp_path).open()
    await inside.put(READ, a_person("ada"), an_app("app"))
    start = inside.now
    tokens = await _tokens(inside)
    revoked = await _tokens(inside)
    await inside.machine("/oauth/revoke", "app", token=revoked["refresh_token"])
    for shift in (-3600, -1, 3599 + 5):
        inside.now = start + shift
        grant = {"grant_type": "refresh_token", "refresh_token": revoked["refresh_token"]}
        assert (await inside.token("app", **grant)).status_code == 400
        assert not await inside.active("app", revoked["access_token"])
        own = await inside.token("app", grant_type="client_credentials", scope="read")
        assert own.status_code == 200, "there is a key to sign with"
        assert own.json()["expires_in"] == 3600
        assert (await inside.get("/oauth/jwks")).json()["keys"]
    assert not await inside.active("app", tokens["access_token"])
    await inside.close()


async def test_FT_12_wrong_secrets_are_limited_for_a_minute_whatever_the_clock_is_set_to(
    tmp_path: Path,
) -> None:
    inside = await Inside(tmp_path).open()
    await inside.put(READ, an_app("app"))
    wrong = {"client_id": "app", "client_secret": "canary wrong", "grant_type": "refresh_token"}
    for _ in range(MOST_FAILURES):
        assert (await inside.post("/oauth/token", wrong)).status_code == 401
    for step in (0, HOUR, -2 * HOUR, HOUR):
        inside.now, inside.stepped = inside.now + step, inside.stepped + step
        limited = await inside.post("/oauth/token", wrong)
        assert limited.status_code == 429
        assert int(limited.headers["retry-after"]) <= WINDOW
    inside.now += WINDOW
    assert (await inside.post("/oauth/token", wrong)).status_code == 401
    await inside.close()


async def _tokens(inside: Inside) -> dict[str, str]:
    code = await inside.authorize("app", "ada")
    found: dict[str, str] = (
        await inside.token("app", grant_type="authorization_code", code=code)
    ).json()
    return found
