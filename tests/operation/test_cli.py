"""Every command: its JSON, its one sentence where it cannot, and what it changes in a server."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, answer

URI = "https://x.example/cb"

FAILING = (
    "client show nobody",
    "client update nobody --name x",
    "client rotate-secret nobody",
    "client disable nobody",
    "client delete nobody --yes",
    f"client create --name x --redirect-uri {URI} --scope undefined",
    "client create --name x --redirect-uri http://evil.example/cb",
    "client create --name x",
    f"client create --name x --redirect-uri {URI} --client-uri https://[",
    f"client create --name x --redirect-uri {URI} --client-uri https://evil.example\u202emoc.knab",
    f"client create --name x\u00ady --redirect-uri {URI}",
    f"client create --name \u3164 --redirect-uri {URI}",
    f"client create --name x --redirect-uri {URI} --auth-method none "
    "--grant-type client_credentials",
    "user show nobody",
    "user set-password nobody --password-stdin",
    "user set-password nobody",
    "user disable nobody",
    "user delete nobody --yes",
    "user create --username a@b.example",
    "user create --username b --email nonsense",
    "user create --username 0123456789ABCDEF0123456789abcdef",
    "scope remove undefined --yes",
    "scope add bad\"name --description x",
    "keys retire nothing --yes",
    "trace nothing",
    "backup /nowhere/at/all.db",
)  # fmt: skip


@pytest.mark.parametrize("line", FAILING)
def test_a_command_that_cannot_says_why_in_one_sentence(troth: Troth, line: str) -> None:
    before = troth.digest()
    done = troth.run_cli(*line.split(" "), "--json", stdin="canary any password")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("troth: ")
    assert len(done.stderr.splitlines()) == 1
    assert troth.digest() == before


@pytest.mark.parametrize(
    "line",
    ["client delete {} ", "client rotate-secret {}", "user delete {}", "keys retire {}",
     "scope remove {}"],
)  # fmt: skip
def test_what_cannot_be_undone_is_not_done_unasked(
    troth: Troth, app: OAuthClient, ada: Person, line: str
) -> None:
    before = troth.digest()
    known = {"client": app.client_id, "user": ada.username, "scope": "read_write"}
    word = known.get(line.partition(" ")[0]) or kids(troth, "active")[0]
    done = troth.run_cli(*line.format(word).split(), "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--yes" in done.stderr
    assert troth.digest() == before


def kids(troth: Troth, state: str, use: str = "sig") -> list[str]:
    found = troth.cli("keys", "list")["keys"]
    return [key["kid"] for key in found if (key["state"], key["use"]) == (state, use)]


def test_the_life_of_a_client(troth: Troth) -> None:
    made = troth.cli("client", "create", "--name", "Canary", "--redirect-uri", URI)
    client_id, secret = made["client_id"], made["client_secret"]
    shown = troth.cli("client", "show", client_id)
    assert "client_secret" not in shown
    assert secret not in str(shown)
    assert shown["grant_types"] == ["authorization_code", "refresh_token"]
    assert shown["token_endpoint_auth_method"] == "client_secret_basic"
    assert shown["require_pkce"] is False
    assert client_id in str(troth.cli("client", "list"))
    changed = troth.cli("client", "update", client_id, "--name", "New", "--require-pkce")
    assert (changed["client_name"], changed["require_pkce"]) == ("New", True)
    assert changed["redirect_uris"] == [URI], "what is not named stays"
    assert secret not in troth.run_cli("client", "show", client_id).stdout
    assert troth.cli("client", "delete", client_id, "--yes") == {"deleted": client_id}
    assert troth.run_cli("client", "show", client_id).returncode == 1


def authenticates(app: OAuthClient, secret: str) -> bool:
    data = {"token": "x", "client_id": app.client_id, "client_secret": secret}
    return app.post("/oauth/introspect", data).status_code == 200


def test_a_rotated_secret_ends_at_once_or_is_kept_as_told(troth: Troth) -> None:
    app = troth.client()
    kept = troth.cli("client", "rotate-secret", app.client_id, "--keep-old", "24h")["client_secret"]
    assert authenticates(app, app.secret)
    assert authenticates(app, kept)
    last = troth.cli("client", "rotate-secret", app.client_id, "--yes")["client_secret"]
    assert [authenticates(app, s) for s in (app.secret, kept, last)] == [False, False, True]
    wrong = troth.run_cli("client", "rotate-secret", app.client_id, "--keep-old", "a day")
    assert wrong.returncode == 1
    assert authenticates(app, last)


def test_the_life_of_a_person(troth: Troth, app: OAuthClient) -> None:
    person = troth.person()
    for name in (person.username, person.sub, f"{person.username}@people.example"):
        assert troth.cli("user", "show", name)["sub"] == person.sub
    tokens = app.tokens(person)
    stdin = "canary changed by the operator"
    troth.cli("user", "set-password", person.username, "--password-stdin", stdin=stdin)
    assert not app.active(tokens["access_token"])
    person.password = stdin
    tokens = app.tokens(person)
    assert troth.cli("user", "disable", person.username)["disabled"] is True
    assert not app.active(tokens["access_token"])
    assert troth.cli("user", "disable", person.username, "--enable")["disabled"] is False
    assert not app.active(tokens["access_token"]), "what ended stays ended"
    tokens = app.tokens(person)
    assert troth.cli("user", "delete", person.username, "--yes") == {"deleted": person.sub}
    assert not app.active(tokens["access_token"])
    assert person.sub not in str(troth.cli("user", "list"))
    assert "hash" not in str(troth.cli("user", "list")).replace("has_", "")


def test_a_scope_is_defined_listed_and_removed_from_every_client(troth: Troth) -> None:
    troth.cli("scope", "add", "passing", "--description", "Pass by", "--optional", "--default")
    listed = {s["name"]: s for s in troth.cli("scope", "list")["scopes"]}
    assert listed["passing"] == {
        "name": "passing", "description": "Pass by", "required": False, "default": True,
    }  # fmt: skip
    app = troth.client(scope="read_write passing")
    assert troth.cli("scope", "remove", "passing", "--yes")["clients"] == [app.client_id]
    assert troth.cli("client", "show", app.client_id)["scope"] == "read_write"


def test_migrate_says_what_is_applied(tmp_path: Path) -> None:
    troth = Troth(tmp_path)
    before = troth.cli("migrate", "status")["migrations"]
    assert before
    assert not any(entry["applied"] for entry in before)
    assert troth.cli("migrate", "up")["applied"] == [entry["number"] for entry in before]
    assert troth.cli("migrate", "up")["applied"] == []
    assert all(entry["applied"] for entry in troth.cli("migrate", "status")["migrations"])


def findings(troth: Troth) -> tuple[int, dict[str, str]]:
    done = troth.run_cli("doctor", "--json")
    found: Any = json.loads(done.stdout)
    assert found["ok"] is (done.returncode == 0)
    return done.returncode, {f["check"]: f["level"] for f in found["findings"]}


def test_doctor_is_0_where_nothing_is_wrong_and_1_where_something_is(tmp_path: Path) -> None:
    troth = Troth(tmp_path)
    assert findings(troth)[0] == 0
    troth.database.chmod(0o644)
    assert findings(troth) == (1, findings(troth)[1] | {"database": "wrong"})
    troth.database.chmod(0o600)
    (tmp_path / "master.key").chmod(0o644)
    assert findings(troth)[0] == 1
    (tmp_path / "master.key").chmod(0o600)
    troth.environment["TROTH_ISSUER"] = "https://login.example"
    assert findings(troth) == (1, findings(troth)[1] | {"proxy": "wrong"})
    troth.environment["TROTH_TRUSTED_PROXIES"] = "10.0.0.0/8"
    assert findings(troth)[0] == 0
    for name in ("CERT", "KEY"):
        troth.environment[f"TROTH_TLS_{name}_FILE"] = str(tmp_path / "missing.pem")
    assert findings(troth) == (1, findings(troth)[1] | {"tls": "wrong"})


def test_a_credential_of_systemd_is_the_users_alone_whatever_its_group_bits(
    tmp_path: Path,
) -> None:
    """An access list names the user, and its mask shows as the group's bits."""
    troth = Troth(tmp_path)
    for folder, mode, fine in (
        (tmp_path, 0o440, True),
        (tmp_path, 0o444, False),
        (tmp_path / "other", 0o440, False),
    ):
        (tmp_path / "master.key").chmod(mode)
        troth.environment["CREDENTIALS_DIRECTORY"] = str(folder)
        assert (findings(troth)[1]["keys"] != "wrong") is fine, (folder, mode)


def traced(troth: Troth, request_id: str) -> dict[str, str]:
    for _ in range(20):
        done = troth.run_cli("trace", request_id, "--json")
        if done.returncode == 0:
            (trace,) = json.loads(done.stdout)["traces"]
            return dict(trace)
    raise AssertionError(done.stderr)


def test_trace_tells_the_exact_reason_of_a_refusal(
    troth: Troth, app: OAuthClient, ada: Person
) -> None:
    code = app.code(ada)
    refused = app.redeem(code, redirect_uri="https://app.example/other").json()
    trace = traced(troth, refused["request_id"])
    assert (trace["endpoint"], trace["error"]) == ("/oauth/token", "invalid_grant")
    assert "redirect_uri" in trace["reason"]
    sent = answer(Browser(troth).get("/oauth/authorize", params=app.parameters(scope="unheard_of")))
    request_id = sent["error_description"].partition("(request ")[2].rstrip(")")
    trace = traced(troth, request_id)
    assert trace["error"] == sent["error"] == "invalid_scope"
    assert "unheard_of" in trace["reason"]
    page = Browser(troth).get(
        "/oauth/authorize", params=app.parameters(redirect_uri="https://e.example/")
    )
    trace = traced(troth, page.headers["x-request-id"])
    assert "https://e.example/" in trace["reason"]
    assert "e.example" not in page.text
    misdirected = Browser(troth).get("/oauth/authorize", headers={"host": "proxy.example"})
    assert misdirected.status_code == 421
    trace = traced(troth, misdirected.headers["x-request-id"])
    assert (trace["endpoint"], trace["error"]) == ("/oauth/authorize", "misdirected_request")
    assert "proxy.example" in trace["reason"], "a proxy that does not keep Host as it came"


HEAVY = {"uvicorn", "cryptography", "argon2", "jinja2", "zxcvbn", "prometheus_client"}
SCRIPT = """
import sys
from troth.cli import troth
try:
    troth(sys.argv[1:])
except SystemExit as end:
    assert not end.code
sys.stderr.write(" ".join(sys.modules))
"""


@pytest.mark.parametrize("words", [["--help"], ["client", "create", "--help"], ["keys", "--help"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    command = [sys.executable, "-c", SCRIPT, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Usage:" in done.stdout
    assert not HEAVY & set(done.stderr.split())


def test_what_the_store_has_to_say_is_not_in_a_command_s_answer() -> None:
    """A slow database is worth a warning to a server, and none to whoever reads the JSON."""
    script = (
        "from troth import log; from troth.cli.common import failing\n"
        "failing(lambda: log.logger().warning('canary')); print('{}')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{}\n", "")


def test_what_is_outdated_can_be_disabled_and_have_its_secret_changed(troth: Troth) -> None:
    """Whatever a version refuses that a former one registered, it must be possible to stop it."""
    outdated = troth.client()
    troth.edit_client(outdated.client_id, lambda found: found | {"client_uri": "ftp://x.example"})
    assert troth.cli("client", "disable", outdated.client_id)["disabled"]
    assert troth.cli("client", "rotate-secret", outdated.client_id, "--yes")["client_secret"]
    assert troth.run_cli("client", "update", outdated.client_id, "--name", "x").returncode == 1


def test_who_is_called_as_another_is_numbered_is_not_taken_for_them(troth: Troth) -> None:
    """Such names are refused today."""
    victim, namesake = troth.person(), troth.person()
    named = "update person set username = ?, username_key = ? where sub = ?"
    troth.execute(named, victim.sub, victim.sub, namesake.sub)
    done = troth.run_cli("user", "disable", victim.sub, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert victim.username in done.stderr
    assert not troth.cli("user", "show", victim.username)["disabled"]
