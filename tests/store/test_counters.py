"""What may happen once, and how often something may be tried."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.nouns import DAY, NOW, do, name
from troth.model.change import Count, Done, Exists, Forgive, Limited, Once
from troth.model.env import CLOCKS_APART
from troth.store import Store

TRY = Count(key="canary", now=NOW, free=3, longest=60, forget=DAY)


async def test_ST_08_once_is_once_for_each_key_of_each_namespace(store: Store) -> None:
    once = Once(namespace="transaction", key=b"\x00\xff", expires_at=NOW)
    assert await do(store, once) == Done()
    assert await do(store, once) == Exists(what="transaction")
    later = replace(once, expires_at=NOW + 9 * DAY)
    assert await do(store, later) == Exists(what="transaction"), "another end makes no new key"
    assert await do(store, replace(once, key=b"\x00\xfe")) == Done()
    assert await do(store, replace(once, namespace="other")) == Done()
    assert await store.spent("transaction", b"\x00\xff")
    assert not await store.spent("transaction", b"\x00")


async def test_the_first_attempts_are_free_then_the_delay_doubles(store: Store) -> None:
    for _ in range(3):
        assert await do(store, TRY) == Done()
    now, delays = NOW, []
    for _ in range(9):
        refused = await do(store, replace(TRY, now=now))
        assert isinstance(refused, Limited)
        delays.append(refused.until - now)
        now = refused.until
        early = await do(store, replace(TRY, now=now - 1))
        assert early == refused, "asking earlier neither helps nor harms"
        assert await do(store, replace(TRY, now=now)) == Done()
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_attempts_are_forgotten_after_a_quiet_time(store: Store) -> None:
    for _ in range(3):
        await do(store, TRY)
    late = replace(TRY, now=NOW + DAY)
    for _ in range(3):
        assert await do(store, late) == Done()
    assert isinstance(await do(store, late), Limited)


async def test_each_key_has_its_own_attempts(store: Store) -> None:
    for _ in range(3):
        await do(store, TRY)
    assert isinstance(await do(store, TRY), Limited)
    assert await do(store, replace(TRY, key="another")) == Done()


async def test_a_right_answer_clears_one_key_and_gives_one_back_to_another(store: Store) -> None:
    shared = replace(TRY, key="network")
    for _ in range(3):
        await do(store, TRY, shared)
    both = (Forgive(key=TRY.key, all=True), Forgive(key=shared.key, all=False))
    assert await do(store, *both) == Done()
    for _ in range(3):
        assert await do(store, TRY) == Done()
    assert await do(store, shared) == Done()
    assert isinstance(await do(store, shared), Limited)
    assert await do(store, Forgive(key="nobody's", all=False)) == Done()


async def test_one_refused_budget_costs_nothing_of_the_other(store: Store) -> None:
    """A change with two counts reserves both or none."""
    network = replace(TRY, key="network", free=1000)
    for _ in range(3):
        await do(store, TRY)
    for _ in range(5):
        assert isinstance(await do(store, network, TRY), Limited)
    used = 0
    narrow = replace(network, free=2)
    while await do(store, narrow) == Done():
        used += 1
    assert used == 2, "no refused attempt was counted"


# Seconds that pass, and by how much the clock is set meanwhile.
MOMENTS = st.tuples(
    st.integers(0, 200),
    st.one_of(st.just(0), st.integers(-3 * DAY, 3 * DAY), st.integers(-200, 200)),
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(moments=st.lists(MOMENTS, max_size=12))
async def test_FT_12_nobody_waits_longer_than_the_longest_delay_however_the_clock_was_set(
    store: Store, moments: list[tuple[int, int]]
) -> None:
    attempt, now = replace(TRY, key=name("clock"), free=1), NOW
    for passed, step in moments:
        now += passed + step
        answered = await do(store, replace(attempt, now=now))
        if isinstance(answered, Limited):
            assert now < answered.until <= now + attempt.longest
    late = now + attempt.longest + CLOCKS_APART
    assert await do(store, replace(attempt, now=late)) == Done()


async def test_FT_12_a_delay_of_a_clock_that_was_set_back_costs_one_attempt_and_is_a_delay_again(
    store: Store,
) -> None:
    """An attacker who could set clocks would gain one guess for each time."""
    for _ in range(20):
        await do(store, replace(TRY, now=NOW + 100 * DAY))
    assert isinstance(await do(store, replace(TRY, now=NOW + 100 * DAY)), Limited)
    assert await do(store, TRY) == Done()
    for at in (NOW, NOW + 1, NOW - CLOCKS_APART):
        assert isinstance(await do(store, replace(TRY, now=at)), Limited)


async def test_FT_12_a_host_whose_clock_is_late_does_not_end_a_delay_of_another(
    store: Store,
) -> None:
    now = NOW
    for _ in range(12):  # until the delay is the longest there is
        answered = await do(store, replace(TRY, now=now))
        now = answered.until if isinstance(answered, Limited) else now
        await do(store, replace(TRY, now=now))
    refused = await do(store, replace(TRY, now=now - CLOCKS_APART))
    assert refused == Limited(until=now - CLOCKS_APART + TRY.longest)
