"""The account page, by the names that scripts and tests rely on."""

from tests.browser.reading import BASE, read
from troth.browser.pages.samples import SAMPLES
from troth.browser.pages.views import AccountPage


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
