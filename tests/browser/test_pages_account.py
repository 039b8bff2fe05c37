"""The account page, by the names that scripts and tests rely on."""

from dataclasses import replace

from tests.browser.reading import BASE, read
from troth.browser.pages.samples import SAMPLES
from troth.browser.pages.views import AccountPage, ApplicationLine


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


def test_what_is_known_of_a_person_is_shown_in_words() -> None:
    page = read(SAMPLES["account"])
    for words in (
        "Name (el) Γκρέις Χόπερ",
        "E-mail grace@northwind.example Verified",
        "Phone number +1 (555) 010-1906 Not verified",
        "Birthday 9 December 1906",
        "employee_number 4711",
    ):
        assert words in page.text
    assert page.one("dd", id="detail-email")
    assert page.one("dd", id="detail-name-el")
    assert page.one("bdi", lang="el")
    assert page.all("img") == []
    assert "Your details" not in read(AccountPage.sample()).text


def test_an_application_says_which_details_it_sees() -> None:
    page = read(SAMPLES["account"])
    seen = "What it sees of you Who you are here Name and profile E-mail Postal address"
    assert f"{seen} Phone number badge" in page.text
    line = replace(ApplicationLine.sample(), scopes=(), shares=("openid",))
    only = read(replace(AccountPage.sample(), applications=(line,)))
    assert "It only knows who you are." not in only.text
