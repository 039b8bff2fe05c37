"""The Basic header and the body: exactly one way to say who one is, or a refusal."""

import asyncio
import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from urllib.parse import quote, quote_plus, unquote_to_bytes

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.properties.outcomes import outcome
from tests.spec import spec
from troth.client_auth import Presented, authenticate
from troth.client_auth.client_secret_basic import LONGEST, present
from troth.client_auth.credentials import Credentials
from troth.errors import OAuthError
from troth.model.client import AuthMethod, Client, ClientSecret, RegisteredClient

TEXT = st.text(min_size=1, max_size=20).filter(lambda text: "\0" not in text)
SURROGATE_FREE = TEXT.filter(lambda text: text.encode("utf-8", "ignore").decode() == text)


def basic(name: str, secret: str) -> str:
    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode()


@spec("RFC 6749 §2.3.1", "RFC 7617 §2")
@given(SURROGATE_FREE, SURROGATE_FREE, st.sampled_from(["Basic", "basic", "BASIC"]))
@example("a:b", "c:d", "Basic")
@example("a b", "100%+", "Basic")
def test_id_and_secret_come_through_the_header(client_id: str, secret: str, scheme: str) -> None:
    for encoded in (quote_plus, lambda text: quote(text, safe="")):
        header = scheme + basic(encoded(client_id), encoded(secret)).removeprefix("Basic")
        found = present([header], {})
        assert found == Credentials(
            method="client_secret_basic", client_id=client_id, secret=secret
        )


def by_the_library(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > LONGEST:
        return None
    try:
        name, colon, secret = b64decode(encoded.strip(" "), validate=True).partition(b":")
        pair = [unquote_to_bytes(x.replace(b"+", b" ")).decode("utf-8") for x in (name, secret)]
    except (binascii.Error, ValueError):
        return None
    return (pair[0], pair[1]) if colon and all(pair) and "\0" not in "".join(pair) else None


HEADERS = st.text(max_size=60) | st.binary(max_size=30).map(
    lambda raw: "Basic " + b64encode(raw).decode()
)


@spec("RFC 6749 §5.2")
@given(HEADERS)
@example("Basic")
@example("Basic =")
@example("Bearer abc")
@example("Basic " + "A" * (LONGEST + 4))
@example("Basic YTpi\n")
@example("Basic é")
@example(basic("a", ""))
@example(basic("a%00", "b"))
def test_any_header_gives_credentials_or_a_refusal(header: str) -> None:
    expected = by_the_library(header)
    found = outcome(lambda: present([header], {}))
    if expected is None:
        assert isinstance(found, OAuthError)
        assert (found.error, found.status) == ("invalid_client", 401)
    else:
        assert isinstance(found, Credentials)
        assert (found.client_id, found.secret) == expected


NOW = 1_000_000


class Registered:
    """Two clients: one that has secrets, one that has none."""

    def __init__(self, disabled: bool) -> None:
        standing = (ClientSecret.of("new"), ClientSecret.of("old"))
        ended = ClientSecret(digest=ClientSecret.of("ended").digest, expires_at=NOW)
        self._clients: Mapping[str, RegisteredClient] = {
            "secret": self._made("client_secret_basic", (*standing, ended), disabled),
            "public": self._made("none", (), disabled),
        }

    @staticmethod
    def _made(
        method: AuthMethod, secrets: tuple[ClientSecret, ...], disabled: bool
    ) -> RegisteredClient:
        name = "public" if method == "none" else "secret"
        return RegisteredClient(
            client_id=name,
            client_name=name,
            token_endpoint_auth_method=method,
            secrets=secrets,
            disabled=disabled,
        )

    async def client(self, client_id: str) -> RegisteredClient | None:
        return self._clients.get(client_id)


IDS = st.sampled_from(["secret", "public", "nobody"])
WORDS = st.sampled_from(["new", "old", "ended", "wrong"])


@spec("RFC 6749 §2.3", "RFC 6749 §2.3.1")
@given(
    st.none() | st.tuples(IDS, WORDS),
    st.none() | IDS,
    st.none() | WORDS,
    st.booleans(),
)
def test_exactly_one_proof_of_one_client(
    header: tuple[str, str] | None, named: str | None, secret: str | None, disabled: bool
) -> None:
    """Whatever is put together: a client comes out only of its own right secret, or `none`."""
    form = {"client_id": named, "client_secret": secret}
    presented = Presented(
        authorization=[] if header is None else [basic(*header)],
        form={name: value for name, value in form.items() if value is not None},
        now=NOW,
    )
    found = outcome(lambda: asyncio.run(authenticate(presented, Registered(disabled))))
    if header is not None:
        client_id, word, one = *header, secret is None and named in (None, header[0])
    else:
        client_id, word, one = named or "", secret or "", named is not None
    proven = word in ("new", "old") if client_id == "secret" else word == ""
    if one and not disabled and client_id != "nobody" and proven:
        assert isinstance(found, Client)
        assert found.client_id == client_id
    else:
        assert isinstance(found, OAuthError)
        assert found.error in ("invalid_client", "invalid_request")


@given(st.lists(HEADERS, min_size=2, max_size=3))
def test_two_headers_are_never_one(headers: list[str]) -> None:
    found = outcome(lambda: present(headers, {}))
    assert isinstance(found, OAuthError)
    assert found.error == "invalid_request"


@given(SURROGATE_FREE, SURROGATE_FREE)
def test_a_secret_is_not_printed(client_id: str, secret: str) -> None:
    assume(len(secret) > 3 and secret not in f"Credentials(client_secret_basic, {client_id!r})")
    found = present([basic(quote_plus(client_id), quote_plus(secret))], {})
    assert secret not in repr(found)
    assert secret not in f"{found}"
