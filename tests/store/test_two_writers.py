"""Two who read the same noun and change it: neither undoes what the other was told is done."""

from dataclasses import replace

from tests.store.nouns import a_client, a_person, do, name
from troth.model.change import Done, Gone, Put
from troth.store import Store


async def test_what_a_writer_leaves_of_a_person_stays_as_it_is_by_now(store: Store) -> None:
    """Two read the same person, and each changes something else."""
    read = a_person(email="first@people.example", claims={"name": "First"})
    await do(store, Put(noun=read))
    renamed = replace(read, username=name("renamed"), email=None)
    assert await do(store, Put(noun=renamed, expect_epoch=1, former=read)) == Done()
    grouped = replace(read, claims={"name": "First", "groups": ["staff"]})
    assert await do(store, Put(noun=grouped, expect_epoch=1, former=read)) == Done()
    secured = replace(read, password_hash="new", epoch=2)
    assert await do(store, Put(noun=secured, expect_epoch=1, former=read)) == Done()
    whole = replace(renamed, claims=grouped.claims, password_hash="new", epoch=2)
    assert await store.person(read.sub) == whole
    found = await store.person_by_login(renamed.username)
    assert found == whole
    assert await store.person_by_login("first@people.example") is None
    back = replace(whole, email="second@people.example")
    assert await do(store, Put(noun=back, expect_epoch=2, former=whole)) == Done()
    late = replace(whole, claims={})
    assert await do(store, Put(noun=late, expect_epoch=2, former=whole)) == Done()
    assert await store.person(read.sub) == replace(back, claims={})


async def test_a_client_that_is_another_by_now_is_not_put(store: Store) -> None:
    read = a_client()
    assert await do(store, Put(noun=read, former=read)) == Gone(which="client"), "nobody yet"
    await do(store, Put(noun=read))
    disabled = replace(read, disabled=True)
    assert await do(store, Put(noun=disabled, former=read)) == Done()
    late = replace(read, client_name="late")
    assert await do(store, Put(noun=late, former=read)) == Gone(which="client")
    assert await store.client(read.client_id) == disabled
