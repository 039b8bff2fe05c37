"""Asking the issuer: what counts as a yes, how long it is remembered, and when nobody answers."""

import base64

import pytest

from guard.tests.issuer_stub import AUDIENCE, NOW
from tests.spec import spec
from troth_guard import Refused

pytestmark = pytest.mark.anyio

OPAQUE = "opaque-canary-token"


async def status(guard, token=OPAQUE, scopes=()):
    try:
        await guard.check([f"Bearer {token}"], scopes)
    except Refused as refused:
        return refused.status
    return 200


def answer(issuer, token=OPAQUE, **changes):
    """What the issuer says about the token from now on."""
    issuer.tokens[token] = {"active": True, "token_type": "Bearer", **issuer.claims(**changes)}


@spec("RFC 7662 §2.1", "RFC 7662 §2.2")
async def test_an_opaque_token_is_asked_about(issuer, clock):
    answer(issuer)
    async with issuer.guard(clock, introspects=True) as guard:
        token = await guard.check([f"Bearer {OPAQUE}"], ["read"])
        assert (token.sub, token.client_id) == ("person", "app")
        assert await status(guard, "unknown-token") == 401
    scheme, _, value = issuer.authorizations[0].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value) == b"api%3A1:s%2Be+c", "form-encoded inside"


async def test_what_a_route_does_to_a_claim_changes_no_other_request(issuer, clock):
    answer(issuer, groups=["staff"], department={"name": "Engines"})
    async with issuer.guard(clock, introspects=True) as guard:
        for _ in range(2):
            claims = (await guard.check([f"Bearer {OPAQUE}"])).claims
            assert (claims["groups"], claims["department"]) == (["staff"], {"name": "Engines"})
            claims["groups"].append("admin")
            claims["department"]["name"] = "Crown"
    assert issuer.asked["/introspect"] == 1, "the second was answered from memory"


async def test_without_credentials_opaque_tokens_are_refused(issuer, clock):
    answer(issuer)
    async with issuer.guard(clock) as guard:
        assert await status(guard) == 401
    assert not issuer.asked


async def test_online_asks_about_jwts_too(issuer, clock):
    token = issuer.token()
    async with issuer.guard(clock, online=True, cache_seconds=0) as guard:
        assert await status(guard, token) == 401, "a good signature is not enough"
        answer(issuer, token)
        assert await status(guard, token) == 200
        del issuer.tokens[token]
        assert await status(guard, token) == 401, "revoked: at once"


@spec("RFC 7662 §2.2")
@pytest.mark.parametrize(
    "said",
    [
        {"active": "true"},
        {"active": 1},
        {"active": None},
        {},
        [],
        "yes",
    ],
    ids=str,
)
async def test_only_the_boolean_true_is_active(issuer, clock, said):
    issuer.tokens[OPAQUE] = {**issuer.claims(), **said} if isinstance(said, dict) else said
    async with issuer.guard(clock, introspects=True) as guard:
        assert await status(guard) in {401, 503}


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"iss": "https://other.example"},
        {"exp": NOW - 31},
        {"exp": None},
        {"client_id": None},
        {"nbf": NOW + 31},
        {"token_type": "DPoP"},
        {"scope": 1},
    ],
    ids=str,
)
async def test_RS_02_an_active_token_for_somebody_else_is_refused(issuer, clock, changes):
    answer(issuer, **changes)
    issuer.tokens[OPAQUE] |= changes
    async with issuer.guard(clock, introspects=True) as guard:
        assert await status(guard) == 401


async def test_RS_07_the_answer_is_remembered_and_never_the_verdict(issuer, clock):
    answer(issuer, scope="read")
    async with issuer.guard(clock, introspects=True) as guard:
        assert await status(guard, scopes=["read"]) == 200
        assert await status(guard, scopes=["write"]) == 403
        assert issuer.asked["/introspect"] == 1
        del issuer.tokens[OPAQUE]
        clock.now += 4
        assert await status(guard) == 200, "within five seconds"
        clock.now += 1.1
        assert await status(guard) == 401


async def test_RS_07_nothing_is_remembered_past_its_end(issuer, clock):
    answer(issuer, exp=NOW + 2)
    async with issuer.guard(clock, introspects=True, leeway=0) as guard:
        assert await status(guard) == 200
        clock.now += 2
        assert await status(guard) == 401


async def test_RS_05_nobody_is_let_through_while_the_issuer_does_not_answer(issuer, clock):
    answer(issuer)
    issuer.fails = {"/introspect"}
    async with issuer.guard(clock, introspects=True) as guard:
        assert await status(guard) == 503
        issuer.fails = set()
        assert await status(guard) == 200


async def test_RS_09_the_question_is_not_sent_on(issuer, clock):
    answer(issuer)
    issuer.redirects = {"/introspect"}
    async with issuer.guard(clock, introspects=True) as guard:
        assert await status(guard) == 503
    assert "/introspect/elsewhere" not in issuer.asked


async def test_an_issuer_without_introspection_is_no_yes(issuer, clock):
    issuer.metadata.pop("introspection_endpoint")
    async with issuer.guard(clock, introspects=True) as guard:
        assert await status(guard) == 503


async def test_a_token_of_the_application_itself_stands_for_nobody(issuer, clock):
    answer(issuer, sub="app")
    async with issuer.guard(clock, introspects=True) as guard:
        token = await guard.check([f"Bearer {OPAQUE}"])
    assert token.sub is None
    assert token.audience == (AUDIENCE,)
