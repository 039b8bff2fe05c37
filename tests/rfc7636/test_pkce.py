"""Proof Key for Code Exchange with the RFC's own numbers."""

from tests.harness import OAuthClient, Person
from tests.spec import spec

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@spec("RFC 7636 §B", "RFC 7636 §4.2")
def test_the_example_of_the_appendix_works(native: OAuthClient, ada: Person) -> None:
    code = native.code(ada, code_challenge=CHALLENGE, code_challenge_method="S256")
    assert native.redeem(code, code_verifier=VERIFIER).status_code == 200


@spec("RFC 7636 §4.6")
def test_a_client_with_a_secret_needs_its_verifier_beside_it(app: OAuthClient, ada: Person) -> None:
    code = app.code(ada, code_challenge=CHALLENGE, code_challenge_method="S256")
    alone = app.redeem(code, code_verifier=VERIFIER, client_secret=None)
    assert alone.status_code == 401
    assert app.redeem(code, code_verifier=VERIFIER).status_code == 200


@spec("RFC 7636 §4.4")
def test_the_challenge_belongs_to_its_code_and_no_other(native: OAuthClient, ada: Person) -> None:
    first = native.code(ada, code_challenge=CHALLENGE)
    second = native.code(ada)
    assert native.redeem(second, code_verifier=VERIFIER).json()["error"] == "invalid_grant"
    assert native.redeem(first).json()["error"] == "invalid_grant"
    assert native.redeem(first, code_verifier=VERIFIER).status_code == 200
    assert native.redeem(second).status_code == 200
