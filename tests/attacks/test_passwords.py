"""What a password may be, how it is kept, and that everybody costs the same work."""

from hashlib import sha256
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher

from tests.engines import Engine
from tests.harness import PASSWORD, Browser, OAuthClient, Person, Troth, forms, somewhere
from troth.accounts import passwords
from troth.app import App, create_app
from troth.settings import load

LONG = "".join(sha256(bytes([n])).hexdigest() for n in range(4))
NEW = "canary another long and rare phrase"


@pytest.fixture
def troth(proxied: Troth) -> Troth:
    return proxied


def change(browser: Browser, current: str, new: str, repeat: str | None = None) -> httpx2.Response:
    page = browser.get("/account")
    typed = {"current_password": current, "new_password": new, "repeat_password": repeat or new}
    form = next(name for name in forms(page.text) if "password" in name)
    return browser.submit(page, form, typed)


def works(troth: Troth, person: Person, password: str) -> bool:
    browser = Browser(troth)
    typed = {"username": person.username, "password": password}
    headers = {"x-forwarded-for": somewhere()}
    status = browser.submit(browser.get("/login"), "login", typed, headers=headers).status_code
    assert status in (303, 400)
    return status == 303


@pytest.fixture
async def app(tmp_path: Path) -> App:
    troth = Troth(tmp_path)
    troth.person("known")
    troth.person("off")
    troth.cli("user", "disable", "off")
    troth.cli("user", "create", "--username", "without")
    return create_app(load(troth.environment))


@pytest.mark.parametrize("name", ["known", "nobody", "off", "without", "", "nul\u200bjoiner"])
async def test_LG_01_PV_03_every_name_costs_one_verification_with_current_parameters(
    app: App, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    verified: list[str] = []
    honest = passwords._verify

    def watched(stored: str, password: str) -> bool:
        verified.append(stored.rsplit("$", 2)[0])
        return honest(stored, password)

    monkeypatch.setattr(passwords, "_verify", watched)
    base = app.settings.issuer
    transport = httpx2.ASGITransport(app=app)
    try:
        async with httpx2.AsyncClient(transport=transport, base_url=base) as http:
            found = forms((await http.get("/login")).text)["login"]
            data = dict(found["inputs"]) | {"username": name, "password": "canary wrong"}
            response = await http.post("/login", data=data)
    finally:
        await app.close()
    assert response.status_code == 400
    assert verified == ["$argon2id$v=19$m=19456,t=2,p=1"]


@pytest.mark.parametrize(
    "password", ["", "k", "kq7#vz1", "x" * 257, "x" * 1024, "nul\0 in the middle"]
)
def test_LG_09_what_cannot_be_a_password_is_refused(
    troth: Troth, signed_in: tuple[Browser, Person], password: str
) -> None:
    browser, person = signed_in
    before = troth.digest()
    assert change(browser, PASSWORD, password).status_code == 400
    done = troth.run_cli(
        "user", "set-password", person.username, "--password-stdin", stdin=password
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert troth.digest() == before


def test_LG_09_a_million_characters_are_refused_unread(
    troth: Troth, signed_in: tuple[Browser, Person]
) -> None:
    browser, person = signed_in
    assert change(browser, PASSWORD, "x" * 1_000_000).status_code == 413
    done = troth.run_cli(
        "user", "set-password", person.username, "--password-stdin", stdin="x" * 1_000_000
    )
    assert done.returncode == 1


@pytest.mark.parametrize(
    "password",
    ["kq7#vz1!", "canary " * 9 + "x", LONG[:128], LONG, " leading 71 blank", "🦜🧭🪁🧊🫐🪵🧶🪡"],
    ids=["8", "64", "128", "256", "leading space", "emoji"],
)
def test_LG_09_what_is_a_password_counts_to_its_last_character(
    troth: Troth, signed_in: tuple[Browser, Person], password: str
) -> None:
    browser, person = signed_in
    assert change(browser, PASSWORD, password).status_code == 303
    assert not works(troth, person, password[:-1])
    assert not works(troth, person, password.strip() + "x")
    assert works(troth, person, password)


def test_LG_11_an_old_hash_is_made_anew_at_the_next_login(troth: Troth) -> None:
    person = troth.person()
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    troth.execute("update person set password_hash = ? where sub = ?", old, person.sub)
    assert not works(troth, person, "canary wrong")
    assert stored_hash(troth, person) == old
    assert works(troth, person, PASSWORD)
    assert stored_hash(troth, person).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert works(troth, person, PASSWORD)


def stored_hash(troth: Troth, person: Person) -> str:
    return str(troth.rows("select password_hash from person where sub = ?", person.sub)[0][0])


def test_LG_12_a_password_is_not_changed_without_the_old_one(
    troth: Troth, signed_in: tuple[Browser, Person]
) -> None:
    browser, _ = signed_in
    before = troth.digest()
    for current in ("", "canary wrong", NEW):
        assert change(browser, current, NEW).status_code == 400
    assert change(browser, PASSWORD, NEW, "canary something else").status_code == 400
    assert troth.digest() == before


def test_LG_12_a_changed_password_ends_other_sessions_and_every_chain(
    troth: Troth, app_of: OAuthClient, signed_in: tuple[Browser, Person]
) -> None:
    browser, person = signed_in
    other = Browser(troth)
    other.sign_in(other.get("/login"), person)
    tokens = app_of.tokens(person, other)
    assert app_of.active(tokens["access_token"])
    assert change(browser, PASSWORD, NEW).status_code == 303
    assert other.get("/account").headers["location"].endswith("/login")
    assert browser.get("/account").status_code == 200
    assert not app_of.active(tokens["access_token"])
    assert app_of.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert not works(troth, person, PASSWORD)
    assert works(troth, person, NEW)


@pytest.fixture
def app_of(troth: Troth) -> OAuthClient:
    return troth.client()


def test_LG_21_names_that_mean_the_same_are_one(troth: Troth) -> None:
    troth.person("weiß")
    troth.person("lookalike")
    for clash in (
        "WEIß",
        "LOOKALIKE",
        "\uff4cookalike",
        "look\u200balike",
        "look alike",
        "a\u202eb",
    ):
        done = troth.run_cli("user", "create", "--username", clash, "--json")
        assert (done.returncode, done.stdout) == (1, ""), clash
    assert works(troth, Person("WEIß", PASSWORD, ""), PASSWORD)


@pytest.mark.parametrize("text", ["' or '1'='1", "ada'--", "*)(uid=*", "%", "_" * 3, "\\", "${x}"])
def test_LG_22_no_text_means_anything_to_the_store(troth: Troth, text: str) -> None:
    before = troth.digest()
    assert not works(troth, Person(text, "", ""), text)
    assert not works(troth, Person("known" + text, "", ""), PASSWORD)
    assert troth.digest() == before


def test_LG_23_a_new_installation_knows_nobody(tmp_path: Path, engine: Engine) -> None:
    troth = engine.troth(tmp_path)
    assert troth.cli("user", "list") == {"users": []}
    assert troth.cli("client", "list") == {"clients": []}
