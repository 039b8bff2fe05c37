"""Killed at exact places: old or new, never a third (FT-02, FT-03, FT-04)."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.faults.processes import workers
from tests.harness import PASSWORD, Browser, OAuthClient, Person, Troth, answer, forms

Moment = Literal["before", "within", "after"]
MOMENTS = ("before", "within", "after")
NEW_PASSWORD = "canary a much newer phrase"


class Mortal:
    """Two processes on one database; one dies in the next change of a kind, when told to."""

    def __init__(self, troth: Troth) -> None:
        self.troth = troth
        self._fuse = troth.folder / "fuse"
        self._fuse.touch()
        troth.stop()
        troth.command = ("-m", "tests.faults.dying_server", str(self._fuse))
        troth.start()

    def dies(self, moment: Moment, kind: str, asked: Callable[[], Any]) -> None:
        """Ask for what kills the process that is asked; the other one goes on alone at first."""
        before = set(workers(self.troth))
        self._fuse.write_text(f"{moment} {kind}", "ascii")
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            asked()
        self._fuse.write_text("", "ascii")
        deadline = time.monotonic() + 30
        while before <= set(workers(self.troth)):
            assert time.monotonic() < deadline, "nobody died"
            time.sleep(0.01)

    def command_dies(self, moment: Moment, kind: str, *words: str) -> None:
        """Run a command that dies of the same."""
        self._fuse.write_text(f"{moment} {kind}", "ascii")
        done = subprocess.run(
            [sys.executable, *self.troth.command, *words], env=self.troth.environment, timeout=60
        )
        self._fuse.write_text("", "ascii")
        assert done.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Mortal]:
    folder, kind = tmp_path_factory.mktemp("mortal"), {"registration": "open"}
    server = installed(engine.troth(folder, workers="2", code_lifetime="600", **kind))
    yield Mortal(server)
    assert server.stop() == 0


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


@pytest.mark.parametrize("moment", MOMENTS)
def test_FT_03_a_redemption_that_died_is_whole_or_never_was(
    mortal: Mortal, person: Person, moment: Moment
) -> None:
    client = mortal.troth.client()
    code = client.code(person)
    mortal.dies(moment, "Redeem", lambda: client.redeem(code))
    chains = "select count(*), count(revoked_at) from chain where client_id = ?"
    assert mortal.troth.rows(chains, client.client_id) == [(int(moment == "after"), 0)]
    again = client.redeem(code)
    if moment == "after":  # whoever comes with a spent code is not given what it bought
        assert again.status_code == 400
        assert mortal.troth.rows(chains, client.client_id) == [(1, 1)]
    else:
        assert again.status_code == 200
        assert mortal.troth.rows(chains, client.client_id) == [(1, 0)]


@pytest.mark.parametrize("moment", MOMENTS)
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


def signs_in(troth: Troth, person: Person, password: str) -> bool:
    browser = Browser(troth)
    page = browser.sign_in(browser.get("/login"), replace(person, password=password))
    return "sign-out" in page.text


def audited(troth: Troth, event: str, person: Person) -> int:
    rows = troth.rows("select outcome from audit where event = ? and sub = ?", event, person.sub)
    return rows.count(("ok",))


@pytest.mark.parametrize("moment", MOMENTS)
def test_FT_04_a_password_change_that_died_is_whole_or_never_was(
    mortal: Mortal, app: OAuthClient, moment: Moment
) -> None:
    """The new password and the end of all that the old one opened, or neither."""
    troth, person = mortal.troth, mortal.troth.person()
    here, elsewhere = Browser(troth), Browser(troth)
    here.sign_in(here.get("/login"), person)
    token = app.tokens(person, elsewhere)["refresh_token"]
    account = here.get("/account")
    form = next(name for name in forms(account.text) if "password" in name)
    typed = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    typed["repeat_password"] = NEW_PASSWORD
    mortal.dies(moment, "Person", lambda: here.submit(account, form, typed))
    changed = moment == "after"
    assert app.refresh(token).status_code == (400 if changed else 200)
    assert (elsewhere.get("/account").status_code == 200) is not changed
    assert signs_in(troth, person, NEW_PASSWORD) is changed
    assert signs_in(troth, person, PASSWORD) is not changed
    assert audited(troth, "password.changed", person) == int(changed)


@pytest.mark.parametrize("moment", MOMENTS)
def test_FT_04_an_account_whose_making_died_is_there_or_can_be_made(
    mortal: Mortal, moment: Moment
) -> None:
    troth, name = mortal.troth, f"new{moment}"
    typed = {"username": name, "email": f"{name}@people.example", "name": "Nova Comer"}
    typed |= {"password": PASSWORD, "repeat_password": PASSWORD}
    newcomer = Browser(troth)
    page = newcomer.get("/register")
    mortal.dies(moment, "Person", lambda: newcomer.submit(page, "register", typed))
    subs = troth.rows("select sub from person where username = ?", name)
    assert len(subs) == int(moment == "after")
    again = newcomer.follow(newcomer.submit(newcomer.get("/register"), "register", typed))
    assert ("is taken" in again.text) is (moment == "after")
    ((sub,),) = troth.rows("select sub from person where username = ?", name)
    made = Person(name, PASSWORD, sub)
    assert signs_in(troth, made, PASSWORD)
    assert audited(troth, "person.created", made) == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_FT_04_a_key_rotation_that_died_is_whole_or_never_was(
    mortal: Mortal, app: OAuthClient, person: Person, moment: Moment
) -> None:
    """The new key and the end of the old one, or neither; what was signed before is good."""
    troth = mortal.troth
    of_before = app.tokens(person)["access_token"]
    before = keys(troth)
    mortal.command_dies(moment, "put_key", "keys", "rotate", "--now")
    if moment == "after":
        made = [kid for kid in keys(troth) if kid not in before]
        ended = [kid for kid, ends in keys(troth).items() if ends != before.get(kid)]
        assert (len(made), len(ended)) == (1, 1)
    else:
        assert keys(troth) == before
    tokens = app.tokens(person)
    assert app.active(of_before)
    assert app.active(tokens["access_token"])
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    troth.cli("keys", "rotate", "--now")
    assert app.active(tokens["access_token"])


def keys(troth: Troth) -> dict[str, int | None]:
    """When each of them ends."""
    return {key["kid"]: key["ends_at"] for key in troth.cli("keys", "list")["keys"]}
