"""A person in a real Chromium: logging in, deciding, coming back, taking it all away again."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.application import landing
from tests.browser.conftest import DESKTOP, PHONE
from tests.harness import OAuthClient, Person, Troth

pytestmark = pytest.mark.chromium

Sit = Callable[..., Page]


@pytest.fixture(scope="module")
def redirect_uri() -> Iterator[str]:
    with landing() as uri:
        yield uri


@pytest.fixture(scope="module")
def reader(troth: Troth, redirect_uri: str) -> OAuthClient:
    return troth.client(name="Canary Reader", redirect_uris=(redirect_uri,))


@pytest.fixture
def person(troth: Troth) -> Person:
    return troth.person()


def address(app: OAuthClient, **changes: str) -> str:
    return f"{app.troth.issuer}/oauth/authorize?{urlencode(app.parameters(**changes))}"


def sign_in(page: Page, person: Person) -> None:
    page.fill("[name=username]", person.username)
    page.fill("[name=password]", person.password)
    page.click("#sign-in")


def landed(page: Page) -> dict[str, str]:
    """What the application was told."""
    expect(page.locator("#landed")).to_be_visible()
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


everywhere = pytest.mark.parametrize(
    "kind",
    [DESKTOP, {**PHONE, "java_script_enabled": False}],
    ids=["desktop", "phone without JavaScript"],
)


@everywhere
def test_log_in_allow_and_come_back(
    sit_down: Sit, reader: OAuthClient, person: Person, kind: dict[str, object]
) -> None:
    page = sit_down(**kind)
    page.goto(address(reader))
    page.fill("[name=username]", person.username)
    page.fill("[name=password]", "wrong")
    page.click("#sign-in")
    expect(page.locator("#problem")).to_be_visible()
    sign_in(page, person)
    expect(page.locator("form#consent")).to_contain_text("See and change your things")
    page.click("#allow")
    told = landed(page)
    assert told["state"] == "canary-state"
    assert reader.redeem(told["code"]).json()["scope"] == "read_write"
    page.goto(address(reader))
    assert "code" in landed(page), "remembered: nothing is asked"


@everywhere
def test_deny(sit_down: Sit, reader: OAuthClient, person: Person, kind: dict[str, object]) -> None:
    page = sit_down(**kind)
    page.goto(address(reader))
    sign_in(page, person)
    page.click("#deny")
    told = landed(page)
    assert (told["error"], told["state"]) == ("access_denied", "canary-state")


@everywhere
def test_leave_something_out_and_be_asked_again_only_where_the_application_wants_it(
    sit_down: Sit, reader: OAuthClient, person: Person, kind: dict[str, object]
) -> None:
    page = sit_down(**kind)
    page.goto(address(reader, scope="read_write extra"))
    sign_in(page, person)
    expect(page.locator("[name=scope][value=read_write]")).to_be_disabled()
    page.uncheck("[name=scope][value=extra]")
    page.click("#allow")
    assert reader.redeem(landed(page)["code"]).json()["scope"] == "read_write"
    page.goto(address(reader, scope="read_write extra"))
    assert reader.redeem(landed(page)["code"]).json()["scope"] == "read_write"
    page.goto(address(reader, scope="read_write extra", prompt="consent"))
    expect(page.locator("form#consent")).not_to_contain_text("New")
    expect(page.locator("[name=scope][value=extra]")).not_to_be_checked()
    page.check("[name=scope][value=extra]")
    page.click("#allow")
    granted = reader.redeem(landed(page)["code"]).json()["scope"]
    assert set(granted.split()) == {"read_write", "extra"}


def test_going_back_after_the_answer_gives_no_second_one(
    sit_down: Sit, reader: OAuthClient, person: Person
) -> None:
    page = sit_down()
    page.goto(address(reader))
    sign_in(page, person)
    page.click("#allow")
    landed(page)
    page.go_back()
    expect(page.locator("h1")).to_contain_text("already answered")


def test_two_tabs_with_two_applications_do_not_mix(
    sit_down: Sit, troth: Troth, reader: OAuthClient, redirect_uri: str, person: Person
) -> None:
    other = troth.client(name="Canary Writer", redirect_uris=(redirect_uri,))
    one = sit_down()
    one.goto(address(reader))
    sign_in(one, person)
    two = one.context.new_page()
    two.goto(address(other, state="other-state"))
    expect(two.locator("h1")).to_contain_text("Canary Writer")
    expect(one.locator("h1")).to_contain_text("Canary Reader")
    one.click("#allow")
    two.click("#allow")
    assert reader.redeem(landed(one)["code"]).status_code == 200
    told = landed(two)
    assert told["state"] == "other-state"
    assert other.redeem(told["code"]).status_code == 200


def test_take_an_application_away_on_the_account_page(
    sit_down: Sit, reader: OAuthClient, person: Person
) -> None:
    tokens = reader.tokens(person)
    page = sit_down()
    page.goto(f"{reader.troth.issuer}/account")
    sign_in(page, person)
    expect(page.locator("main")).to_contain_text("Canary Reader")
    page.click(f"#ask-revoke-{reader.client_id}")
    page.click(f"#revoke-{reader.client_id}")
    expect(page.locator(f"#revoke-{reader.client_id}")).to_have_count(0)
    assert not reader.active(tokens["access_token"])
    assert reader.refresh(tokens["refresh_token"]).status_code == 400


def test_end_sessions_and_log_out(sit_down: Sit, troth: Troth, person: Person) -> None:
    here, there = sit_down(), sit_down()
    for page in (here, there):
        page.goto(f"{troth.issuer}/account")
        sign_in(page, person)
        expect(page.locator("form#logout")).to_be_visible()
    here.reload()
    here.click("#end-others")
    expect(here.locator("#end-others")).to_have_count(0)
    there.reload()
    expect(there.locator("form#login")).to_be_visible()
    here.click("#sign-out")
    here.goto(f"{troth.issuer}/account")
    expect(here.locator("form#login")).to_be_visible()


def test_change_the_password(sit_down: Sit, troth: Troth, person: Person) -> None:
    page, new = sit_down(), "quite another canary battery"
    page.goto(f"{troth.issuer}/account")
    sign_in(page, person)
    page.fill("[name=current_password]", person.password)
    page.fill("[name=new_password]", new)
    page.fill("[name=repeat_password]", new)
    page.click("#change-password")
    expect(page.locator("body")).to_contain_text("password")
    page.context.clear_cookies()
    page.goto(f"{troth.issuer}/account")
    sign_in(page, Person(person.username, new, person.sub))
    expect(page.locator("form#logout")).to_be_visible()


def test_the_whole_way_by_keyboard(sit_down: Sit, reader: OAuthClient, person: Person) -> None:
    page = sit_down()
    page.goto(address(reader, scope="read_write extra"))
    expect(page.locator("[name=username]")).to_be_focused()
    page.keyboard.type(person.username)
    page.keyboard.press("Tab")
    page.keyboard.type(person.password)
    page.keyboard.press("Enter")
    expect(page.locator("form#consent")).to_be_visible()
    reach(page, "[name=scope][value=extra]")
    page.keyboard.press("Space")
    reach(page, "#allow")
    outline = page.eval_on_selector("#allow", "e => getComputedStyle(e).outlineStyle")
    assert outline != "none", "one sees where one is"
    page.keyboard.press("Enter")
    assert reader.redeem(landed(page)["code"]).json()["scope"] == "read_write"


def reach(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.eval_on_selector(selector, "e => e === document.activeElement"):
            return
    raise AssertionError(f"{selector} is not reached by keyboard")
