"""One line per event, and exactly one audit event for each decision."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import installed
from tests.harness import PASSWORD, Browser, Troth, answer, forms, somewhere


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troth]:
    folder = tmp_path_factory.mktemp("logs")
    troth = installed(Troth(folder, trusted_proxies="127.0.0.1/32"))
    yield troth
    assert troth.stop() == 0


def since(server: Troth, start: int) -> list[tuple[str, ...]]:
    return server.rows(
        "select event, outcome, actor, client_id, sub, request_id from audit where id > ?", start
    )


def audit_lines(server: Troth) -> list[dict[str, Any]]:
    """What the log says of decisions; the rows of some are written behind their lines."""
    lines = [json.loads(line) for line in server.log().splitlines() if line[:1] + line[-1:] == "{}"]
    return [line for line in lines if line.get("audit")]


def settled(server: Troth) -> bool:
    """Whether the table and the log have come to say the same; commands have their rows alone."""
    rows = [(row[0], row[5]) for row in since(server, 0) if row[2] != "operator"]
    return sorted(rows) == sorted((e["event"], e["request_id"]) for e in audit_lines(server))


def audited(server: Troth, work: Callable[[], Any]) -> list[tuple[str, str]]:
    """Event and outcome of the audit rows that `work` makes; each has its line in the log."""
    (start,) = server.rows("select coalesce(max(id), 0) from audit")[0]
    work()
    deadline = time.monotonic() + 30
    while not (rows := since(server, start)) or not settled(server):
        assert time.monotonic() < deadline, "of line and row one never comes"
        time.sleep(0.05)
    lines = audit_lines(server)
    for event, outcome, actor, client_id, sub, request_id in rows:
        assert actor or client_id or sub or (event, outcome) == ("login", "wrong")
        if actor == "operator":
            continue
        assert len(request_id) == 20
        same: dict[str, Any] = {
            "event": event,
            "outcome": outcome,
            "actor": actor,
            "client_id": client_id,
        }
        same |= {"sub": sub, "request_id": request_id, "audit": True}
        found = [line for line in lines if same.items() <= line.items()]
        assert len(found) == 1, (event, found)
    return [(row[0], row[1]) for row in rows]


def test_G10_every_decision_of_a_grant_is_audited_once(server: Troth) -> None:
    app, person, browser = server.client(), server.person(), Browser(server)
    page = browser.follow(browser.get("/oauth/authorize", params=app.parameters()))
    typed = {"username": person.username, "password": "canary wrong"}
    kind: dict[str, Any] = {"headers": {"x-forwarded-for": somewhere()}}
    wrong = audited(server, lambda: browser.submit(page, "login", typed, **kind))
    assert wrong == [("login", "wrong")]
    got: dict[str, Any] = {}

    def step(name: str, work: Callable[[], Any]) -> list[tuple[str, str]]:
        return audited(server, lambda: got.update({name: work()}))

    assert step("page", lambda: browser.sign_in(page, person)) == [("login", "ok")]
    allow = {"decision": "allow"}
    assert step("sent", lambda: browser.submit(got["page"], "consent", allow)) == [
        ("consent", "allowed"),
        ("code.issued", "ok"),
    ]
    code = answer(got["sent"])["code"]
    assert len(step("first", lambda: app.redeem(code).json())) == 1
    refresh = got["first"]["refresh_token"]
    assert len(step("second", lambda: app.refresh(refresh).json())) == 1
    assert step("replay", lambda: app.redeem(code)) == [("code.replayed", "revoked")]
    assert step("revoke", lambda: app.revoke(refresh)) == [("token.revoked", "ok")]
    assert step("out", lambda: browser.submit(browser.get("/logout"), "logout")) == [
        ("logout", "ok")
    ]


def test_G10_denying_switching_and_account_changes_are_audited_once(server: Troth) -> None:
    app, person, browser = server.client(), server.person(), Browser(server)
    page = browser.follow(browser.get("/oauth/authorize", params=app.parameters()))
    consent = browser.sign_in(page, person)
    deny = {"decision": "deny"}
    assert audited(server, lambda: browser.submit(consent, "consent", deny)) == [
        ("consent", "denied")
    ]
    account = browser.get("/account")
    change = {"current_password": "canary wrong", "new_password": "canary a much newer phrase"}
    change["repeat_password"] = change["new_password"]

    form = next(f for f in forms(account.text) if "password" in f)
    wrong = audited(server, lambda: browser.submit(account, form, change))
    assert wrong == [("password.changed", "wrong")]
    change["current_password"] = PASSWORD
    right = audited(server, lambda: browser.submit(account, form, change))
    assert right.count(("password.changed", "ok")) == 1
    page = browser.follow(browser.get("/oauth/authorize", params=app.parameters()))
    switch = {"decision": "switch"}
    page, other = browser.follow(browser.submit(page, "switch", switch)), server.person()
    assert audited(server, lambda: browser.sign_in(page, other)) == [("login", "ok")]


def test_every_line_is_json_with_time_level_and_event(server: Troth) -> None:
    server.raw(b"nonsense\r\n\r\n")
    Browser(server).get("/oauth/authorize")
    lines = [line for line in server.log().splitlines() if not line.startswith("ready")]
    for line in lines:
        event = json.loads(line)
        assert {"event", "level", "timestamp"} <= event.keys()
    assert any(json.loads(line)["event"] == "request.refused" for line in lines)
    assert "canary" not in server.log()
