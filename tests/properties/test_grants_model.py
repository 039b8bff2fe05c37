"""Grants through the whole app, step by step at random, against a model that fits on a page."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.harness import forms
from tests.inside import Inside
from tests.properties.grants_model import ACCESS_LIFE, CODE_LIFE, Access, Model, Refresh
from tests.properties.grants_setup import (
    CLIENTS,
    ENDS,
    LIVES,
    PEOPLE,
    SELDOM,
    WAITS,
    WHICH,
    other,
    refused,
    template,
)
from tests.spec import spec
from troth.accounts import passwords

T = TypeVar("T")


class Grants(RuleBasedStateMachine):
    """Every rule is a request or a command; its answer must be the model's."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="troth-model-"))
        shutil.copytree(self.template, self.folder, dirs_exist_ok=True)
        self.runner = asyncio.Runner()
        self.inside = Inside(self.folder, **LIVES)
        self.inside.now = int(self.inside.now)
        self.do(self.inside.open())
        self.model = Model(int(self.inside.now))
        self.restarts = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.all_that_is_active_should_be()
        self.do(self.inside.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    @initialize(person=PEOPLE, client=CLIENTS)
    def begin(self, person: str, client: str) -> None:
        self.connect(person, client)

    @rule(person=PEOPLE, client=CLIENTS)
    def authorize(self, person: str, client: str) -> None:
        code = self.do(self.inside.authorize(client, person))
        self.model.issued(code, person, client)

    @rule(person=PEOPLE, client=CLIENTS)
    def connect(self, person: str, client: str) -> None:
        """What mostly happens: a code is redeemed at once."""
        self.authorize(person, client)
        self.redeem(which=0, again=False, stolen=False)

    @rule(person=PEOPLE, client=CLIENTS, seconds=st.sampled_from([CODE_LIFE - 1, CODE_LIFE]))
    def redeem_late(self, person: str, client: str, seconds: int) -> None:
        self.authorize(person, client)
        self.wait(seconds)
        self.redeem(which=0, again=False, stolen=False)

    @precondition(lambda self: self.model.codes)
    @rule(which=WHICH, again=SELDOM, stolen=SELDOM)
    def redeem(self, which: int, again: bool, stolen: bool) -> None:
        codes = self.model.codes
        found = [n for n, code in enumerate(codes) if again or code.chain is None]
        if not found:
            return
        number = found[-1 - which % len(found)]
        code = self.model.codes[number]
        client = other(code.client) if stolen else code.client
        grant = {"grant_type": "authorization_code", "code": code.text}
        answer = self.do(self.inside.token(client, **grant))
        if self.model.redeem(code, client):
            self._keep(answer, number, 1)
        else:
            refused(answer)

    @precondition(lambda self: self.model.refreshes)
    @rule(seconds=WAITS, which=WHICH, stolen=SELDOM)
    def refresh(self, seconds: int, which: int, stolen: bool) -> None:
        """Whatever token it is: of a chain that stands, or not."""
        self.wait(seconds)
        self._present(self.model.refreshes[-1 - which % len(self.model.refreshes)], stolen)

    @precondition(lambda self: self.model.refreshes)
    @rule(times=st.integers(min_value=1, max_value=3), seconds=WAITS)
    def refresh_some_times_and_again(self, times: int, seconds: int) -> None:
        """The newest token, its successors, and then the first of them again: lost, or stolen."""
        first = self.model.refreshes[-1]
        for _ in range(times):
            self._present(self.model.refreshes[-1])
        self.wait(seconds)
        self._present(first)

    @precondition(lambda self: self.model.former())
    @rule(seconds=WAITS, which=WHICH)
    def refresh_again(self, seconds: int, which: int) -> None:
        """With a token that was used before: a retry or a replay, as time will have it."""
        self.wait(seconds)
        former = self.model.former()
        self._present(former[-1 - which % len(former)])

    def _present(self, token: Refresh, stolen: bool = False) -> None:
        owner = self.model.codes[token.code].client
        client = other(owner) if stolen else owner
        grant = {"grant_type": "refresh_token", "refresh_token": token.text}
        answer = self.do(self.inside.token(client, **grant))
        if self.model.refresh(token, client):
            self._keep(answer, token.code, token.generation + 1)
        else:
            refused(answer)

    @precondition(lambda self: self.model.accesses)
    @rule(which=WHICH, access=st.booleans(), stolen=SELDOM)
    def revoke_token(self, which: int, access: bool, stolen: bool) -> None:
        tokens: list[Any] = self.model.accesses if access else self.model.refreshes
        token = tokens[-1 - which % len(tokens)]
        owner = self.model.codes[token.code].client
        client = other(owner) if stolen else owner
        answer = self.do(self.inside.machine("/oauth/revoke", client, token=token.text))
        assert answer.status_code == 200
        self.model.revoke(token, client)

    @rule(person=PEOPLE, client=CLIENTS, how=ENDS)
    def end_with_a_code_on_its_way(self, person: str, client: str, how: str) -> None:
        self.authorize(person, client)
        self.end(person, client, how)
        self.redeem(which=0, again=False, stolen=False)

    @rule(person=PEOPLE, client=CLIENTS, how=ENDS)
    def end(self, person: str, client: str, how: str) -> None:
        if how == "revoke":
            self.revoke_authorization(person, client)
        elif how == "disable":
            self.disable_and_enable(person)
        else:
            self.log_out(person)
        for token in self.model.former()[-1:]:
            self._present(token)

    def revoke_authorization(self, person: str, client: str) -> None:
        """On the account page, where the person is logged in and the client is connected."""
        page = self.do(self.inside.get("/account", person))
        if page.status_code == 200 and f'value="{client}"' in page.text:
            path = "/account/applications/revoke"
            typed = {**dict(forms(page.text)[path]["inputs"]), "client_id": client}
            done = self.do(self.inside.post(path, typed, person))
            assert done.headers["location"].endswith("?done=revoked")
            count = self.model.approvals.get((person, client), 0)
            self.model.approvals[person, client] = count + 1

    def disable_and_enable(self, person: str) -> None:
        """Between the two nothing of theirs is active; and what ended stays ended."""
        for disabled in (True, False):
            self.do(self.inside.change_person(f"sub-{person}", disabled=disabled))
            self.model.end_person(person)
            self._check_all()

    def log_out(self, person: str) -> None:
        page = self.do(self.inside.get("/logout", person))
        if 'id="logout"' in page.text:
            self.do(self.inside.submit(page, "logout", person))
            self.model.end_session(person)

    @rule(seconds=WAITS)
    def wait(self, seconds: int) -> None:
        self.inside.now += seconds
        self.model.now += seconds

    @precondition(lambda self: self.restarts < 1)
    @rule()
    def restart(self) -> None:
        self.restarts += 1
        self.do(self.inside.close())
        self.do(self.inside.open())

    @invariant()
    def the_newest_token_is_active_as_it_should_be(self) -> None:
        for token in self.model.accesses[-1:]:
            self._check(token)

    def _check_all(self) -> None:
        for token in self.model.accesses:
            if self.model.now < token.expires_at:
                self._check(token)

    def all_that_is_active_should_be(self) -> None:
        for token in self.model.accesses:
            self._check(token)
            stranger = other(self.model.codes[token.code].client)
            assert not self.do(self.inside.active(stranger, token.text)), "nobody else's business"

    def _check(self, token: Access) -> None:
        client = self.model.codes[token.code].client
        assert self.do(self.inside.active(client, token.text)) == self.model.active(token)

    def _keep(self, answer: httpx2.Response, code: int, generation: int) -> None:
        assert answer.status_code == 200, answer.text
        body = answer.json()
        known = {
            t.text for t in self.model.refreshes if (t.code, t.generation) == (code, generation)
        }
        assert known <= {body["refresh_token"]}, "a retry is answered with the same successor"
        if not known:
            self.model.refreshes.append(Refresh(body["refresh_token"], code, generation))
        expires_at = self.model.now + ACCESS_LIFE
        self.model.accesses.append(Access(body["access_token"], code, expires_at))


@spec("RFC 6749 §4.1.2", "RFC 6749 §6", "RFC 7009 §2.1", "RFC 7662 §2.2", "RFC 9700 §4.14.2")
def test_every_walk_through_grants_is_as_the_model_says(monkeypatch: pytest.MonkeyPatch) -> None:
    # People log in hundreds of times here: it is not their passwords that are tried.
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(1, 8, 1))
    Grants.template = template()
    try:
        walks = settings(max_examples=40, stateful_step_count=25, deadline=None)
        run_state_machine_as_test(Grants, settings=walks)
    finally:
        shutil.rmtree(Grants.template)
