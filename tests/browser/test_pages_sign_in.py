"""Signing in and out, by the names that scripts and tests rely on."""

from dataclasses import replace

import pytest

from tests.browser.reading import BASE, PAGES, read
from troth.browser.pages.samples import SAMPLES
from troth.browser.pages.views import (
    Brand,
    EndSessionPage,
    FormPostPage,
    LoggedOutPage,
    LoginPage,
    LogoutPage,
    RegisterPage,
    SelectAccountPage,
)


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


def test_the_logout_page_has_the_promised_names() -> None:
    page = read(LogoutPage.sample())
    assert page.one("form", id="logout")["action"] == f"{BASE}/logout"
    assert page.one("button", id="confirm")["type"] == "submit"


def test_asking_somebody_again_says_why_and_lets_somebody_else_through() -> None:
    page = read(SAMPLES["login-again"])
    assert "Confirm it is you" in page.text
    assert "The application asks you to confirm that it is you." in page.text
    assert page.one("input", name="username")["value"] == "grace"
    assert "readonly" not in page.one("input", name="username")
    assert "autofocus" in page.one("input", name="password")
    assert page.one("input", name="password")["aria-describedby"] == "reason"
    other = page.one("a", id="other-account")["href"] or ""
    assert other.startswith(f"{BASE}/login?pending=troth_pr_sample")
    assert read(LoginPage.sample()).all("a", id="other-account") == []


def test_after_a_wrong_password_the_problem_takes_the_place_of_the_reason() -> None:
    page = read(SAMPLES["login-again-problem"])
    assert page.one("input", name="password")["aria-describedby"] == "problem"
    assert "asks you to confirm" not in page.text


def test_an_account_is_offered_only_where_one_can_be_made() -> None:
    link = read(SAMPLES["login-register"]).one("a", id="register")
    assert link["href"] == f"{BASE}/register?pending=troth_pr_sample"
    assert read(LoginPage.sample()).all("a", id="register") == []


def test_choosing_an_account_has_the_promised_names() -> None:
    page = read(SelectAccountPage.sample())
    assert page.one("form", id="select")["action"] == f"{BASE}/select"
    assert page.one("input", name="pending")["value"] == "troth_pr_sample"
    assert [button["value"] for button in page.all("button", name="session")] == ["r-1", "r-2"]
    for identifier, decision in (("another", "another"), ("cancel", "deny")):
        button = page.one("button", id=identifier)
        assert (button["name"], button["value"]) == ("decision", decision)
    assert "Grace Hopper grace@northwind.example signed in 5 minutes ago" in page.text


def test_making_an_account_has_the_promised_names() -> None:
    page = read(RegisterPage.sample())
    assert page.one("form", id="register")["action"] == f"{BASE}/register"
    completions = {
        field["name"]: field.get("autocomplete")
        for field in page.all("input")
        if field["type"] != "hidden"
    }
    assert completions == {
        "username": "username",
        "email": "email",
        "name": "name",
        "password": "new-password",
        "repeat_password": "new-password",
    }
    assert "required" not in page.one("input", name="name")
    assert "At least 8 characters." in page.text
    assert page.one("button", id="create")["type"] == "submit"
    assert page.one("a", id="have-account")["href"] == f"{BASE}/login?pending=troth_pr_sample"
    assert read(SAMPLES["register-plain"]).one("a", id="have-account")["href"] == f"{BASE}/login"


@pytest.mark.parametrize("field", ["username", "email", "name", "password", "repeat_password"])
def test_a_problem_of_a_new_account_stands_at_its_field(field: str) -> None:
    view = replace(RegisterPage.sample(), problem="No.", problem_field=field)
    page = read(view)
    invalid = [each for each in page.all("input") if each.get("aria-invalid") == "true"]
    assert [each["name"] for each in invalid] == [field]
    assert "problem" in (invalid[0]["aria-describedby"] or "").split()
    assert [each["name"] for each in page.all("input") if "autofocus" in each] == [field]


def test_ending_a_session_for_an_application_has_the_promised_names() -> None:
    page = read(EndSessionPage.sample())
    assert page.one("form", id="end-session")["action"] == f"{BASE}/oauth/end_session"
    assert page.one("input", name="ending")["value"] == "troth_en_sample"
    for identifier in ("confirm", "stay"):
        button = page.one("button", id=identifier)
        assert (button["name"], button["value"]) == ("decision", identifier)
    assert "Acme Ledger asks to sign you out. You are signed in as grace@" in page.text
    assert "asks to sign you out" not in read(SAMPLES["end-session-plain"]).text


def test_after_signing_out_the_way_back_is_offered() -> None:
    page = read(LoggedOutPage.sample())
    assert page.one("a", id="continue")["href"] == LoggedOutPage.sample().continue_url
    assert "Go back to Acme Ledger" in page.text
    assert read(LoggedOutPage()).all("a", id="continue") == []


def test_other_applications_are_told_in_frames_that_nobody_sees() -> None:
    addresses = ("https://one.example/out?sid=a&iss=b", "https://two.example/")
    frames = read(LoggedOutPage(frames=addresses)).all("iframe")
    assert tuple(frame["src"] for frame in frames) == addresses
    for frame in frames:
        assert frame["title"]
        assert (frame["aria-hidden"], frame["tabindex"]) == ("true", "-1")
        assert "hidden" in frame


def test_without_scripts_the_page_goes_on_once_the_frames_had_their_time() -> None:
    view = replace(LoggedOutPage.sample(), frames=("https://one.example/out",))
    assert read(view).one("meta", content=f"2; url={view.continue_url}")["http-equiv"] == "refresh"
    assert b'<noscript><meta http-equiv="refresh"' in PAGES.render(view)


def test_an_answer_by_form_carries_every_parameter_as_it_is() -> None:
    parameters = (("state", '"><script>alert(1)</script>'), ("code", "a+b&c=d"), ("submit", "x"))
    page = read(replace(FormPostPage.sample(), parameters=parameters))
    form = page.one("form", id="answer")
    assert (form["method"], form["action"]) == ("post", FormPostPage.sample().redirect_uri)
    assert [(field["name"], field["value"]) for field in page.all("input")] == list(parameters)
    assert page.one("button", id="continue")["type"] == "submit"
    assert "name" not in page.one("button", id="continue")
