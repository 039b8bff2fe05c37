"""The whole demo in a real Chromium: what a newcomer sees, clicks and can rely on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.demo import USERNAME, Demo, Walker

pytestmark = pytest.mark.chromium


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("journey")).start()
    yield demo
    assert demo.stop() == 0


@dataclass
class Newcomer:
    """One person in front of one page."""

    demo: Demo
    page: Page
    complaints: list[str] = field(default_factory=list)

    def press(self, button: str) -> None:
        self.page.click(f"#{button}")

    def connect(self, decision: str = "allow") -> None:
        self.page.goto(self.demo.app)
        self.press("connect")
        if self.page.locator("form#login").count():
            self.page.fill("[name=username]", USERNAME)
            self.page.fill("[name=password]", self.demo.password)
            self.press("sign-in")
        if self.page.locator("form#consent").count():
            self.press(decision)
        self.page.wait_for_url(f"{self.demo.app}/")

    def stands(self, standing: str) -> None:
        expect(self.page.locator("#standing")).to_have_attribute("data-standing", standing)

    @property
    def latest(self) -> Locator:
        """What was tried last: the only one that stands open."""
        return self.page.locator(".since details[open]")


@pytest.fixture
def newcomer(request: pytest.FixtureRequest, demo: Demo, chromium: Browser) -> Iterator[Newcomer]:
    """With nothing allowed before, and no complaint of the browser afterwards."""
    Walker(demo).withdraw()
    context = chromium.new_context(**getattr(request, "param", DESKTOP))
    context.set_default_timeout(15_000)
    newcomer = Newcomer(demo, context.new_page())

    def hear(message: Any) -> None:
        if message.type in ("error", "warning"):
            newcomer.complaints.append(message.text)

    context.on("console", hear)
    context.on("weberror", lambda error: newcomer.complaints.append(str(error.error)))
    yield newcomer
    context.close()
    assert newcomer.complaints == []


without_javascript = pytest.mark.parametrize(
    "newcomer",
    [DESKTOP, {**DESKTOP, "java_script_enabled": False}, {**PHONE, "java_script_enabled": False}],
    ids=["desktop", "without JavaScript", "phone without JavaScript"],
    indirect=True,
)


@without_javascript
def test_the_whole_demo(newcomer: Newcomer) -> None:
    page = newcomer.page
    page.goto(newcomer.demo.app)
    newcomer.stands("new")
    expect(page.locator("#call-api")).to_be_disabled()
    newcomer.connect()
    newcomer.stands("connected")
    for number, words in {
        1: "GET /oauth/authorize",
        2: "GET /callback",
        3: "POST /oauth/token",
        4: "GET /notes",
    }.items():
        expect(page.locator(f"#step-{number}")).to_contain_text(words)
    expect(page.locator(".pad")).to_contain_text("Candles, ink, sealing wax")
    newcomer.press("call-api")
    expect(newcomer.latest).to_contain_text("200 OK")
    newcomer.press("refresh")
    expect(newcomer.latest).to_contain_text("Both tokens are new")
    newcomer.press("expired")
    expect(newcomer.latest).to_contain_text("Use it again after it has expired")
    expect(newcomer.latest).to_contain_text("401 Unauthorized")
    newcomer.press("revoke")
    newcomer.stands("ended")
    newcomer.press("call-api")
    expect(newcomer.latest).to_contain_text('error="invalid_token"')
    newcomer.press("reset")
    newcomer.stands("new")


@without_javascript
def test_withdrawing_on_the_account_page_stops_the_api_at_once(newcomer: Newcomer) -> None:
    newcomer.connect()
    newcomer.press("call-api")
    expect(newcomer.latest).to_contain_text("200 OK")
    newcomer.page.click("a[href$='/account']")
    newcomer.page.wait_for_url(f"{newcomer.demo.issuer}/account")
    newcomer.page.click("summary[id^=ask-revoke-]")
    newcomer.page.click("button[id^=revoke-]")
    expect(newcomer.page.locator("button[id^=revoke-]")).to_have_count(0)
    newcomer.page.goto(newcomer.demo.app)
    newcomer.stands("connected")
    newcomer.press("call-api")
    expect(newcomer.latest).to_contain_text("401 Unauthorized")
    newcomer.stands("ended")


def test_denying_shows_what_the_application_was_told(newcomer: Newcomer) -> None:
    newcomer.connect("deny")
    newcomer.stands("denied")
    expect(newcomer.page.locator("#step-2")).to_contain_text("access_denied")
    expect(newcomer.page.locator("#revoke")).to_be_disabled()


def test_a_scope_that_was_unticked_is_not_in_the_token(newcomer: Newcomer) -> None:
    page = newcomer.page
    page.goto(newcomer.demo.app)
    newcomer.press("connect")
    page.fill("[name=username]", USERNAME)
    page.fill("[name=password]", newcomer.demo.password)
    newcomer.press("sign-in")
    page.uncheck("[name=scope][value=calendar]")
    newcomer.press("allow")
    newcomer.stands("connected")
    expect(page.locator(".lacks")).to_contain_text("not allowed")
    newcomer.press("call-calendar")
    expect(newcomer.latest).to_contain_text("403 Forbidden")


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


@pytest.mark.parametrize("newcomer", [{**DESKTOP, "java_script_enabled": False}], indirect=True)
def test_the_keyboard_alone_is_enough(newcomer: Newcomer) -> None:
    page, keyboard = newcomer.page, newcomer.page.keyboard
    page.goto(newcomer.demo.app)
    _tab_to(page, "#connect")
    keyboard.press("Enter")
    expect(page.locator("[name=username]")).to_be_focused()
    keyboard.type(USERNAME)
    keyboard.press("Tab")
    keyboard.type(newcomer.demo.password)
    keyboard.press("Enter")
    page.wait_for_selector("form#consent")
    _tab_to(page, "#allow")
    keyboard.press("Enter")
    newcomer.stands("connected")
    _tab_to(page, "#call-api")
    keyboard.press("Enter")
    expect(newcomer.latest).to_contain_text("200 OK")


@pytest.mark.parametrize(
    # Axe is a script, which the pages' policy would rightly stop.
    "newcomer",
    [{**DESKTOP, "bypass_csp": True}, {**PHONE, "bypass_csp": True}],
    ids=["desktop in the light", "phone in the dark"],
    indirect=True,
)
def test_every_state_is_accessible_and_fits_its_screen(newcomer: Newcomer) -> None:
    page, app = newcomer.page, newcomer.demo.app

    def look(state: str) -> None:
        page.wait_for_load_state("load")
        results = Axe().run(page)
        assert results.violations_count == 0, f"{state}: {results.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, f"{state} scrolls sideways"

    page.goto(app)
    look("new")
    newcomer.connect("deny")
    look("denied")
    newcomer.connect()
    look("connected")
    newcomer.press("call-calendar")
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    look("called")
    newcomer.press("revoke")
    newcomer.press("call-api")
    look("ended")
    page.goto(f"{app}/by-hand?code=troth_ac_sample&state=by-hand")
    look("by hand")
    page.goto(f"{app}/you")
    look("nobody")
    newcomer.press("log-in")
    newcomer.press("allow")
    newcomer.stands("known")
    page.locator("details").evaluate_all("all => all.forEach(each => { each.open = true; })")
    look("somebody")
    newcomer.press("sign-out")
    newcomer.press("confirm")
    newcomer.stands("left")
    look("signed out")
    page.goto(f"{app}/callback?code=x")
    look("not asked for")
    assert newcomer.complaints.pop() == (
        "Failed to load resource: the server responded with a status of 400 (Bad Request)"
    )
