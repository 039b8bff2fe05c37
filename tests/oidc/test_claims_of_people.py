"""What operators record of people: `troth user create|update --claims`."""

import json
from typing import Any

from tests import forked
from tests.harness import PASSWORD, Browser, OAuthClient, Person, Troth
from tests.oidc.conftest import userinfo
from tests.spec import spec

WHOLE: dict[str, Any] = {
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "family_name": "Lovelace",
    "family_name#ja": "ラブレス",
    "middle_name": "King",
    "nickname": "The Enchantress",
    "preferred_username": "ada.l",
    "profile": "https://people.example/ada",
    "picture": "https://people.example/ada.png",
    "website": "http://ada.example",
    "gender": "female",
    "birthdate": "1815-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "email_verified": True,
    "phone_number": "+44 20 7946 0000",
    "phone_number_verified": True,
    "address": {"formatted": "12 St James's Square", "locality": "London", "country": "UK"},
    "groups": ["staff", "poets"],
    "department": {"name": "Engines", "floor": 2},
}


def change(troth: Troth, sub: str, document: Any, *words: str) -> Any:
    """How the command ended."""
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    said = ("user", "update", sub, "--claims", "-", *words, "--json")
    return forked.run(said, troth.environment, text)


@spec("OIDC Core §5.1", "OIDC Core §5.2")
def test_all_standard_claims_and_any_others_are_kept_and_told(
    troth: Troth, rp: OAuthClient
) -> None:
    person = troth.person(claims=WHOLE)
    shown = troth.cli("user", "show", person.sub)["claims"]
    updated_at = shown.pop("updated_at")
    assert shown == WHOLE
    tokens = rp.tokens(person, scope="openid profile email address phone")
    told = userinfo(troth, tokens["access_token"]).json()
    own = {name for name in WHOLE if name not in ("groups", "department", "family_name#ja")}
    assert {name: told[name] for name in own} == {name: WHOLE[name] for name in own}
    assert told["updated_at"] == updated_at
    assert told["email"] == f"{person.username}@people.example"
    assert "groups" not in told


def test_people_are_created_with_what_is_known_of_them(troth: Troth, tmp_path: Any) -> None:
    file = tmp_path / "claims.json"
    file.write_text(json.dumps({"email": "eve@known.example", "name": "Eve", "nickname": None}))
    words = ("user", "create", "--username", "eve-known", "--claims", str(file))
    sub = troth.cli(*words, "--password-stdin", stdin=PASSWORD)["sub"]
    shown = troth.cli("user", "show", "eve@known.example")
    assert (shown["sub"], shown["email"]) == (sub, "eve@known.example")
    assert shown["claims"]["name"] == "Eve"
    assert not {"email", "nickname"} & shown["claims"].keys()


def test_a_change_replaces_what_it_names_and_null_removes(troth: Troth) -> None:
    person = troth.person(claims=WHOLE)
    change(troth, person.sub, {"name": "Ada King", "nickname": None, "address": {"country": "UK"}})
    shown = troth.cli("user", "show", person.sub)["claims"]
    assert (shown["name"], shown["address"]) == ("Ada King", {"country": "UK"})
    assert "nickname" not in shown
    assert shown["groups"] == WHOLE["groups"]


def test_what_is_new_is_not_verified_unless_that_is_said(troth: Troth) -> None:
    person = troth.person(claims=WHOLE)
    shown = json.loads(change(troth, person.sub, {"phone_number": "+44 1"}).stdout)
    assert "phone_number_verified" not in shown["claims"]
    assert shown["claims"]["email_verified"] is True
    troth.cli("user", "update", person.sub, "--email", f"new-{person.username}@people.example")
    shown = troth.cli("user", "show", person.sub)
    assert "email_verified" not in shown["claims"]
    both = {"email": f"more-{person.username}@people.example", "email_verified": True}
    shown = json.loads(change(troth, person.sub, both).stdout)
    assert (shown["email"], shown["claims"]["email_verified"]) == (both["email"], True)


def test_nobody_is_logged_out_by_a_change_and_the_new_name_logs_in(
    troth: Troth, rp: OAuthClient
) -> None:
    person, browser = troth.person(), Browser(troth)
    tokens = rp.tokens(person, browser, scope="openid profile")
    new = f"new-{person.username}"
    troth.cli("user", "update", person.sub, "--username", new)
    assert "sign-out" in browser.get("/account").text
    told = userinfo(troth, tokens["access_token"]).json()
    assert (told["sub"], told["preferred_username"]) == (person.sub, new)
    assert rp.refresh(tokens["refresh_token"]).status_code == 200
    person.username = new
    assert rp.code(person, scope="openid")


def test_names_and_addresses_stay_unique(troth: Troth) -> None:
    one, other = troth.person(), troth.person()
    before = troth.digest()
    for words in (
        ("--username", one.username.upper()),
        ("--email", f"{one.username}@people.example"),
        ("--username", "a@b.example"),
        ("--email", "nonsense"),
    ):
        done = troth.run_cli("user", "update", other.sub, *words)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    taken = change(troth, other.sub, {"email": f"{one.username}@People.example"})
    assert "taken" in taken.stderr
    assert troth.digest() == before


WRONG: tuple[tuple[Any, str], ...] = (
    ({"name": 5}, "name"),
    ({"name": ""}, "name"),
    ({"name": "a" * 1001}, "name"),
    ({"email_verified": "true"}, "email_verified"),
    ({"phone_number_verified": 1}, "phone_number_verified"),
    ({"birthdate": "10.12.1815"}, "birthdate"),
    ({"website": "javascript:alert(1)"}, "website"),
    ({"picture": "data:image/png;base64,AA"}, "picture"),
    ({"profile": 'https://x/" onload="'}, "profile"),
    ({"updated_at": "yesterday"}, "updated_at"),
    ({"address": "12 St James's Square"}, "address"),
    ({"address": {"planet": "Earth"}}, "address"),
    ({"address": {"country": 44}}, "address"),
    ({"locale#ja": "ja"}, "locale"),
    ({"family_name#": "x"}, "family_name#"),
    ({"family name": "x"}, "family name"),
    ({"": "x"}, "''"),
    ({"note": "nul \0"}, "NUL"),
    ({"note": "x" * 17000}, "kB"),
    ({"email": "nonsense"}, "email"),
    ("[]", "claims"),
    ('{"name": "a", "name": "b"}', "twice"),
    ('{"n": NaN}', "number"),
    ('{"n": 1e999}', "number"),
    ('{"n": ' + "9" * 30 + "}", "number"),
    ('{"n": "\\ud800"}', "claims"),
    ('{"n": ' + "[" * 4000 + "]" * 4000 + "}", "claims"),
)


@spec("OIDC Core §5.1")
def test_what_cannot_be_a_claim_is_named_and_nothing_changes(troth: Troth, ada: Person) -> None:
    before = troth.digest()
    for document, named in WRONG:
        done = change(troth, ada.sub, document)
        ended = (done.returncode, done.stdout, len(done.stderr.splitlines()))
        assert ended == (1, "", 1), str(document)[:80]
        assert named in done.stderr, str(document)[:80]
    assert troth.digest() == before


def test_SC_10_no_record_says_what_the_server_alone_says(troth: Troth, ada: Person) -> None:
    reserved = "iss sub aud exp scope act cnf acr amr auth_time nonce client_id sub#de".split()
    for name in reserved:
        done = change(troth, ada.sub, {name: "x"})
        assert done.returncode == 1
        assert name.partition("#")[0] in done.stderr


def test_a_whole_record_has_at_most_16_kb(troth: Troth) -> None:
    person = troth.person(claims={"a": "x" * 9000})
    done = change(troth, person.sub, {"b": "x" * 9000})
    assert done.returncode == 1
    assert "16 kB" in done.stderr
