"""The pages as bytes: every state renders, nothing in them can run, and hostile text stays text."""

import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from troth.browser.pages.render import TEMPLATES, Pages
from troth.browser.pages.samples import SAMPLES
from troth.browser.pages.theme import accent_css, contrast, parse_colour
from troth.browser.pages.views import (
    AccountPage,
    Brand,
    ConsentPage,
    ErrorPage,
    LoginPage,
    LogoutPage,
    ScopeLine,
    View,
)

BASE = "/auth"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}%(x)s"
BLOCKS = {"p", "div", "dt", "dd", "li", "h1", "h2", "h3", "label", "legend", "button", "title"}
VOID = {"meta", "link", "input", "img", "br", "path", "circle", "rect"}

Element = tuple[str, dict[str, str | None]]


class Reading(HTMLParser):
    """A page as a person's browser reads it: its elements, its text, and whether tags match."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> repeats an attribute"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.words.append(" ")
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    def one(self, tag: str, **wanted: str) -> dict[str, str | None]:
        (found,) = self.all(tag, **wanted)
        return found


PAGES = Pages(Brand.sample(), BASE)


def read(view: View, pages: Pages = PAGES) -> Reading:
    return Reading(pages.render(view))


def hostile(value: Any) -> Any:
    """The same view with every text replaced by markup that would like to run."""
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, tuple):
        return tuple(hostile(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {field.name: hostile(getattr(value, field.name)) for field in fields(value)}
        return replace(value, **changed)
    return value


every_view = pytest.mark.parametrize(
    "view",
    [pytest.param(view, id=name) for name, view in SAMPLES.items()]
    + [pytest.param(hostile(view), id=f"{name}-hostile") for name, view in SAMPLES.items()],
)
every_sample = pytest.mark.parametrize("view", SAMPLES.values(), ids=SAMPLES.keys())


def test_every_view_has_a_template_and_a_sample() -> None:
    assert set(TEMPLATES) == set(get_args(View)) == {type(view) for view in SAMPLES.values()}
    for view in TEMPLATES:
        assert isinstance(view.sample(), view)


@every_view
def test_a_page_is_whole_and_says_what_it_is(view: View) -> None:
    page = read(view)
    assert page.open == []
    assert page.one("html")["lang"] == "en"
    assert len(page.all("main")) == len(page.all("h1")) == len(page.all("title")) == 1
    assert page.one("meta", name="viewport")
    ids = [attributes["id"] or "" for _, attributes in page.elements if "id" in attributes]
    fixed = [identifier for identifier in ids if HOSTILE not in identifier]
    assert len(set(fixed)) == len(fixed)


@every_view
def test_nothing_on_a_page_can_run_or_reach_another_host(view: View) -> None:
    page = read(view)
    for tag, attributes in page.elements:
        assert tag not in {"script", "style", "iframe", "object", "embed", "base"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("href", "src", "action", "formaction", "srcset"):
            address = attributes.get(name)
            local = address is None or address.startswith((f"{BASE}/", "#"))
            assert local or address == Brand.sample().support_url
    assert not any(
        tag == "meta" and "http-equiv" in attributes for tag, attributes in page.elements
    )


@every_view
def test_what_a_page_refers_to_is_there(view: View) -> None:
    page = read(view)
    ids = {attributes.get("id") for _, attributes in page.elements}
    for tag, attributes in page.elements:
        for name in ("aria-describedby", "aria-labelledby", "for"):
            assert set((attributes.get(name) or "").split()) <= ids
        if tag == "link":
            assert (attributes["href"] or "").removeprefix(BASE) in PAGES.static
        if tag == "input" and attributes["type"] in {"text", "password"}:
            labelled = page.all("label", **{"for": attributes.get("id") or ""})
            assert labelled or "hidden" in attributes


@every_sample
def test_sentences_do_not_run_into_each_other(view: View) -> None:
    assert re.findall(r"[a-z]{2}[.!?][A-Z]\w*", read(view).text) == []


@every_sample
def test_every_form_posts_and_carries_its_token(view: View) -> None:
    page = read(view)
    tokens = page.all("input", name="form_token")
    assert len(tokens) == len(page.all("form"))
    assert all(form["method"] == "post" for form in page.all("form"))
    assert all(token["type"] == "hidden" and token["value"] == "sample" for token in tokens)


def test_hostile_text_is_shown_as_it_was_written() -> None:
    page = read(replace(ConsentPage.sample(), client_name=HOSTILE))
    assert f"{HOSTILE} asks for access" in page.text
    assert page.all("img") == []
    login = read(replace(LoginPage.sample(), username=HOSTILE))
    assert login.one("input", name="username")["value"] == HOSTILE


def test_the_login_page_has_the_promised_names() -> None:
    page = read(LoginPage.sample())
    assert page.one("form", id="login")["action"] == f"{BASE}/login"
    assert page.one("input", name="username")["autocomplete"] == "username"
    assert page.one("input", name="password")["autocomplete"] == "current-password"
    assert page.one("button", id="sign-in")["type"] == "submit"
    assert page.one("input", name="pending")["value"] == "troth_pr_sample"
    assert "to continue to Acme Ledger" in page.text
    assert page.one("a", href=str(Brand.sample().support_url))


@pytest.mark.parametrize(("username", "focused"), [("", "username"), ("grace", "password")])
def test_the_login_page_starts_at_the_first_empty_field(username: str, focused: str) -> None:
    page = read(replace(LoginPage.sample(), username=username))
    assert [field["name"] for field in page.all("input") if "autofocus" in field] == [focused]


def test_a_login_problem_is_an_alert_that_describes_both_fields() -> None:
    page = read(SAMPLES["login-problem"])
    assert page.one("div", role="alert")["id"] == "problem"
    for name in ("username", "password"):
        field = page.one("input", name=name)
        assert (field["aria-describedby"], field["aria-invalid"]) == ("problem", "true")


def test_the_consent_page_has_the_promised_names() -> None:
    page = read(SAMPLES["consent-more"])
    assert page.one("form", id="consent")["action"] == f"{BASE}/consent"
    for decision in ("allow", "deny"):
        button = page.one("button", id=decision)
        assert (button["name"], button["value"]) == ("decision", decision)
    assert page.one("button", value="switch")["name"] == "decision"
    assert page.one("form", id="switch")["action"] == f"{BASE}/consent"
    assert len(page.all("input", name="pending")) == 2
    boxes = page.all("input", type="checkbox", name="scope")
    assert [box["value"] for box in boxes] == ["read_write", "contacts.read", "payments.create"]


def test_a_required_scope_is_ticked_and_cannot_be_unticked() -> None:
    required = replace(ScopeLine.sample(), required=True, checked=False)
    page = read(replace(ConsentPage.sample(), scopes=(required,)))
    box = page.one("input", type="checkbox")
    assert "checked" in box
    assert "disabled" in box


def test_an_optional_scope_is_ticked_only_when_the_view_says_so() -> None:
    page = read(SAMPLES["consent-more"])
    assert "checked" in page.one("input", value="contacts.read")
    assert "checked" not in page.one("input", value="payments.create")
    assert "disabled" not in page.one("input", value="payments.create")


def test_pressing_enter_on_the_consent_page_does_not_allow() -> None:
    decisions = [
        button["value"]
        for button in read(ConsentPage.sample()).all("button", name="decision")
        if button["value"] != "switch"
    ]
    assert decisions[0] == "deny"


def test_the_consent_page_says_who_what_where_and_how_long() -> None:
    page = read(SAMPLES["consent-more"])
    for words in (
        "Published by acme-ledger.example",
        "Signed in as grace@northwind.example",
        "Afterwards you are sent to app.acme-ledger.example",
        "Lasts until you withdraw it, at most 1 year",
        "You allowed this application before.",
        "payments.create New Optional",
    ):
        assert words in page.text


def test_an_application_that_registered_itself_is_called_not_verified() -> None:
    assert "Not verified." in read(SAMPLES["consent-unverified"]).text
    assert "Not verified." not in read(ConsentPage.sample()).text


def test_an_error_page_shows_its_code_and_request_id() -> None:
    page = read(ErrorPage.sample())
    assert "Status 400 Error invalid_request Request req_7Jm2vQx4Ktw9" in page.text
    assert page.one("code", id="request-id") == {"id": "request-id"}


def test_the_logout_page_has_the_promised_names() -> None:
    page = read(LogoutPage.sample())
    assert page.one("form", id="logout")["action"] == f"{BASE}/logout"
    assert page.one("button", id="confirm")["type"] == "submit"


def test_the_account_page_has_the_promised_names() -> None:
    page = read(SAMPLES["account"])
    assert [form["action"] for form in page.all("form")] == [
        f"{BASE}{path}"
        for path in (
            "/logout",
            "/account/applications/revoke",
            "/account/applications/revoke",
            "/account/sessions/end",
            "/account/sessions/end",
            "/account/sessions/end-others",
            "/account/password",
        )
    ]
    assert page.one("input", name="client_id", value="acme-ledger")["type"] == "hidden"
    assert [field["value"] for field in page.all("input", name="session_id")] == ["s-2", "s-3"]
    for button in ("sign-out", "revoke-acme-ledger", "end-s-2", "end-others", "change-password"):
        assert page.one("button", id=button)["type"] == "submit"
    completions = {
        name: page.one("input", name=name)["autocomplete"]
        for name in ("current_password", "new_password", "repeat_password")
    }
    assert list(completions.values()) == ["current-password", "new-password", "new-password"]


def test_withdrawing_access_says_what_ends_and_until_when_a_token_may_still_work() -> None:
    page = read(AccountPage.sample())
    assert "ends at once at Northwind" in page.text
    assert "may accept one for up to 60 minutes more, until 14:05 UTC." in page.text
    assert "may accept one" not in read(SAMPLES["account-problem"]).text


def test_a_password_problem_stands_beside_its_field() -> None:
    page = read(SAMPLES["account-problem"])
    assert page.one("input", name="current_password")["aria-describedby"] == "problem"
    assert len(page.all("div", role="alert")) == 1


def test_every_text_goes_through_gettext() -> None:
    asked: list[str] = []

    def cross_out(message: str) -> str:
        asked.append(message)
        return "".join(
            part if part.startswith(("<", "%")) else re.sub(r"[A-Za-z]", "¤", part)
            for part in re.split(r"(<[^>]*>|%\(\w+\)s|%%)", message)
        )

    pages = Pages(Brand(name="¤"), BASE, gettext=cross_out, lang="x-test")
    for name, view in SAMPLES.items():
        left = read(hostile(view), pages).text.replace(HOSTILE, "")
        assert re.findall(r"[A-Za-z]{3,}", left) == [], name
    assert "Sign in" in asked


def test_a_translation_with_markup_in_a_value_stays_escaped() -> None:
    pages = Pages(Brand.sample(), BASE, gettext=lambda text: text.replace("continue", "100%% go"))
    assert "to 100% go to <b>x" in read(replace(LoginPage.sample(), client_name="<b>x"), pages).text


def test_static_files_are_named_by_their_content_and_refer_to_each_other() -> None:
    sheets = [path for path in PAGES.static if path.endswith(".css")]
    assert len(sheets) == 1
    css = PAGES.static[sheets[0]].body.decode()
    for name in re.findall(r"url\(\"?([^\")]+)", css):
        assert f"/static/{name}" in PAGES.static
    assert "@import" not in css
    assert "//" not in css.replace("/*", "").replace("*/", "")
    for path, file in PAGES.static.items():
        assert re.fullmatch(r"/static/[a-z]+-[0-9a-f]{8}\.(css|svg)", path)
        assert file.etag.startswith('"')
        assert file.body
        assert b"<script" not in file.body
        assert b"style=" not in file.body
    assert Pages(Brand.sample(), "").static.keys() == PAGES.static.keys()


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//help.example"])
def test_an_address_that_is_not_safe_as_a_link_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must start with"):
        Brand(name="x", support_url=address)
    with pytest.raises(ValueError, match="must start with"):
        Brand(name="x", logo_url=address)


def test_a_logo_takes_the_place_of_the_mark() -> None:
    page = read(LoginPage.sample(), Pages(Brand(name="x", logo_url="/brand/logo.png"), BASE))
    assert page.one("img") == {"class": "logo", "src": "/brand/logo.png", "alt": ""}


@pytest.mark.parametrize("accent", ["#ffd400", "#000000", "#ffffff", "#7c3aed", "#00ff88"])
def test_any_colour_of_the_operator_becomes_readable_in_both_themes(accent: str) -> None:
    css = accent_css(accent)
    light, dark = re.findall(r"--accent:(#[0-9a-f]{6})", css)
    assert contrast(parse_colour(light), (255, 255, 255)) >= 4.5
    assert contrast(parse_colour(dark), (18, 26, 23)) >= 4.5
    for theme in css.split("@media"):
        tokens = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", theme))
        pairs = [
            ("accent", "on-accent"),
            ("accent-strong", "on-accent"),
            ("accent-ink", "accent-soft"),
        ]
        for one, other in pairs:
            assert contrast(parse_colour(tokens[one]), parse_colour(tokens[other])) >= 4.5


@pytest.mark.parametrize("accent", ["red", "#12345", "123456", "#12345;", "#gggggg", "#١٢٣٤٥٦"])
def test_something_that_is_no_colour_is_refused(accent: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        Pages(Brand(name="x", accent=accent), BASE)
