"""Keys that rotate and retire, and a copy that revives nothing."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import installed
from tests.harness import Person, Plain, Troth
from troth.signing.keys import KINDS


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Troth]:
    """Rotating and restoring is not for a shared server."""
    folder = tmp_path / "server"
    folder.mkdir()
    troth = installed(Troth(folder, workers="2"))
    yield troth
    assert troth.stop() == 0


def kids(troth: Troth, state: str, alg: str = "ES256") -> list[str]:
    found = troth.cli("keys", "list")["keys"]
    return [key["kid"] for key in found if (key["state"], key["alg"]) == (state, alg)]


def published(troth: Troth, alg: str = "ES256") -> set[str]:
    sets = set()
    for _ in range(4):
        with Plain(troth) as http:
            keys = http.get("/oauth/jwks").json()["keys"]
        assert not any("d" in key for key in keys)
        sets.add(frozenset(key["kid"] for key in keys if key["alg"] == alg))
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


@pytest.mark.parametrize(("lifetime", "kept"), [(60, 2 * 3600), (86400, 25 * 3600)])
def test_a_key_that_was_replaced_is_published_for_as_long_as_what_it_signed_lives(
    tmp_path: Path, lifetime: int, kept: int
) -> None:
    troth = Troth(tmp_path, id_token_lifetime=str(lifetime))
    for alg in ("ES256", "RS256"):
        made = troth.cli("keys", "rotate", "--alg", alg)
        (former,) = (
            key
            for key in troth.cli("keys", "list")["keys"]
            if key["alg"] == alg and key["kid"] != made["kid"]
        )
        assert former["ends_at"] - made["signs_from"] == kept


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
    (old,) = kids(server, "active", "A256SIV")
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


def test_every_algorithm_has_keys_of_its_own_that_take_turns(server: Troth) -> None:
    algs = {alg: use for use, alg in KINDS if use in ("sig", "enc")}
    for alg, use in algs.items():
        others = {other: published(server, other) for other in algs if other != alg}
        (old,) = kids(server, "active", alg)
        made = server.cli("keys", "rotate", "--use", use, "--alg", alg)
        assert (made["use"], made["alg"], made["state"]) == (use, alg, "published")
        assert published(server, alg) == {old, made["kid"]}
        assert kids(server, "active", alg) == [old]
        at_once = server.cli("keys", "rotate", "--use", use, "--alg", alg, "--now")
        assert kids(server, "active", alg) == [at_once["kid"]]
        assert server.cli("keys", "retire", old, "--yes") == {"retired": old, "created": []}
        assert old not in published(server, alg)
        (new,) = server.cli("keys", "retire", at_once["kid"], "--yes")["created"]
        assert kids(server, "active", alg) == [new]
        assert {other: published(server, other) for other in others} == others


def test_a_key_of_another_use_is_refused_by_name(troth: Troth) -> None:
    before = troth.rows("select * from key order by kid")
    done = troth.run_cli("keys", "rotate", "--use", "enc", "--alg", "RS256")
    assert done.returncode == 1
    assert "RSA-OAEP-256, ECDH-ES" in done.stderr
    assert troth.run_cli("keys", "rotate", "--use", "pairwise").returncode == 2
    assert troth.rows("select * from key order by kid") == before


def test_what_pairwise_subjects_are_made_with_is_never_retired(troth: Troth) -> None:
    (kid,) = kids(troth, "active", "HS256")
    done = troth.run_cli("keys", "retire", kid, "--yes")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert kids(troth, "active", "HS256") == [kid]


def test_an_installation_gets_the_keys_that_it_lacks_and_keeps_the_others(server: Troth) -> None:
    app, person = server.client(), server.person()
    tokens = app.tokens(person)
    assert server.stop() == 0
    server.execute("delete from key where alg not in ('ES256', 'A256SIV')")
    kept = server.rows("select * from key order by kid")
    server.start()
    now = server.rows("select * from key order by kid")
    assert [row for row in now if row in kept] == kept
    assert sorted(row[2] for row in now) == sorted(alg for _, alg in KINDS)
    assert app.active(tokens["access_token"])
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    assert server.stop() == 0
    assert server.start().rows("select * from key order by kid") == now


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


def test_another_master_key_takes_all_keys_and_nothing_that_was_issued_is_lost(
    tmp_path: Path,
) -> None:
    troth = installed(Troth(tmp_path))
    person, app = troth.person(), troth.client()
    tokens = app.tokens(person)
    before = {key["kid"] for key in troth.cli("keys", "list")["keys"]}
    assert troth.stop() == 0
    new = tmp_path / "new.key"
    done = troth.cli("keys", "rewrap", str(new))
    assert done == {"rewrapped": len(before), "master_key_file": str(new)}
    assert new.stat().st_mode & 0o777 == 0o600
    assert "master key" in troth.run_cli("serve").stderr, "the former one opens nothing now"
    assert troth.cli("keys", "rewrap", str(new))["rewrapped"] == 0, "it may be run again"
    troth.environment["TROTH_MASTER_KEY_FILE"] = str(new)
    troth.start()
    assert {key["kid"] for key in troth.cli("keys", "list")["keys"]} == before
    assert app.active(tokens["access_token"])
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    noted = troth.rows("select count(*) from audit where event = 'master_key.changed'")
    assert noted == [(1,)]
    assert troth.stop() == 0


def test_keys_are_not_put_under_a_master_key_by_who_cannot_open_them(tmp_path: Path) -> None:
    troth = installed(Troth(tmp_path))
    assert troth.stop() == 0
    key = tmp_path / "master.key"
    kept = key.read_text()
    wrapped = troth.rows('select wrapped from "key" order by kid')
    for bad in (kept[5:6] * 43 + "\n", "short\n"):
        key.write_text(bad)
        failed = troth.run_cli("keys", "rewrap", str(tmp_path / "new.key"))
        assert failed.returncode == 1
        assert "master key" in failed.stderr
        assert troth.rows('select wrapped from "key" order by kid') == wrapped
    key.write_text(kept)
    open_to_all = tmp_path / "open.key"
    open_to_all.write_text(kept)
    open_to_all.chmod(0o644)
    assert "chmod 600" in troth.run_cli("keys", "rewrap", str(open_to_all)).stderr
    assert troth.rows('select wrapped from "key" order by kid') == wrapped
