"""Redirect URIs that the operator cannot register, however it came to be asked."""

import subprocess
from itertools import count
from pathlib import Path

import pytest

from tests.harness import Troth
from tests.spec import spec

_NUMBER = count(1)


@pytest.fixture(scope="module")
def troth(tmp_path_factory: pytest.TempPathFactory) -> Troth:
    """No server is needed: registration is a command."""
    folder: Path = tmp_path_factory.mktemp("registration")
    return Troth(folder, issuer="https://login.example")


def register(troth: Troth, *uris: str, words: tuple[str, ...] = ()) -> tuple[int, str]:
    given = [word for uri in uris for word in ("--redirect-uri", uri)]
    name = f"N{next(_NUMBER)}"
    done = troth.run_cli("client", "create", "--name", name, "--json", *given, *words)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def assert_refused(troth: Troth, *uris: str, words: tuple[str, ...] = ()) -> None:
    before = troth.rows("select count(*) from client")
    code, said = register(troth, *uris, words=words)
    assert code != 0
    assert said.strip()
    assert troth.rows("select count(*) from client") == before


@pytest.fixture(scope="module", autouse=True)
def _known_good(troth: Troth) -> None:
    """What follows is refused for its URI and for nothing else."""
    assert register(troth, "https://app.example/cb")[0] == 0


@spec("RFC 9700 §4.1.3")
@pytest.mark.parametrize(
    "uri",
    ["https://app.example@evil.example/cb", "https://app.example:443@evil.example/cb",
     "https://a@b@evil.example/cb", "https://app.example%40evil.example/cb"],
)  # fmt: skip
def test_RU_03_no_user_name_can_be_registered(troth: Troth, uri: str) -> None:
    assert_refused(troth, uri)


@spec("RFC 9700 §2.6")
def test_RU_08_http_is_for_loopback_only(troth: Troth) -> None:
    for uri in ("http://app.example/cb", "http://10.0.0.1/cb", "http://localhost.example/cb"):
        code, said = register(troth, uri)
        assert code != 0, uri
        assert "https" in said


@spec("RFC 9700 §4.1.1")
@pytest.mark.parametrize(
    "uri", ["https://*.example/cb", "*", "https://app.example/*", "^https://.+$", ".*", ""]
)
def test_RU_14_no_wildcard_can_be_registered(troth: Troth, uri: str) -> None:
    assert_refused(troth, uri)


@spec("RFC 8252 §7.1")
@pytest.mark.parametrize(
    "uri",
    ["myapp:/cb", "myapp://cb", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
     "about:blank", "com.example.app://evil.example/cb", "javascript.x:alert(1)", "ftp://a.b/c"],
)  # fmt: skip
def test_RU_16_a_private_scheme_is_a_reversed_domain(troth: Troth, uri: str) -> None:
    assert_refused(troth, uri, words=("--auth-method", "none"))


@spec("RFC 8252 §8.6")
def test_RU_16_a_private_scheme_that_two_clients_claim_is_warned_of(troth: Troth) -> None:
    public = ("--auth-method", "none")
    first = register(troth, "com.example.twice:/cb", words=public)
    second = register(troth, "com.example.twice:/other", words=public)
    web = register(troth, "https://app.example/cb")
    assert first == (0, "")
    assert web == (0, "")
    assert second[0] != 0 or "com.example.twice" in second[1]


@spec("RFC 6749 §3.1.2")
def test_RU_17_neither_a_fragment_nor_an_empty_list_can_be_registered(troth: Troth) -> None:
    assert_refused(troth, "https://app.example/cb#f")
    assert_refused(troth, "https://app.example/cb#")
    assert_refused(troth, "com.example.app:/cb#f")
    assert_refused(troth)
    assert_refused(troth, "/cb")


@spec("RFC 9700 §4.11")
@pytest.mark.parametrize(
    "uri",
    ["https://login.example/", "https://login.example/login", "https://login.example:443/login",
     "https://login.example/oauth/authorize?x=1"],
)  # fmt: skip
def test_RU_18_no_uri_may_lead_back_to_the_server(troth: Troth, uri: str) -> None:
    assert_refused(troth, uri)


@spec("RFC 6749 §3.1.2")
def test_RU_19_length_and_number_have_bounds(troth: Troth) -> None:
    start = "https://app.example/"
    assert register(troth, start + "x" * (2048 - len(start)))[0] == 0
    assert_refused(troth, start + "x" * (2049 - len(start)))
    assert_refused(troth, start + "x" * 100_000)
    assert_refused(troth, *(f"{start}{number}" for number in range(51)))
    assert register(troth, *(f"{start}{number}" for number in range(50)))[0] == 0


@spec("RFC 6749 §3.1.2")
@pytest.mark.parametrize(
    "uri",
    ["https://app.example/cb\n", "https://app.example/c b", "https://app.example\\evil/cb",
     "https://ápp.example/cb", "https://app.example:99999/cb", "https://app.example:/cb",
     "https:///cb", "https://APP.example/cb", "https://[::::]/cb", "https://app_.example;/cb"],
)  # fmt: skip
def test_RU_06_what_no_browser_reads_in_one_way_cannot_be_registered(
    troth: Troth, uri: str
) -> None:
    assert_refused(troth, uri)


@spec("RFC 6749 §10.11")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("PHOTO print", "cannot tell them apart"),
        ("Ｐhoto-Print", "cannot tell them apart"),
        ("Phоto Print", "mixes alphabets"),
        ("Troth Support", "contains your own"),
    ],
)
def test_CP_02_a_name_that_people_could_take_for_another_is_flagged(
    troth: Troth, name: str, why: str
) -> None:
    known = [client["client_name"] for client in troth.cli("client", "list")["clients"]]
    if "Photo Print" not in known:
        done = create(troth, "Photo Print")
        assert done.stderr == ""
    assert why in create(troth, name).stderr


def create(troth: Troth, name: str) -> "subprocess.CompletedProcess[str]":
    uri = "https://photos.example/cb"
    return troth.run_cli("client", "create", "--name", name, "--redirect-uri", uri, "--json")
