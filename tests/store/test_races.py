"""Two processes and their concurrent requests on one database: exactly one wins."""

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tests.store.conftest import Database
from tests.store.nouns import NOW, Grant, a_person, do, redeemed, rotate, standing, state
from tests.store.racers import race
from troth.model.change import (
    Change,
    Count,
    Done,
    Exists,
    Gone,
    Limited,
    Moved,
    Once,
    Outcome,
    Put,
    Remove,
    Require,
    Revoke,
    Verb,
)
from troth.store import Store
from troth.store.open import open_store

ROUNDS, TOGETHER = 10, 8


def same(verbs: Sequence[Verb]) -> list[list[list[Change]]]:
    """Two processes that commit the same verb TOGETHER times each, a round for each verb."""
    return [[[Change(verbs=(verb,))] * TOGETHER for verb in verbs] for _ in range(2)]


def kinds(outcomes: Sequence[Outcome]) -> dict[type, int]:
    return dict(Counter(map(type, outcomes)))


ALL_BUT_ONE = 2 * TOGETHER - 1


async def test_CC_01_of_many_redemptions_of_a_code_one_wins(
    database: Database, grant: Grant
) -> None:
    rounds = race(database.settings, same([grant.redeem() for _ in range(ROUNDS)]))
    assert [kinds(outcomes) for outcomes in rounds] == [{Done: 1, Exists: ALL_BUT_ONE}] * ROUNDS


async def test_CC_02_of_many_rotations_of_a_token_one_wins(
    store: Store, database: Database, grant: Grant
) -> None:
    chain_id = await redeemed(store, grant)
    rounds = race(database.settings, same([rotate(chain_id, g) for g in range(1, ROUNDS + 1)]))
    assert [kinds(outcomes) for outcomes in rounds] == [{Done: 1, Moved: ALL_BUT_ONE}] * ROUNDS
    for generation, outcomes in enumerate(rounds, start=2):
        seen = {o.state.chain.generation for o in outcomes if isinstance(o, Moved)}
        assert seen == {generation}, "a loser is told where the row stands now"


async def test_ST_08_CC_06_what_may_happen_once_happens_once(database: Database) -> None:
    verbs = [
        Once(namespace="transaction", key=os.urandom(16), expires_at=NOW) for _ in range(ROUNDS)
    ]
    rounds = race(database.settings, same(verbs))
    assert [kinds(outcomes) for outcomes in rounds] == [{Done: 1, Exists: ALL_BUT_ONE}] * ROUNDS


async def test_CC_08_of_many_people_of_one_name_one_is_made(database: Database) -> None:
    def people(number: int) -> list[Change]:
        return [
            Change(verbs=(Put(noun=a_person(username=f"canary{number}", email=None)),))
            for _ in range(TOGETHER)
        ]

    rounds = race(database.settings, [[people(n) for n in range(ROUNDS)] for _ in range(2)])
    assert [kinds(outcomes) for outcomes in rounds] == [{Done: 1, Exists: ALL_BUT_ONE}] * ROUNDS


async def test_a_limit_is_never_exceeded(database: Database) -> None:
    verbs = [Count(key=f"key{n}", now=NOW, free=5, longest=60, forget=900) for n in range(ROUNDS)]
    rounds = race(database.settings, same(verbs))
    refused = 2 * TOGETHER - 5
    assert [kinds(outcomes) for outcomes in rounds] == [{Done: 5, Limited: refused}] * ROUNDS


async def test_CC_10_of_many_changes_of_a_person_one_counts(
    store: Store, database: Database
) -> None:
    people = [a_person() for _ in range(ROUNDS)]
    await do(store, *(Put(noun=person) for person in people))

    def changes(which: str) -> list[list[Change]]:
        return [
            [
                Change(
                    verbs=(
                        Put(
                            noun=replace(person, epoch=2, password_hash=f"{which}{n}"),
                            expect_epoch=1,
                        ),
                    )
                )
                for n in range(TOGETHER)
            ]
            for person in people
        ]

    rounds = race(database.settings, [changes("a"), changes("b")])
    assert [kinds(outcomes) for outcomes in rounds] == [{Done: 1, Gone: ALL_BUT_ONE}] * ROUNDS


async def test_CC_04_after_revocation_and_refresh_at_once_nothing_stands(
    store: Store, database: Database
) -> None:
    grants = [await standing(store) for _ in range(4)]
    chains = [[await redeemed(store, grant) for _ in range(ROUNDS)] for grant in grants]
    end_chain = [Revoke(kind="chain", key=chains[0][n], at=NOW) for n in range(ROUNDS)]
    ends: list[list[Verb]] = [
        list(end_chain),
        [Revoke(kind="chain", key=chain_id, at=NOW) for chain_id in chains[1]],
    ]
    refreshing = [
        [Change(verbs=(rotate(chains[which][n], g),)) for which in range(4) for g in range(1, 5)]
        for n in range(ROUNDS)
    ]
    last = ROUNDS - 1
    by_person: list[Verb] = [
        Remove(kind="person", key=grants[2].person.sub),
        Revoke(
            kind="authorization",
            key=grants[3].client.client_id,
            at=NOW,
            sub=grants[3].person.sub,
        ),
    ]
    ending = [
        [
            *(Change(verbs=(column[n],)) for column in ends),
            *(Change(verbs=(verb,)) for verb in by_person if n == last),
        ]
        for n in range(ROUNDS)
    ]
    race(database.settings, [refreshing, ending])
    for chain_id in (chain for of_grant in chains for chain in of_grant):
        found = await state(store, chain_id)
        assert not found.stands
        assert await do(store, rotate(chain_id, found.chain.generation)) == Moved(state=found)


async def test_CC_05_a_client_that_is_deleted_gets_no_approval(
    store: Store, database: Database
) -> None:
    grants = [await standing(store) for _ in range(ROUNDS)]

    def approve(grant: Grant) -> Change:
        require = Require(kind="client", key=grant.client.client_id)
        once = Once(namespace=grant.client.client_id, key=b"answered", expires_at=NOW)
        return Change(verbs=(once, require))

    def delete(grant: Grant) -> Change:
        return Change(verbs=(Remove(kind="client", key=grant.client.client_id),))

    rounds = race(
        database.settings,
        [[[approve(grant)] * 4 for grant in grants], [[delete(grant)] * 4 for grant in grants]],
    )
    for grant, outcomes in zip(grants, rounds, strict=True):
        assert kinds(outcomes)[Done] <= 2, "one deletion, and at most one answer before it"
        assert await do(store, *approve(grant).verbs) != Done()


async def test_threads_of_one_process_with_a_loop_each_lose_nothing(
    database: Database, grant: Grant
) -> None:
    redeems = [grant.redeem() for _ in range(20)]
    won: list[Outcome] = []

    async def all_of_them() -> list[Outcome]:
        store = await open_store(database.settings)
        outcomes = await asyncio.gather(*(do(store, redeem) for redeem in redeems))
        await store.close()
        return outcomes

    def run() -> None:
        won.extend(asyncio.run(all_of_them()))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert kinds(won) == {Done: 20, Exists: 40}
