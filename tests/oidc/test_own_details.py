"""What people see of themselves, and of who asks for it."""

import re

from tests.harness import Browser, OAuthClient, Person, Troth
from tests.oidc.conftest import SCOPE
from tests.spec import spec


def details(troth: Troth, person: Person) -> dict[str, str]:
    """The lines of the account page by claim, as text."""
    browser = Browser(troth)
    page = browser.sign_in(browser.get("/login"), person)
    found = re.findall(r'<dd id="detail-([^"]+)">(.*?)</dd>', page.text, re.DOTALL)
    return {name: " ".join(re.sub(r"<[^>]+>", " ", text).split()) for name, text in found}


@spec("OIDC Core §5.1")
def test_people_see_what_is_known_of_them(troth: Troth) -> None:
    person = troth.person(
        claims={
            "name": "Ada Lovelace",
            "name#ja": "エイダ",
            "birthdate": "1815-12-10",
            "phone_number": "+44 1",
            "phone_number_verified": True,
            "address": {"street_address": "12 St James's", "locality": "London", "country": "UK"},
            "groups": ["staff", "poets"],
            "badge": {"floor": 2},
            "active_member": True,
        }
    )
    seen = details(troth, person)
    assert list(seen) == [
        *("name", "name-ja", "birthdate", "email", "address", "phone_number"),
        *("active_member", "badge", "groups"),
    ]
    assert seen["name-ja"] == "エイダ"
    assert seen["birthdate"] == "10 December 1815"
    assert seen["phone_number"] == "+44 1 Verified"
    assert seen["email"] == f"{person.username}@people.example Not verified"
    assert seen["address"] == "12 St James&#39;s London UK"
    assert (seen["groups"], seen["active_member"]) == ("staff, poets", "Yes")
    assert "2" in seen["badge"]


def test_a_record_that_broke_is_shown_and_breaks_no_page(troth: Troth) -> None:
    person = troth.person()
    broken = '{"address": "x", "birthdate": 5, "name": "<script>alert(1)</script>", "n": null}'
    troth.execute("update person set claims = ? where sub = ?", broken, person.sub)
    seen = details(troth, person)
    assert seen["name"] == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert seen["address"] == "x"


def test_what_an_application_sees_of_a_person_stands_beside_what_it_may_do(
    troth: Troth, rp: OAuthClient
) -> None:
    person, browser = troth.person(), Browser(troth)
    rp.tokens(person, browser, scope=SCOPE)
    page = browser.get("/account").text
    shares = page.partition('class="shares"')[2].partition("</ul>")[0]
    assert shares.count('class="badge"') == 5
    grants = page.partition('class="grants"')[2].partition("</ul>")[0]
    assert grants.count("<li>") == 3


@spec("OIDC Registration §2")
def test_people_can_read_what_the_application_says_of_itself(troth: Troth, ada: Person) -> None:
    said = {"policy_uri": "https://app.example/p", "tos_uri": "https://app.example/t"}
    client, browser = troth.client(metadata=said), Browser(troth)
    page = browser.follow(browser.get("/oauth/authorize", params=client.parameters()))
    consent = browser.sign_in(page, ada).text
    assert '<a id="policy" href="https://app.example/p"' in consent
    assert '<a id="terms" href="https://app.example/t"' in consent
