"""UserInfo: which claims by which scope, in which language, and for whom."""

import json
from typing import Any

import pytest

from tests.harness import Browser, OAuthClient, Person, Plain, Troth, answer, forms
from tests.oidc.conftest import RECORD, know, userinfo, verified
from tests.spec import spec

PROFILE = {
    "name", "family_name", "given_name", "middle_name", "nickname", "profile", "picture",
    "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
}  # fmt: skip


@pytest.fixture(scope="module")
def token(rp: OAuthClient, grace: Person) -> str:
    return str(rp.tokens(grace, scope="openid email")["access_token"])


@spec("OIDC Core §5.1", "OIDC Core §5.4")
@pytest.mark.parametrize("scope", ["profile", "email", "address", "phone"])
def test_each_scope_tells_its_claims_and_no_others(
    troth: Troth, rp: OAuthClient, grace: Person, scope: str
) -> None:
    told = userinfo(troth, rp.tokens(grace, scope=f"openid {scope}")["access_token"]).json()
    expected: dict[str, dict[str, object]] = {
        "profile": {
            "preferred_username": grace.username,
            **{name: value for name, value in RECORD.items() if name in PROFILE},
        },
        "email": {"email": f"{grace.username}@people.example", "email_verified": True},
        "address": {"address": RECORD["address"]},
        "phone": {
            "phone_number": RECORD["phone_number"],
            "phone_number_verified": False,
        },
    }
    assert told == {"sub": grace.sub, **expected[scope]}


@spec("OIDC Core §5.4", "RFC 6749 §3.3")
def test_a_scope_that_the_person_left_out_tells_nothing(
    troth: Troth, rp: OAuthClient, browser: Browser
) -> None:
    asked = rp.parameters(scope="openid email phone")
    page = browser.follow(browser.get("/oauth/authorize", params=asked))
    page = browser.sign_in(page, troth.person())
    ticked = browser.post("/consent", decided(page.text, "email"))
    tokens = rp.redeem(answer(ticked)["code"]).json()
    assert tokens["scope"] == "openid email"
    told = userinfo(troth, tokens["access_token"]).json()
    assert told.keys() == {"sub", "email", "email_verified"}


def decided(html: str, *scopes: str) -> list[tuple[str, str]]:
    """The consent form with only these optional scopes ticked."""
    inputs = [(n, v) for n, v in forms(html)["consent"]["inputs"] if n != "scope"]
    return [*inputs, ("decision", "allow"), *(("scope", scope) for scope in scopes)]


@spec("OIDC Core §5.3.1", "RFC 6750 §2.1", "RFC 6750 §2.2")
def test_it_is_asked_by_get_and_by_post_with_the_token_in_header_or_body(
    troth: Troth, token: str, grace: Person
) -> None:
    bearer = {"authorization": f"Bearer {token}"}
    with Plain(troth) as http:
        answers = [
            http.get("/oauth/userinfo", headers=bearer),
            http.get("/oauth/userinfo", headers={"authorization": f"bearer {token}"}),
            http.post("/oauth/userinfo", headers=bearer),
            http.post("/oauth/userinfo", {"access_token": token}),
        ]
    assert {response.status_code for response in answers} == {200}
    assert [response.json()["sub"] for response in answers] == [grace.sub] * 4
    for response in answers:
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"


@spec("OIDC Core §5.3.3", "RFC 6750 §3", "RFC 6750 §3.1")
def test_who_has_no_right_is_told_so_in_the_header(
    troth: Troth, rp: OAuthClient, grace: Person, token: str
) -> None:
    plain = rp.tokens(grace, scope="read_write")["access_token"]
    with Plain(troth) as http:
        nothing = http.get("/oauth/userinfo")
        forged = http.get("/oauth/userinfo", headers={"authorization": f"Bearer {token}x"})
        narrow = http.get("/oauth/userinfo", headers={"authorization": f"Bearer {plain}"})
        basic = http.get("/oauth/userinfo", headers={"authorization": "Basic YTpi"})
        twice = http.post(
            "/oauth/userinfo",
            {"access_token": token},
            headers={"authorization": f"Bearer {token}"},
        )
        query = http.get(f"/oauth/userinfo?access_token={token}")
    assert (nothing.status_code, "error" in nothing.headers["www-authenticate"]) == (401, False)
    assert nothing.headers["www-authenticate"].startswith("Bearer ")
    for response in (forged, basic):
        assert response.status_code == 401
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert narrow.status_code == 403
    assert 'error="insufficient_scope"' in narrow.headers["www-authenticate"]
    assert 'scope="openid"' in narrow.headers["www-authenticate"]
    for response in (twice, query):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
        assert 'error="invalid_request"' in response.headers["www-authenticate"]


@spec("RFC 6750 §2.3", "OIDC Core §5.3.1")
def test_a_parameter_that_only_looks_like_a_token_is_nothing(
    troth: Troth, token: str, grace: Person
) -> None:
    bearer = {"authorization": f"Bearer {token}"}
    with Plain(troth) as http:
        for query in ("my_access_tokens=1", "a=access_token", "xaccess_token=1&b"):
            told = http.get(f"/oauth/userinfo?{query}", headers=bearer)
            assert (told.status_code, told.json()["sub"]) == (200, grace.sub), query
        for query in ("access_token=x", "a=1&access%5ftoken=x", "a=%zz&b=1"):
            assert http.get(f"/oauth/userinfo?{query}", headers=bearer).status_code == 400, query


@spec("OIDC Core §5.2")
def test_claims_come_in_the_languages_that_were_asked_for(
    troth: Troth, rp: OAuthClient, grace: Person
) -> None:
    asked: Any = {"scope": "openid profile", "claims_locales": "ja xx"}
    told = userinfo(troth, rp.tokens(grace, **asked)["access_token"]).json()
    assert told["family_name#ja"] == "ホッパー"
    assert "family_name" not in told
    assert told["given_name"] == "Grace", "it is there in no other language"
    claims = json.dumps({"userinfo": {"family_name#ja-Kana-JP": None, "family_name": None}})
    told = userinfo(troth, rp.tokens(grace, scope="openid", claims=claims)["access_token"]).json()
    assert told["family_name#ja-Kana-JP"] == "ホッパー・カナ"
    assert told["family_name"] == "Hopper"


@spec("OIDC Core §5.5")
def test_a_claim_that_the_person_did_not_agree_to_is_not_told(
    troth: Troth, rp: OAuthClient, browser: Browser
) -> None:
    person = troth.person()
    know(troth, person, **RECORD)
    claims = json.dumps({"userinfo": {"phone_number": {"essential": True}, "email": None}})
    asked = rp.parameters(scope="openid", claims=claims)
    page = browser.sign_in(browser.follow(browser.get("/oauth/authorize", params=asked)), person)
    assert "phone number" in page.text, "the person is asked about what covers it"
    got = browser.post("/consent", decided(page.text, "email"))
    tokens = rp.redeem(answer(got)["code"]).json()
    assert tokens["scope"] == "openid"
    told = userinfo(troth, tokens["access_token"]).json()
    assert told == {"sub": person.sub, "email": f"{person.username}@people.example"}


@spec("OIDC Core §5.5")
def test_a_claim_beyond_what_the_client_is_registered_for_is_not_told(
    troth: Troth, grace: Person
) -> None:
    client = troth.client(scope="openid")
    claims = json.dumps({"userinfo": {"email": {"essential": True}}})
    tokens = client.tokens(grace, scope="openid", claims=claims)
    assert userinfo(troth, tokens["access_token"]).json() == {"sub": grace.sub}


@spec("OIDC Core §5.3.2")
def test_IR_a_token_that_ended_tells_nothing(troth: Troth, rp: OAuthClient) -> None:
    person = troth.person()
    tokens = rp.tokens(person, scope="openid")
    assert userinfo(troth, tokens["access_token"]).status_code == 200
    rp.revoke(tokens["refresh_token"])
    assert userinfo(troth, tokens["access_token"]).status_code == 401
    other = rp.tokens(person, scope="openid")["access_token"]
    troth.cli("user", "disable", person.username)
    assert userinfo(troth, other).status_code == 401


@spec("RFC 9068 §5")
def test_CA_19_a_client_is_nobody_at_userinfo(troth: Troth, grace: Person) -> None:
    words = ("--grant-type", "client_credentials")
    client = troth.client(*words, redirect_uris=(), scope="openid read_write")
    given = {"grant_type": "client_credentials", "scope": "read_write", **client.credentials()}
    token = client.post("/oauth/token", given).json()["access_token"]
    assert userinfo(troth, token).status_code == 401


@spec("OIDC Core §8.1", "OIDC Core §8")
def test_a_pairwise_subject_is_the_same_for_one_sector_and_another_for_the_next(
    troth: Troth, grace: Person
) -> None:
    def pairwise(sector: str) -> OAuthClient:
        client = troth.client(scope="openid profile")
        openid = {"subject_type": "pairwise", "sector": sector}
        troth.edit_client(
            client.client_id,
            lambda noun: {**noun, "openid": {**noun["openid"], **openid}},
        )
        return client

    one, same, other = pairwise("a.example"), pairwise("a.example"), pairwise("b.example")
    subs = []
    for client in (one, same, other):
        tokens = client.tokens(grace, scope="openid profile")
        about = client.introspect(tokens["access_token"])
        told = userinfo(troth, tokens["access_token"]).json()
        refreshed = client.refresh(tokens["refresh_token"]).json()
        said = verified(troth, tokens["id_token"]).claims
        again = verified(troth, refreshed["id_token"]).claims
        assert about["sub"] == told["sub"] == said["sub"] == again["sub"]
        assert "username" not in about
        subs.append(told["sub"])
    assert subs[0] == subs[1] != subs[2]
    assert grace.sub not in subs
