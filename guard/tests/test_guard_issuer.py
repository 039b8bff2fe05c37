"""Where keys come from: fetched once for all, kept while they are good, never from elsewhere."""

import asyncio

import pytest

from guard.tests.issuer_stub import AUDIENCE, KEYS
from tests.spec import spec
from troth_guard import Guard, Options, Refused

pytestmark = pytest.mark.anyio

METADATA = "/.well-known/oauth-authorization-server"


async def status(guard, token):
    """200, or that of the refusal."""
    try:
        await guard.check([f"Bearer {token}"])
    except Refused as refused:
        return refused.status
    return 200


async def test_many_first_requests_fetch_the_keys_once(issuer, clock):
    issuer.delay = 0.05
    async with issuer.guard(clock) as guard:
        answers = await asyncio.gather(*(status(guard, issuer.token()) for _ in range(50)))
    assert set(answers) == {200}
    assert issuer.asked == {METADATA: 1, "/jwks": 1}


async def test_keys_are_used_until_they_are_old_and_then_fetched_again(issuer, clock):
    async with issuer.guard(clock) as guard:
        assert await status(guard, issuer.token()) == 200
        clock.now += 599
        assert await status(guard, issuer.token()) == 200
        assert issuer.asked["/jwks"] == 1
        clock.now += 2
        assert await status(guard, issuer.token()) == 200
        assert issuer.asked["/jwks"] == 2


@spec("RFC 7517 §5")
async def test_a_new_key_of_the_issuer_is_found_without_a_restart(issuer, clock):
    new = KEYS["Ed25519"].as_dict(private=False)
    issuer.keys.remove(new)
    async with issuer.guard(clock) as guard:
        assert await status(guard, issuer.token()) == 200
        issuer.keys.append(new)
        assert await status(guard, issuer.token("Ed25519")) == 200


async def test_RS_06_JW_08_unknown_keys_are_searched_for_once_in_a_cool_down(issuer, clock):
    async with issuer.guard(clock) as guard:
        assert await status(guard, issuer.token()) == 200
        flood = [issuer.token(header={"kid": f"unknown{n}"}) for n in range(30)]
        assert {await status(guard, token) for token in flood} == {401}
        assert issuer.asked["/jwks"] == 2
        assert await status(guard, issuer.token()) == 200, "the good keys stay"
        clock.now += 61
        await status(guard, flood[0])
        assert issuer.asked["/jwks"] == 3


@pytest.mark.parametrize("path", [METADATA, "/jwks"])
async def test_RS_05_without_keys_nothing_is_let_through(issuer, clock, path):
    issuer.fails = {path}
    async with issuer.guard(clock) as guard:
        with pytest.raises(Refused) as caught:
            await guard.check([f"Bearer {issuer.token()}"])
        assert caught.value.status == 503
        assert dict(caught.value.headers)["retry-after"] == "5"
        asked = issuer.asked[path]
        await status(guard, issuer.token())
        assert issuer.asked[path] == asked, "the issuer is left alone for a while"
        issuer.fails = set()
        clock.now += 6
        assert await status(guard, issuer.token()) == 200


async def test_RS_05_keys_that_are_known_are_used_on_while_the_issuer_is_silent(issuer, clock):
    async with issuer.guard(clock) as guard:
        assert await status(guard, issuer.token()) == 200
        issuer.fails = {"/jwks", METADATA}
        clock.now += 3000
        assert await status(guard, issuer.token()) == 200
        clock.now += 90_000
        late = issuer.token(iat=int(clock.now), exp=int(clock.now) + 60)
        assert await status(guard, late) == 503


async def test_an_answer_that_drips_in_is_not_waited_for(issuer, clock):
    issuer.delay = 5
    async with issuer.guard(clock, timeout=0.2) as guard:
        assert await status(guard, issuer.token()) == 503


@spec("RFC 8414 §3.3")
@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": "http://evil.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 1},
    ],
    ids=str,
)
async def test_RS_09_metadata_that_is_not_the_issuers_own_is_not_believed(issuer, clock, changes):
    issuer.metadata |= changes
    async with issuer.guard(clock) as guard:
        assert await status(guard, issuer.token()) == 503


async def test_RS_09_redirects_are_not_followed(issuer, clock):
    for path in (METADATA, "/jwks"):
        issuer.reset()
        issuer.redirects = {path}
        async with issuer.guard(clock) as guard:
            assert await status(guard, issuer.token()) == 503
        assert path + "/elsewhere" not in issuer.asked


BAD_SETS = [
    [],
    [{"kty": "oct", "k": "AAAA", "kid": "ES256", "alg": "HS256"}],
    [{"kty": "EC"}],
    ["nonsense"],
    [{**KEYS["ES256"].as_dict(private=False), "use": "enc"}],
]


@pytest.mark.parametrize("keys", BAD_SETS, ids=range(len(BAD_SETS)))
async def test_keys_that_are_for_something_else_verify_nothing(issuer, clock, keys):
    issuer.keys = keys
    async with issuer.guard(clock) as guard:
        assert await status(guard, issuer.token()) in {401, 503}


@pytest.mark.parametrize(
    "options",
    [
        {"issuer": ""},
        {"audience": ""},
        {"audience": None},
        {"audience": ["https://api.example"]},
        {"issuer": "http://as.example"},
        {"issuer": "https://as.example/?q"},
        {"issuer": "https://user@as.example"},
        {"online": True},
        {"client_id": "api"},
        {"client_secret": "secret"},
    ],
    ids=str,
)
def test_RS_04_a_configuration_that_lets_through_too_much_is_an_error(options):
    good = {"issuer": "https://as.example", "audience": AUDIENCE}
    with pytest.raises(ValueError, match=r"issuer|audience|client_id|URL"):
        Guard(**{**good, **options})


@pytest.mark.parametrize(
    "options",
    [
        {"algorithms": frozenset()},
        {"algorithms": frozenset({"HS256"})},
        {"cache_seconds": 6},
        {"cache_seconds": -1},
        {"leeway": 301},
        {"timeout": 0},
        {"key_cool_down": 0},
    ],
    ids=str,
)
def test_RS_04_options_that_weaken_the_guard_are_an_error(options):
    with pytest.raises(ValueError, match="must be"):
        Options(**options)


@pytest.mark.parametrize("value", ['a"b', "a\r\nb", "ä", ""])
def test_RS_11_what_breaks_out_of_a_header_is_an_error(value):
    with pytest.raises(ValueError, match="ASCII"):
        Guard(issuer="https://as.example", audience=AUDIENCE, options=Options(realm=value))
