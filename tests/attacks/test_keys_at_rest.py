"""What a copy of the database is worth without the master key, and with a wrong one: nothing."""

import hashlib
import json
import secrets
import shutil
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from tests.harness import PASSWORD, Browser, Person, Plain, Troth, answer
from tests.spec import spec
from troth.log import Secret
from troth.settings import Settings
from troth.signing.keys import KINDS, KeyRingError, StoredKey, new_key, unwrap

MASTER = Secret(secrets.token_bytes(32))


def everything_on_disk(troth: Troth, copy: Path) -> bytes:
    if not troth.postgres:
        troth.cli("backup", str(copy))
    files = [file for file in troth.folder.iterdir() if file.name != "master.key"]
    held = troth.dump().encode("latin-1", "replace")
    return held + b"".join(file.read_bytes() for file in [*files, copy] if file.is_file())


def spellings_of(raw: bytes) -> set[bytes]:
    return {raw, raw.hex().encode(), b64encode(raw), urlsafe_b64encode(raw).rstrip(b"=")}


def spellings(secret: str) -> set[bytes]:
    """A secret as it would be found: itself, what is sealed in it, its bytes, their hex."""
    body = secret.removeprefix(secret[:9]) if secret.startswith("troth_") else secret
    raw = urlsafe_b64decode(body + "=" * (-len(body) % 4)) if body.isascii() else b""
    return {secret.encode(), body.encode(), raw, raw.hex().encode()}


@spec("RFC 9700 §4.14.2", "RFC 6819 §5.1.4.1")
def test_ST_01_no_copy_holds_anything_that_works(spoilt: Troth, tmp_path: Path) -> None:
    person, app, opaque = (
        spoilt.person(),
        spoilt.client(),
        spoilt.client("--access-token", "opaque"),
    )
    browser = Browser(spoilt)
    held = [app.secret, opaque.secret]
    for client in (app, opaque):
        held.append(answer(browser.authorize(client.parameters(), person))["code"])
        tokens = client.tokens(person, browser)
        refreshed = client.refresh(tokens["refresh_token"]).json()
        held += [*(tokens[n] for n in ("access_token", "refresh_token"))]
        held += [*(refreshed[n] for n in ("access_token", "refresh_token"))]
    held += [value for name, value in browser.http.cookies.items() if name != "troth-browser"]
    rotated = spoilt.cli("client", "rotate-secret", app.client_id, "--yes")["client_secret"]
    found = everything_on_disk(spoilt, tmp_path / "copy.db")
    for secret in (*held, rotated):
        if secret.count(".") == 2:
            assert secret.encode() not in found
            assert secret.rpartition(".")[2].encode() not in found
        else:
            assert not [s for s in spellings(secret) if len(s) > 15 and s in found], secret[:12]
    assert PASSWORD.encode() not in found
    assert hashlib.sha256(PASSWORD.encode()).hexdigest().encode() not in found


def test_ST_02_what_lies_in_the_database_opens_nothing(spoilt: Troth) -> None:
    person, app = spoilt.person(), spoilt.client()
    browser = Browser(spoilt)
    tokens = app.tokens(person, browser)
    (metadata,), *_ = spoilt.rows("select metadata from client")
    digest = json.loads(metadata)["secrets"][0]["digest"]
    wrong = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    with Plain(spoilt) as http:
        form = {"client_id": app.client_id, "client_secret": digest, **wrong}
        assert http.post("/oauth/token", form).json()["error"] == "invalid_client"
        (session,), *_ = spoilt.rows("select secret_digest from session")
        cookie = {"cookie": f"troth-session={session}"}
        assert http.get("/account", headers=cookie).status_code == 303, "to the login page"
    (chain_id,), *_ = spoilt.rows("select chain_id from chain")
    for stolen in (chain_id.hex(), urlsafe_b64encode(chain_id).decode().rstrip("=")):
        for prefix in ("troth_ac_", "troth_rt_", "troth_at_", ""):
            assert app.redeem(prefix + stolen).json()["error"] == "invalid_grant"
            assert app.refresh(prefix + stolen).json()["error"] == "invalid_grant"
            assert not app.active(prefix + stolen)
    (hashed,), *_ = spoilt.rows("select password_hash from person")
    login = Browser(spoilt)
    page = login.follow(login.get("/oauth/authorize", params=app.parameters()))
    thief = Person(person.username, hashed, person.sub)
    assert 'id="login"' in login.sign_in(page, thief).text


def test_ST_03_a_wrapped_key_opens_in_its_own_row_only() -> None:
    one, two = (new_key("sig", now=1, signs_from=1, master=MASTER) for _ in range(2))
    sealing = new_key("seal", now=1, signs_from=1, master=MASTER)
    assert unwrap(one, MASTER) != unwrap(two, MASTER)
    swapped = [
        replace(one, kid=two.kid),
        replace(one, wrapped=two.wrapped),
        replace(one, wrapped=sealing.wrapped),
        replace(sealing, use="sig"),
        replace(one, alg="ES384"),
        replace(one, wrapped=one.wrapped[:-1] + bytes([one.wrapped[-1] ^ 1])),
        replace(one, wrapped=one.wrapped[:12]),
        replace(one, wrapped=b""),
    ]
    for key in swapped:
        with pytest.raises(KeyRingError):
            unwrap(key, MASTER)
    with pytest.raises(KeyRingError):
        unwrap(one, Secret(secrets.token_bytes(32)))
    assert unwrap(one, MASTER) not in one.wrapped


def test_ST_03_a_key_of_one_algorithm_is_none_of_another() -> None:
    """RS256 and PS256, EdDSA and ES256: the row says which, and nobody can say otherwise."""
    keys = [new_key(use, alg, now=1, signs_from=1, master=MASTER) for use, alg in KINDS]
    for key in keys:
        assert unwrap(key, MASTER)
        for use, alg in KINDS:
            if (use, alg) != key.kind:
                with pytest.raises(KeyRingError):
                    unwrap(replace(key, use=use, alg=alg), MASTER)


def test_ST_04_with_a_wrong_master_key_nothing_starts_and_nothing_is_made(
    spoilt: Troth, tmp_path: Path
) -> None:
    app, person = spoilt.client(), spoilt.person()
    tokens = app.tokens(person)
    before = spoilt.rows("select * from key order by kid")
    key_file, good = spoilt.folder / "master.key", tmp_path / "good.key"
    shutil.copy(key_file, good)
    key_file.write_bytes(urlsafe_b64encode(secrets.token_bytes(32)) + b"\n")
    (kid,) = [row[0] for row in before if row[2] == "ES256"]
    for words in (
        ("keys", "rotate", "--now"),
        ("keys", "rotate", "--use", "seal"),
        ("keys", "retire", kid, "--yes"),
    ):
        done = spoilt.run_cli(*words)
        assert done.returncode == 1, words
        assert "master key" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert spoilt.rows("select * from key order by kid") == before
    assert app.refresh(tokens["refresh_token"]).status_code == 200, "the running server goes on"
    assert spoilt.stop() == 0
    assert "master key" in spoilt.run_cli("serve").stderr
    assert spoilt.rows("select * from key order by kid") == before
    shutil.copy(good, key_file)
    spoilt.start()
    assert app.active(tokens["access_token"])


def test_ST_14_the_defaults_listen_on_this_machine_only() -> None:
    chosen = Settings()
    assert chosen.listen.startswith("127.0.0.1:")
    assert chosen.management_listen == ""
    assert chosen.issuer.startswith("http://127.0.0.1:")
    assert chosen.trusted_proxies == ()


def test_ST_03_the_database_alone_opens_no_key(spoilt: Troth, tmp_path: Path) -> None:
    whole = everything_on_disk(spoilt, tmp_path / "copy.db")
    wrapped = [bytes(row) for (row,) in spoilt.rows("select wrapped from key")]
    assert wrapped
    assert all(value in whole for value in wrapped)
    text = (spoilt.folder / "master.key").read_text().strip()
    raw = urlsafe_b64decode(text + "=")
    assert raw not in whole
    assert text.encode() not in whole
    assert b"PRIVATE KEY" not in whole
    for name, oid in (
        ("P-256", "2a8648ce3d030107"),
        ("RSA", "2a864886f70d010101"),
        ("Ed25519", "302e020100300506032b6570"),
    ):
        assert bytes.fromhex(oid) not in whole, f"no {name} key in the clear"
    names = ("kid", "use", "alg", "created_at", "signs_from", "ends_at", "wrapped")
    keys = [
        StoredKey(**dict(zip(names, row, strict=True))) for row in spoilt.rows("select * from key")
    ]
    assert {key.kind for key in keys} == set(KINDS)
    for key in keys:
        assert all(secret not in whole for secret in spellings_of(unwrap(key, Secret(raw))))
