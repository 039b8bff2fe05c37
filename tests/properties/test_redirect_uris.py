"""Redirect URIs: exact strings, but for the port of a loopback; compared with a model by parts."""

import string
from dataclasses import dataclass

from hypothesis import example, given
from hypothesis import strategies as st

from tests.spec import spec
from troth.browser.answer import form_targets
from troth.model.client import AuthMethod, RegisteredClient
from troth.model.request import Target
from troth.rules.redirect_uri import check_registration, match, origin

LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
ELSEWHERE = ("127.0.0.2", "app.example", "127.0.0.1.evil.example", "LOCALHOST", "[::ffff:1]", "")
PORTS = ("", ":", ":0", ":1", ":8080", ":65535", ":65536", ":99999", ":080", ":٣", ":8080@x", ":-1")
OWN = "https://login.example"


@dataclass(frozen=True)
class Uri:
    """A URI in the parts that decide, so that the model need not parse."""

    scheme: str
    host: str
    port: str
    rest: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.port}{self.rest}"


URIS = st.builds(
    Uri,
    scheme=st.sampled_from(["http", "https", "HTTP", "com.example"]),
    host=st.sampled_from(LOOPBACK + ELSEWHERE),
    port=st.sampled_from(PORTS),
    rest=st.sampled_from(
        ["", "/", "/cb", "/cb?a=b", "/cb#x", "/CB", "/cb/", "/cb%20", "?a=b", "\\"]
    ),
)


def same(ours: Uri, theirs: Uri, *, public: bool) -> bool:
    if str(ours) == str(theirs):
        return True
    for uri in (ours, theirs):
        number = uri.port.removeprefix(":")
        digits = number != "" and set(number) <= set(string.digits) and len(number) <= 5
        if uri.scheme != "http" or uri.host not in LOOPBACK or not (uri.port == "" or digits):
            return False
        if "#" in uri.rest or not (uri.rest == "" or uri.rest.startswith("/")):
            return False
    if theirs.port and not 1 <= int(theirs.port[1:]) <= 65535:
        return False
    if ours.host == "localhost" and not public:
        return False
    return (ours.host, ours.rest) == (theirs.host, theirs.rest)


def client(*uris: str, public: bool = False) -> RegisteredClient:
    method: AuthMethod = "none" if public else "client_secret_basic"
    return RegisteredClient(
        client_id="c", client_name="C", redirect_uris=uris, token_endpoint_auth_method=method
    )


@spec("RFC 8252 §7.3", "RFC 9700 §4.1.3")
@given(URIS, URIS, st.booleans())
@example(Uri("http", "127.0.0.1", "", "/cb"), Uri("http", "127.0.0.1", ":1", "/cb"), False)
@example(Uri("http", "localhost", "", "/cb"), Uri("http", "localhost", ":1", "/cb"), True)
def test_only_the_port_of_a_loopback_may_differ(ours: Uri, theirs: Uri, public: bool) -> None:
    matched = match(client(str(ours), public=public), str(theirs))
    assert matched == same(ours, theirs, public=public)


@spec("RFC 6749 §3.1.2.3")
@given(st.text(min_size=1, max_size=40), st.integers(min_value=0), st.characters())
def test_one_changed_character_is_another_uri(path: str, where: int, other: str) -> None:
    uri = f"https://app.example/{path}"
    at = where % len(uri)
    registered = client(uri)
    assert match(registered, uri)
    for changed in (uri[:at] + other + uri[at + 1 :], uri[:at] + uri[at + 1 :], uri + other):
        assert match(registered, changed) == (changed == uri)


@given(st.lists(st.text(max_size=30)), st.text(max_size=30), st.booleans())
def test_nothing_matches_by_accident(uris: list[str], presented: str, public: bool) -> None:
    if not presented.startswith("http://"):
        assert match(client(*uris, public=public), presented) == (presented in uris)


PIECES = st.lists(
    st.sampled_from("https:// http:// com.example :/ / @ : ? # [ ] .. * \\ %2f app.example".split())
    | st.sampled_from(["127.0.0.1", "login.example", ":443", "\t", "\n", " ", "é", "\0"])
    | st.text(max_size=3),
    max_size=7,
).map("".join)


@spec("RFC 6749 §3.1.2", "RFC 8252 §7.1")
@given(PIECES | st.builds(str, URIS))
@example("https://app.example:/cb")
@example("https://[::1")
@example("https://login.example:443/x")
def test_what_may_be_registered_can_be_used_everywhere(uri: str) -> None:
    problem = check_registration(uri, OWN)
    if problem is not None:
        assert problem.isprintable()
        return
    assert uri.isascii()
    assert uri.isprintable()
    assert not set(uri) & set("#*\\ ")
    assert match(client(uri), uri)
    web = uri.startswith(("https://", "http://"))
    found = origin(uri)
    assert (found is not None) == web
    assert found not in (OWN, OWN + ":443")
    target = Target(client_id="c", redirect_uri=uri, given=True, state=None)
    for source in form_targets(target):
        assert source.removesuffix(":").replace("+", "").replace(".", "").replace("-", "").isalnum()
    if not web:
        assert "." in uri.partition(":")[0], "a scheme of one's own is a reversed domain"
    elif uri.startswith("http:"):
        assert uri.removeprefix("http://").startswith(LOOPBACK)
