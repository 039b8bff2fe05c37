"""The consent page, by the names that scripts and tests rely on."""

from dataclasses import replace

from tests.browser.reading import BASE, read
from troth.browser.pages.samples import SAMPLES
from troth.browser.pages.views import ConsentPage, ScopeLine


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


def test_what_the_application_says_of_itself_opens_beside_the_question() -> None:
    page = read(SAMPLES["consent-openid"])
    for identifier, address in (("policy", "privacy"), ("terms", "terms")):
        link = page.one("a", id=identifier)
        assert link["href"] == f"https://acme-ledger.example/{address}"
        assert (link["target"], link["rel"]) == ("_blank", "noopener noreferrer")
    assert "In its own words: privacy policy (in a new window), terms of service" in page.text
    assert "In its own words" not in read(ConsentPage.sample()).text
