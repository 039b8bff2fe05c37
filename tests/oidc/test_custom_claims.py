"""Claims of the operator's own, by scopes of their own (the setting `claims`)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines import Engine
from tests.harness import OAuthClient, Person, Plain, Troth
from tests.oidc.conftest import userinfo, verified
from tests.spec import spec
from troth.settings import SettingsError, load

MAPPING = {"groups": ["groups"], "hr": {"department": "dept", "boss": "manager"}}
SCOPE = "openid profile groups hr"


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Troth]:
    server = engine.troth(tmp_path_factory.mktemp("mapped"), claims=json.dumps(MAPPING))
    for name in MAPPING:
        server.cli("scope", "add", name, "--description", f"See your {name}", "--optional")
    yield server.start()
    assert server.stop() == 0


@pytest.fixture(scope="module")
def rp(mapped: Troth) -> OAuthClient:
    return mapped.client(scope=SCOPE)


@pytest.fixture(scope="module")
def eve(mapped: Troth) -> Person:
    record = {"groups": ["staff", "poets"], "dept": "Engines", "dept#de": "Motoren", "salary": 5}
    return mapped.person(claims=record)


@spec("OIDC Core §5.1.2", "OIDC Core §5.4")
def test_a_scope_of_the_operators_tells_the_claims_that_are_mapped_to_it(
    mapped: Troth, rp: OAuthClient, eve: Person
) -> None:
    tokens = rp.tokens(eve, scope="openid groups hr")
    told = userinfo(mapped, tokens["access_token"]).json()
    assert told == {"sub": eve.sub, "groups": ["staff", "poets"], "department": "Engines"}
    tokens = rp.tokens(eve, scope="openid groups")
    assert "department" not in userinfo(mapped, tokens["access_token"]).json()


@spec("OIDC Core §5.5")
def test_a_mapped_claim_can_be_asked_for_by_name(
    mapped: Troth, rp: OAuthClient, eve: Person
) -> None:
    claims = {"id_token": {"department": None, "department#de": None, "dept": None, "salary": None}}
    tokens = rp.tokens(eve, scope="openid", claims=json.dumps(claims))
    said = verified(mapped, tokens["id_token"]).claims
    assert (said["department"], said["department#de"]) == ("Engines", "Motoren")
    assert not {"dept", "salary"} & said.keys()


@spec("OIDC Discovery §3")
def test_the_metadata_names_the_scopes_and_their_claims(mapped: Troth) -> None:
    with Plain(mapped) as http:
        document = http.get("/.well-known/openid-configuration").json()
    assert {"groups", "department", "boss"} <= set(document["claims_supported"])
    assert {"groups", "hr"} <= set(document["scopes_supported"])
    assert "dept" not in document["claims_supported"]


RESERVED = "iss sub aud exp iat nonce auth_time acr amr azp at_hash sid scope act cnf".split()


@pytest.mark.parametrize("name", RESERVED)
def test_SC_10_no_mapping_says_what_the_server_alone_says(tmp_path: Path, name: str) -> None:
    environment = Troth(tmp_path).environment
    for table in ({"hr": [name]}, {"hr": {name: "dept"}}, {"hr": {"department": name}}):
        with pytest.raises(SettingsError) as refusal:
            load(environment | {"TROTH_CLAIMS": json.dumps(table)})
        assert f"{name!r}" in str(refusal.value)


def test_SC_10_a_record_that_says_it_all_the_same_is_not_listened_to(
    mapped: Troth, rp: OAuthClient
) -> None:
    person = mapped.person()
    forged = dict.fromkeys(RESERVED, "forged") | {"groups": ["staff"], "sub#ja": "forged"}
    text = json.dumps(forged)
    mapped.execute("update person set claims = ? where sub = ?", text, person.sub)
    asked = {name: None for name in forged if name != "sub"}
    claims = json.dumps({"id_token": asked, "userinfo": asked})
    tokens = rp.tokens(person, scope="openid profile groups hr", claims=claims)
    told = userinfo(mapped, tokens["access_token"])
    assert told.json()["sub"] == person.sub
    assert "forged" not in told.text
    assert "forged" not in str(verified(mapped, tokens["id_token"]).claims)


@pytest.mark.parametrize(
    "table",
    ["x", "[]", '{"hr": []}', '{"hr": "department"}', '{"hr": [5]}', '{"hr": {"a": 5}}',
     '{"h r": ["a"]}', '{"hr": ["a b"]}', '{"hr": ["a#de"]}', '{"hr": ["' + "a" * 101 + '"]}'],
)  # fmt: skip
def test_FT_20_a_table_that_cannot_be_stops_the_start_and_is_named(
    tmp_path: Path, table: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(Troth(tmp_path).environment | {"TROTH_CLAIMS": table})
    said = str(refusal.value)
    assert "claims" in said.lower()
    assert len(said.splitlines()) == 1


def test_the_table_stands_in_the_settings_file_as_well(tmp_path: Path) -> None:
    file = tmp_path / "troth.toml"
    file.write_text('[claims]\ngroups = ["groups"]\nhr = { department = "dept" }\n')
    environment = Troth(tmp_path).environment | {"TROTH_CONFIG_FILE": str(file)}
    expected: Any = {"groups": {"groups": "groups"}, "hr": {"department": "dept"}}
    assert load(environment).claims_by_scope == expected


def test_the_doctor_says_which_scope_nobody_can_ask_for(tmp_path: Path) -> None:
    server = Troth(tmp_path, claims='{"hr": ["department"]}')
    server.cli("scope", "list")
    found = json.loads(server.run_cli("doctor", "--json").stdout)["findings"]
    (said,) = [each["says"] for each in found if each["check"] == "claims"]
    assert "troth scope add hr" in said
    server.cli("scope", "add", "hr", "--description", "See your department")
    found = json.loads(server.run_cli("doctor", "--json").stdout)["findings"]
    assert "claims" not in {each["check"] for each in found}
