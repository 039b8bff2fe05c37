"""People who make their own accounts (`prompt=create`), and those who should not."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.conftest import installed
from tests.engines import Engine
from tests.harness import (
    PASSWORD,
    Browser,
    OAuthClient,
    Person,
    Plain,
    Troth,
    answer,
    forms,
    somewhere,
    together,
)
from tests.oidc.conftest import userinfo, verified
from tests.spec import spec


@pytest.fixture(scope="module")
def open_house(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    """A server on which anybody may make an account; it believes its proxy."""
    folder = tmp_path_factory.mktemp("open")
    kind = {"registration": "open", "trusted_proxies": "127.0.0.1/32", "log_level": "debug"}
    server = installed(engine.troth(folder, workers="2", **kind))
    yield server
    assert server.stop() == 0
    assert "canary" not in server.log()


@pytest.fixture(scope="module")
def rp(open_house: Troth) -> OAuthClient:
    return open_house.client(scope="openid profile email", name="Acme")


@pytest.fixture
def newcomer(open_house: Troth) -> Browser:
    """A browser that nobody has used, in a network of its own."""
    return Browser(open_house, headers={"x-forwarded-for": somewhere()})


_NUMBERS = iter(range(1000))


def typing(**changes: str) -> dict[str, str]:
    """What somebody types into the form."""
    name = f"new{next(_NUMBERS)}"
    typed = {"username": name, "email": f"{name}@people.example", "name": "Nova Comer"}
    return {**typed, "password": PASSWORD, "repeat_password": PASSWORD, **changes}


def asked_to_create(browser: Browser, rp: OAuthClient, **changes: str) -> httpx2.Response:
    parameters = rp.parameters(scope="openid profile email", prompt="create", **changes)
    page = browser.follow(browser.get("/oauth/authorize", params=parameters))
    assert 'id="register"' in page.text
    return page


def created(troth: Troth) -> int:
    return int(troth.rows("select count(*) from person")[0][0])


@spec("OIDC User Registration §4.1")
def test_a_new_account_is_made_and_the_request_goes_on(
    open_house: Troth, rp: OAuthClient, newcomer: Browser
) -> None:
    typed = typing()
    page = asked_to_create(newcomer, rp)
    assert "Acme" in page.text
    consent = newcomer.follow(newcomer.submit(page, "register", typed))
    redirect = newcomer.follow(newcomer.submit(consent, "consent", {"decision": "allow"}))
    tokens = rp.redeem(answer(redirect)["code"]).json()
    said = verified(open_house, tokens["id_token"]).claims
    told = userinfo(open_house, tokens["access_token"]).json()
    assert (said["sub"], said["amr"], said["acr"]) == (told["sub"], ["pwd"], "1")
    assert told["preferred_username"] == typed["username"]
    assert (told["email"], told["email_verified"]) == (typed["email"], False)
    assert told["name"] == "Nova Comer"
    assert isinstance(told["updated_at"], int)
    rows = open_house.rows("select actor, outcome from audit where event = 'person.created'")
    assert (told["sub"], "ok") in rows
    again = Browser(open_house)
    page = again.sign_in(again.get("/login"), Person(typed["username"], PASSWORD, said["sub"]))
    assert "sign-out" in page.text


@spec("OIDC User Registration §4.1")
def test_who_is_signed_in_already_makes_another_account_beside(
    open_house: Troth, rp: OAuthClient, newcomer: Browser
) -> None:
    first, second = typing(), typing()
    newcomer.follow(newcomer.submit(newcomer.get("/register"), "register", first))
    page = asked_to_create(newcomer, rp)
    newcomer.follow(newcomer.submit(page, "register", second))
    assert second["email"] in newcomer.get("/account").text
    both = newcomer.follow(
        newcomer.get(
            "/oauth/authorize", params=rp.parameters(scope="openid", prompt="select_account")
        )
    )
    assert first["email"] in both.text


@spec("OIDC User Registration §4.1")
def test_who_has_an_account_may_use_it(open_house: Troth, rp: OAuthClient) -> None:
    person = open_house.person()
    for browser in (Browser(open_house), Browser(open_house)):
        page = asked_to_create(browser, rp, login_hint=person.username)
        assert f'value="{person.username}"' in page.text
        pending = dict(forms(page.text)["register"]["inputs"])["pending"]
        login = browser.get("/login", params={"pending": pending})
        consent = browser.sign_in(login, person)
        if 'id="consent"' in consent.text:
            consent = browser.follow(browser.submit(consent, "consent", {"decision": "allow"}))
        assert "code" in answer(consent)
        page = asked_to_create(browser, rp)
        pending = dict(forms(page.text)["register"]["inputs"])["pending"]
        assert 'id="login"' in browser.get("/login", params={"pending": pending}).text


def test_an_account_is_made_without_an_application_too(newcomer: Browser) -> None:
    assert 'id="register"' in newcomer.get("/login").text
    typed = typing(name="")
    page = newcomer.follow(newcomer.submit(newcomer.get("/register"), "register", typed))
    assert typed["email"] in page.text
    assert newcomer.get("/register").headers["location"].endswith("/account")


@spec("OIDC User Registration §4.2")
def test_where_it_is_closed_nothing_speaks_of_it(troth: Troth, open_house: Troth) -> None:
    client, browser = troth.client(scope="openid"), Browser(troth)
    for response in (browser.get("/register"), browser.post("/register", {"username": "x"})):
        assert response.status_code == 404
    assert "/register" not in browser.get("/login").text
    asked = client.parameters(scope="openid", prompt="create")
    refused = answer(browser.get("/oauth/authorize", params=asked))
    assert refused["error"] == "invalid_request"
    for server, supported in ((troth, False), (open_house, True)):
        with Plain(server) as http:
            document = http.get("/.well-known/openid-configuration").json()
        assert ("create" in document["prompt_values_supported"]) is supported


WRONG: tuple[tuple[dict[str, str], str], ...] = (
    ({"username": ""}, "username"),
    ({"username": "a b"}, "username"),
    ({"username": "a" * 65}, "username"),
    ({"username": "ada@people.example"}, "username"),
    ({"username": "ad\u200ba"}, "username"),
    ({"username": "\u202eada"}, "username"),
    ({"email": ""}, "email"),
    ({"email": "nonsense"}, "email"),
    ({"email": "a" * 250 + "@x.example"}, "email"),
    ({"email": "a\r\nbcc: b@x.example"}, "email"),
    ({"name": "\u202egnp.exe"}, "name"),
    ({"name": "a" * 101}, "name"),
    ({"password": "short", "repeat_password": "short"}, "password"),
    ({"password": "a" * 257, "repeat_password": "a" * 257}, "password"),
    ({"password": "password1", "repeat_password": "password1"}, "password"),
    ({"repeat_password": "canary something else"}, "repeat_password"),
)


def test_what_does_not_fit_is_said_at_its_field_and_nothing_is_made(
    open_house: Troth, newcomer: Browser
) -> None:
    before = open_house.digest()
    for changes, field in WRONG:
        typed = typing(**changes)
        page = newcomer.submit(newcomer.get("/register"), "register", typed)
        assert page.status_code == 400, changes
        marked = page.text.partition('aria-invalid="true"')[0].rpartition("<input")[2]
        assert f'name="{field}"' in marked, (changes, marked)
        assert PASSWORD not in page.text
    assert open_house.digest() == before


def test_a_password_that_the_persons_own_words_give_away_is_refused(newcomer: Browser) -> None:
    word = "zanzibarquux"
    typed = typing(username=word, password=word + "1", repeat_password=word + "1")
    page = newcomer.submit(newcomer.get("/register"), "register", typed)
    assert "easy to guess" in page.text


def test_nul_and_text_that_is_none_change_nothing(open_house: Troth, newcomer: Browser) -> None:
    before = open_house.digest()
    for field in ("username", "email", "name", "password"):
        for value in ("a\0b", "a\ud800b"):
            page = newcomer.get("/register")
            inputs = dict(forms(page.text)["register"]["inputs"]) | typing()
            inputs |= {field: value}
            body = "&".join(f"{n}={quoted(v)}" for n, v in inputs.items())
            kind = {"content-type": "application/x-www-form-urlencoded"}
            got = newcomer.post("/register", content=body, headers=kind)
            assert got.status_code == 400, (field, value)
    assert open_house.digest() == before


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def test_a_name_or_address_that_is_taken_is_said_at_its_field(
    open_house: Troth, newcomer: Browser
) -> None:
    person = open_house.person()
    address = f"{person.username}@people.example"
    before = open_house.digest()
    for changes, field in (
        ({"username": person.username.upper()}, "username"),
        ({"email": address.upper()}, "email"),
        ({"username": person.username, "email": address}, "username"),
    ):
        page = newcomer.submit(newcomer.get("/register"), "register", typing(**changes))
        assert page.status_code == 400
        marked = page.text.partition('aria-invalid="true"')[0].rpartition("<input")[2]
        assert f'name="{field}"' in marked
    assert open_house.digest() == before


def test_CC_08_many_at_once_with_one_address_make_one_account(open_house: Troth) -> None:
    typed, before = typing(), created(open_house)

    def register() -> int:
        browser = Browser(open_house, headers={"x-forwarded-for": somewhere()})
        mine = typed | {"username": typing()["username"]}
        return browser.submit(browser.get("/register"), "register", mine).status_code

    assert sorted(together(5, register)) == [303, 400, 400, 400, 400]
    assert created(open_house) == before + 1


def test_RX_04_a_network_makes_few_accounts_and_the_others_go_on(open_house: Troth) -> None:
    place, before = somewhere(), created(open_house)

    def register(network: str) -> httpx2.Response:
        browser = Browser(open_house, headers={"x-forwarded-for": network})
        return browser.submit(browser.get("/register"), "register", typing())

    answers = [register(place) for _ in range(25)]
    limited = [each for each in answers if each.status_code == 429]
    assert limited
    assert all(int(each.headers["retry-after"]) >= 1 for each in limited)
    assert created(open_house) == before + 25 - len(limited)
    assert register(somewhere()).status_code == 303


def test_LG_02_asking_for_taken_names_is_as_limited(open_house: Troth) -> None:
    person, place = open_house.person(), somewhere()
    for _ in range(25):
        browser = Browser(open_house, headers={"x-forwarded-for": place})
        got = browser.submit(browser.get("/register"), "register", typing(username=person.username))
        if got.status_code == 429:
            return
    raise AssertionError("25 names were told apart")


@pytest.mark.parametrize("token", [None, "", "garbage", "of another browser"])
def test_CS_01_a_form_without_its_token_makes_nobody(
    open_house: Troth, newcomer: Browser, token: str | None
) -> None:
    other = Browser(open_house)
    theirs = dict(forms(other.get("/register").text)["register"]["inputs"])["form_token"]
    newcomer.get("/register")
    data = typing() | {"pending": ""}
    if token is not None:
        data["form_token"] = theirs if token == "of another browser" else token
    before = open_house.digest()
    assert newcomer.post("/register", data).status_code == 403
    assert open_house.digest() == before


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}], ids=str
)
def test_CS_01_a_good_form_from_elsewhere_makes_nobody(
    open_house: Troth, newcomer: Browser, headers: dict[str, str]
) -> None:
    before = open_house.digest()
    page = newcomer.get("/register")
    assert newcomer.submit(page, "register", typing(), headers=headers).status_code == 403
    assert open_house.digest() == before


def test_a_request_of_another_browser_is_not_continued(
    open_house: Troth, rp: OAuthClient, newcomer: Browser
) -> None:
    theirs: Any = dict(forms(asked_to_create(Browser(open_house), rp).text)["register"]["inputs"])[
        "pending"
    ]
    before = open_house.digest()
    assert newcomer.get("/register", params={"pending": theirs}).status_code == 400
    got = newcomer.submit(newcomer.get("/register"), "register", typing(pending=theirs))
    assert got.status_code == 400
    assert open_house.digest() == before
