"""Keys that rotate and retire, and a copy that revives nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.harness import Person, Plain, Troth


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Troth]:
    """Rotating and restoring is not for a shared server."""
    folder = tmp_path / "server"
    folder.mkdir()
    troth = installed(Troth(folder, workers="2"))
    yield troth
    assert troth.stop() == 0


def kids(troth: Troth, state: str, use: str = "sig") -> list[str]:
    found = troth.cli("keys", "list")["keys"]
    return [key["kid"] for key in found if (key["state"], key["use"]) == (state, use)]


def published(troth: Troth) -> set[str]:
    sets = set()
    for _ in range(4):
        with Plain(troth) as http:
            keys = http.get("/oauth/jwks").json()["keys"]
        assert not any("d" in key for key in keys)
        sets.add(frozenset(key["kid"] for key in keys))
    assert len(sets) == 1
    return set(sets.pop())


def signed_by(token: str) -> str:
    import json
    from base64 import urlsafe_b64decode

    head = token.partition(".")[0]
    return str(json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


def test_a_new_key_is_published_before_it_signs(server: Troth) -> None:
    person, app = server.person(), server.client()
    (old,) = kids(server, "active")
    before = app.tokens(person)
    made = server.cli("keys", "rotate")
    assert made["state"] == "published"
    assert made["signs_from"] >= time.time() + 86000
    assert published(server) == {old, made["kid"]}
    assert signed_by(app.tokens(person)["access_token"]) == old
    emergency = server.cli("keys", "rotate", "--now")
    assert signed_by(app.tokens(person)["access_token"]) == emergency["kid"]
    assert old in published(server), "what it signed is still around"
    assert app.active(before["access_token"])


def test_FT_15_a_retired_key_leaves_at_once_with_all_it_signed(server: Troth) -> None:
    person = server.person()
    app, opaque = server.client(), server.client("--access-token", "opaque")
    tokens, others = app.tokens(person), opaque.tokens(person)
    (old,) = kids(server, "active")
    done = server.cli("keys", "retire", old, "--yes")
    assert done["retired"] == old
    (new,) = done["created"]
    assert published(server) == {new}
    for _ in range(4):
        assert not app.active(tokens["access_token"])
        assert opaque.active(others["access_token"]), "opaque ones are untouched"
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    assert signed_by(app.tokens(person)["access_token"]) == new


def test_FT_15_a_retired_sealing_key_opens_nothing(server: Troth) -> None:
    person, app = server.person(), server.client()
    tokens, code = app.tokens(person), app.code(person)
    (old,) = kids(server, "active", "seal")
    newer = server.cli("keys", "rotate", "--use", "seal")["kid"]
    assert app.refresh(tokens["refresh_token"]).status_code == 200, "rotation ends nothing"
    sealed_anew = app.tokens(person)
    server.cli("keys", "retire", newer, "--yes")
    assert app.refresh(sealed_anew["refresh_token"]).json()["error"] == "invalid_grant"
    again = app.tokens(person)
    server.cli("keys", "retire", old, "--yes")
    assert app.refresh(again["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.redeem(code).json()["error"] == "invalid_grant"
    assert app.refresh(app.tokens(person)["refresh_token"]).status_code == 200


def test_a_copy_of_a_running_server_revives_no_chain(server: Troth, tmp_path: Path) -> None:
    person: Person = server.person()
    app = server.client()
    tokens = app.tokens(person)
    copy = tmp_path / "copy.db"
    assert server.cli("backup", str(copy))["bytes"] == copy.stat().st_size
    assert copy.stat().st_mode & 0o077 == 0
    again = server.run_cli("backup", str(copy))
    assert again.returncode == 1, "a backup is not written over"
    assert app.revoke(tokens["refresh_token"]).status_code == 200
    later = app.tokens(person)
    assert server.stop() == 0
    asked = server.run_cli("restore", str(copy), "--json")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert server.cli("restore", str(copy), "--yes") == {"restored": str(copy)}
    assert not list(server.folder.glob("*.restoring*"))
    server.start()
    for old in (tokens, later):
        assert not app.active(old["access_token"])
        assert app.refresh(old["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.active(app.tokens(person)["access_token"]), "people and clients are there"


def test_what_is_no_backup_is_not_restored(server: Troth, tmp_path: Path) -> None:
    before = server.digest()
    for name, content in (("empty", b""), ("text", b"not a database" * 100)):
        file = tmp_path / name
        file.write_bytes(content)
        done = server.run_cli("restore", str(file), "--yes")
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
    assert server.digest() == before
