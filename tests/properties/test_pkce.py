"""PKCE: the one verifier of a challenge, S256 only."""

import hashlib
import string
from base64 import urlsafe_b64encode

from hypothesis import example, given
from hypothesis import strategies as st

from tests.properties.outcomes import outcome
from tests.spec import spec
from troth.errors import OAuthError
from troth.model.client import RegisteredClient
from troth.rules.pkce import check_challenge, check_verifier

UNRESERVED = string.ascii_letters + string.digits + "-._~"
VERIFIERS = st.text(alphabet=UNRESERVED, min_size=43, max_size=128)
ANY = st.text(max_size=140) | VERIFIERS | st.text(alphabet=UNRESERVED + "=+/ ", max_size=140)


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def good(verifier: str) -> bool:
    return 43 <= len(verifier) <= 128 and set(verifier) <= set(UNRESERVED)


@spec("RFC 7636 §4.6")
@given(VERIFIERS, st.none() | ANY)
@example("a" * 43, "a" * 43 + "\n")
@example("a" * 43, "")
def test_only_the_verifier_that_made_the_challenge_passes(right: str, sent: str | None) -> None:
    challenge = challenge_of(right)
    assert outcome(lambda: check_verifier(challenge, right)) is None
    refused = outcome(lambda: check_verifier(challenge, sent))
    assert isinstance(refused, OAuthError) == (sent != right)
    assert not isinstance(refused, OAuthError) or refused.error == "invalid_grant"


@spec("RFC 7636 §4.1")
@given(ANY)
def test_a_verifier_outside_the_grammar_never_passes(sent: str) -> None:
    refused = outcome(lambda: check_verifier(challenge_of(sent), sent))
    assert isinstance(refused, OAuthError) == (not good(sent))


@spec("RFC 9700 §2.1.1")
@given(ANY)
def test_PK_03_a_verifier_without_a_challenge_is_a_downgrade(sent: str) -> None:
    assert outcome(lambda: check_verifier(None, None)) is None
    assert isinstance(outcome(lambda: check_verifier(None, sent)), OAuthError)


METHODS = st.none() | st.sampled_from(["S256", "plain", "s256", "S256 ", ""]) | st.text()
CHALLENGES = st.none() | VERIFIERS.map(challenge_of) | st.text(max_size=50)


@spec("RFC 7636 §4.3", "RFC 7636 §4.4.1")
@given(CHALLENGES, METHODS, st.booleans(), st.booleans())
def test_a_challenge_is_s256_or_refused(
    challenge: str | None, method: str | None, public: bool, required: bool
) -> None:
    client = RegisteredClient(
        client_id="c",
        client_name="C",
        require_pkce=required,
        token_endpoint_auth_method="none" if public else "client_secret_basic",
    )
    found = outcome(lambda: check_challenge(client, challenge, method))
    alphabet = set(string.ascii_letters + string.digits + "-_")
    if challenge is None:
        allowed = method is None and not (public or required)
    else:
        allowed = method == "S256" and len(challenge) == 43 and set(challenge) <= alphabet
    if allowed:
        assert found == challenge
    else:
        assert isinstance(found, OAuthError)
        assert found.error == "invalid_request"
