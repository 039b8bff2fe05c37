"""Chains: a code is redeemed once, a refresh moves one row, and what stands above ends it."""

from dataclasses import replace

import pytest

from tests.spec import spec
from tests.store.nouns import DAY, HOUR, NOW, Grant, do, redeemed, rotate, standing, state
from troth.model.change import Done, Exists, Gone, Moved, Put, Remove, Revoke, Verb
from troth.store import Store


@spec("RFC 6749 §4.1.2")
async def test_ST_08_a_code_is_redeemed_once(store: Store, grant: Grant) -> None:
    redeem = grant.redeem()
    assert await do(store, redeem) == Done()
    assert await do(store, redeem) == Exists(what="chain")
    found = await state(store, redeem.chain.chain_id)
    assert found.chain == redeem.chain
    assert found.stands
    assert found.approved == ("read", "write")
    assert found.username == grant.person.username


async def test_ST_07_ids_that_differ_in_one_bit_are_two(store: Store, grant: Grant) -> None:
    one, two = b"\x00canary-chain-id\x20", b"\x00canary-chain-ID\x20"
    assert await do(store, grant.redeem(chain_id=one)) == Done()
    assert await store.chain(two) is None
    assert await do(store, grant.redeem(chain_id=two)) == Done()
    assert await store.chain(one[:-1]) is None


async def test_nothing_is_redeemed_under_what_has_ended(store: Store, grant: Grant) -> None:
    gone = {
        "authorization": grant.redeem(authorization_id="another"),
        "person": grant.redeem(epoch=2),
    }
    late = grant.redeem(created_at=NOW + 9 * DAY)
    gone["session"] = replace(grant.redeem(), session_id="another")
    for which, redeem in gone.items():
        assert await do(store, redeem) == Gone(which=which)
        assert await store.chain(redeem.chain.chain_id) is None
    assert await do(store, late) == Gone(which="authorization"), "it has expired by then"


@pytest.mark.parametrize("end", ["session", "authorization", "disabled", "epoch", "removed"])
async def test_CX_08_a_code_dies_with_what_it_stands_on(
    store: Store, grant: Grant, end: str
) -> None:
    person = grant.person
    ends: dict[str, Verb] = {
        "session": Revoke(kind="session", key=grant.session.session_id, at=NOW),
        "authorization": Revoke(
            kind="authorization", key=grant.client.client_id, at=NOW, sub=person.sub
        ),
        "disabled": Put(noun=replace(person, disabled=True), expect_epoch=1),
        "epoch": Put(noun=replace(person, epoch=2), expect_epoch=1),
        "removed": Remove(kind="person", key=person.sub),
    }
    before = await redeemed(store, grant)
    assert await do(store, ends[end]) == Done()
    refused = await do(store, grant.redeem())
    expected = {"session": "session", "authorization": "authorization"}.get(end, "person")
    assert refused == Gone(which=expected)
    found = await state(store, before)
    assert found.stands is (end == "session"), "a chain outlives the session that began it"
    outcome = await do(store, rotate(before))
    assert outcome == (Done() if end == "session" else Moved(state=found))


async def test_a_join_says_which_of_them_has_ended(store: Store, grant: Grant) -> None:
    chain_id = await redeemed(store, grant)
    key = grant.client.client_id
    revoke = Revoke(kind="authorization", key=key, at=NOW, sub=grant.person.sub)
    assert await do(store, revoke) == Done()
    found = await state(store, chain_id)
    assert (found.approved, found.person_stands) == (None, True)
    assert await do(store, revoke) == Gone(which="authorization"), "there is none left"
    assert await do(store, Put(noun=replace(grant.person, epoch=2), expect_epoch=1)) == Done()
    assert not (await state(store, chain_id)).person_stands
    assert (await state(store, chain_id)).chain.revoked_at is None, "children are never marked"


async def test_an_expired_authorization_ends_its_chains(store: Store, grant: Grant) -> None:
    chain_id = await redeemed(store, grant)
    ended = replace(grant.authorization, expires_at=NOW - 1)
    assert await do(store, Put(noun=ended)) == Done()
    assert (await state(store, chain_id)).approved is None
    assert isinstance(await do(store, rotate(chain_id)), Moved)


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_an_authorization_that_is_over_is_not_revived_by_a_later_consent(
    store: Store, grant: Grant, end: str
) -> None:
    chain_id = await redeemed(store, grant)
    key, sub = grant.client.client_id, grant.person.sub
    ends: dict[str, Verb] = {
        "revoked": Revoke(kind="authorization", key=key, at=NOW, sub=sub),
        "expired": Put(noun=replace(grant.authorization, expires_at=NOW)),
    }
    assert await do(store, ends[end]) == Done()
    longer = replace(grant.authorization, expires_at=NOW + 99 * DAY)
    assert await do(store, Put(noun=longer)) == Gone(which="authorization")
    assert not (await state(store, chain_id)).stands


@spec("RFC 6749 §6")
async def test_a_rotation_is_compare_and_set(store: Store, grant: Grant) -> None:
    chain_id = await redeemed(store, grant)
    assert await do(store, rotate(chain_id)) == Done()
    found = await state(store, chain_id)
    assert (found.chain.generation, found.chain.rotated_at) == (2, NOW + 1)
    assert await do(store, rotate(chain_id)) == Moved(state=found)
    assert await do(store, rotate(chain_id, 3)) == Moved(state=found), "a token from the future"
    assert await do(store, rotate(chain_id, 2)) == Done()
    assert await do(store, rotate(b"nobody's")) == Gone(which="chain")


async def test_RT_20_time_that_goes_back_moves_no_row_back(store: Store, grant: Grant) -> None:
    chain_id = await redeemed(store, grant)
    assert await do(store, rotate(chain_id, 1, now=NOW + 60)) == Done()
    assert await do(store, rotate(chain_id, 2, now=NOW - 60)) == Done()
    assert (await state(store, chain_id)).chain.rotated_at == NOW + 60


@pytest.mark.parametrize(
    "late",
    [
        {"now": NOW + DAY},  # the chain's own end
        {"now": NOW + 2 * HOUR, "idle_since": NOW},  # nobody came for so long
    ],
)
async def test_what_is_over_does_not_rotate(
    store: Store, grant: Grant, late: dict[str, int]
) -> None:
    chain_id = await redeemed(store, grant)
    before = await state(store, chain_id)
    assert await do(store, rotate(chain_id, 1, **late)) == Moved(state=before)
    assert await state(store, chain_id) == before


@spec("RFC 7009 §2.1")
async def test_a_revoked_chain_stays_so_from_the_first_time_on(store: Store, grant: Grant) -> None:
    chain_id, other = await redeemed(store, grant), await redeemed(store, grant)
    for at in (NOW + 5, NOW + 9):
        assert await do(store, Revoke(kind="chain", key=chain_id, at=at)) == Done()
    found = await state(store, chain_id)
    assert found.chain.revoked_at == NOW + 5
    assert await do(store, rotate(chain_id)) == Moved(state=found)
    assert (await state(store, other)).stands
    assert await do(store, Revoke(kind="chain", key=b"nobody's", at=NOW)) == Done()


@spec("RFC 7009 §2.1")
async def test_a_token_without_a_chain_is_revoked_by_its_own_id(store: Store) -> None:
    revoke = Revoke(kind="access_token", key=b"one", at=NOW, expires_at=NOW + HOUR)
    for _ in range(2):
        assert await do(store, revoke) == Done(), "again is no error"
    assert await store.spent("access_token", b"one")
    assert not await store.spent("access_token", b"two")
    assert not await store.spent("transaction", b"one")


async def test_one_persons_client_is_revoked_and_nobody_elses(store: Store, grant: Grant) -> None:
    other = await standing(store)
    mine, others = await redeemed(store, grant), await redeemed(store, other)
    key, sub = grant.client.client_id, other.person.sub
    wrong = await do(store, Revoke(kind="authorization", key=key, at=NOW, sub=sub))
    assert wrong == Gone(which="authorization")
    everyone = await do(store, Revoke(kind="authorization", key=key, at=NOW))
    assert everyone == Gone(which="authorization"), "never without saying whose"
    assert (await state(store, mine)).stands
    assert (await state(store, others)).stands
