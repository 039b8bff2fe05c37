"""The limit of the benchmark borrows Troth's statements: it gives each of them all its values."""

import pytest

from bench import limit_store
from troth.store import statements

VALUES = {
    "redeem": limit_store.redeem(b"c"),
    "rotate": limit_store.rotate(b"c", 1),
    "revoke": limit_store.revoke(b"c"),
    "chain": limit_store.chain(b"c"),
    "session": limit_store.SESSION,
    "authorization": limit_store.AUTHORIZATION,
}


@pytest.mark.parametrize("name", VALUES)
def test_the_limit_does_the_whole_storage_step_on_both_engines(name: str) -> None:
    borrowed = "revoke_chain" if name == "revoke" else name
    _, asked = statements.numbered(statements.load("sqlite")[borrowed])
    assert set(asked) <= set(VALUES[name])
    _, asked = statements.numbered(statements.load("postgres")[f"{name}_many"])
    assert set(asked) <= set(limit_store.arrays(name, [VALUES[name]]))
