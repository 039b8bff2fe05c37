"""Sectors: which clients know a person by one pairwise subject, and who may join them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.harness import OAuthClient, Person, Troth
from tests.oidc.test_registration import URI, refused
from tests.outside import Answer, Outside
from tests.spec import spec


def reaching(troth: Troth, outside: Outside) -> dict[str, str]:
    """The environment of an operator who let Troth fetch from a server of the test."""
    allowed = {"TROTH_FETCH_ALLOW": outside.allow(), "TROTH_FETCH_CA_FILE": str(outside.ca_file)}
    return {**troth.environment, **allowed}


def in_sector(troth: Troth, outside: Outside, path: str, **members: Any) -> Any:
    document = {
        "client_name": "Canary Sector",
        "redirect_uris": [URI, "https://other.example/cb"],
        "subject_type": "pairwise",
        "sector_identifier_uri": outside.url(path),
        **members,
    }
    words = ("client", "create", "--metadata", "-", "--json")
    return forked.run(words, reaching(troth, outside), json.dumps(document))


def listing(*uris: str) -> Answer:
    return Answer(body=list(uris))


@spec("OIDC Registration §5", "OIDC Core §8.1")
def test_clients_of_one_sector_know_a_person_by_one_subject(
    troth: Troth, outside: Outside, ada: Person
) -> None:
    outside.answers["/sector"] = listing(URI, "https://other.example/cb", "https://more.example")
    subjects = []
    for uri in (URI, "https://other.example/cb"):
        done = in_sector(troth, outside, "/sector", redirect_uris=[uri])
        assert done.returncode == 0, done.stderr
        client = OAuthClient(troth, json.loads(done.stdout))
        tokens = client.tokens(ada, scope="openid", redirect_uri=uri)
        subjects.append(client.introspect(tokens["access_token"])["sub"])
    members = {"subject_type": "pairwise", "redirect_uris": [URI], "scope": "openid"}
    alone = troth.client(metadata=members)
    subjects.append(alone.introspect(alone.tokens(ada, scope="openid")["access_token"])["sub"])
    assert subjects[0] == subjects[1] != subjects[2]
    assert ada.sub not in subjects


@spec("OIDC Registration §5")
@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (listing(URI), "https://other.example/cb"),
        (listing(URI, "https://other.example/cb/"), "https://other.example/cb"),
        (Answer(body=b'{"redirect_uris": []}'), "array"),
        (Answer(body=b'["a", 1]'), "array"),
        (Answer(body=b"not JSON"), "array"),
        (Answer(status=404, body=b"[]"), "404"),
        (Answer(status=302, headers=(("location", "/sector"),)), "redirect"),
    ],
    ids=["one missing", "another path", "object", "numbers", "text", "absent", "redirect"],
)
def test_rg_25_a_sector_that_does_not_list_a_redirect_uri_is_not_joined(
    troth: Troth, outside: Outside, answer: Answer, named: str
) -> None:
    before = troth.digest()
    outside.answers["/refused"] = answer
    done = in_sector(troth, outside, "/refused", subject_type="public")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "sector_identifier_uri" in done.stderr
    assert named in done.stderr
    assert troth.digest() == before


def test_rg_19_a_sector_inside_the_network_is_not_asked(troth: Troth, tmp_path: Path) -> None:
    inside = Outside(tmp_path).start()
    said = refused(troth, subject_type="pairwise", sector_identifier_uri=inside.url("/inside"))
    inside.stop()
    assert "cannot be fetched" in said
    assert inside.connections == 0


@spec("OIDC Registration §5")
def test_a_sector_is_asked_again_when_what_it_vouches_for_changes(
    troth: Troth, outside: Outside
) -> None:
    outside.answers["/again"] = listing(URI, "https://other.example/cb")
    client = json.loads(in_sector(troth, outside, "/again").stdout)
    words = ("client", "update", client["client_id"], "--metadata", "-")
    there = reaching(troth, outside)
    asked = outside.count("/again")
    assert forked.run(words, there, '{"client_name": "Canary New"}').returncode == 0
    assert outside.count("/again") == asked
    more = json.dumps({"redirect_uris": [URI, "https://evil.example/cb"]})
    done = forked.run(words, there, more)
    assert done.returncode == 1
    assert "https://evil.example/cb" in done.stderr
    alone = json.dumps({"sector_identifier_uri": None, "redirect_uris": [URI]})
    moved = forked.run(words, there, alone)
    assert moved.returncode == 0
    assert "new subjects" in moved.stderr
