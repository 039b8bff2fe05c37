"""What PostgreSQL's own types are made of, asked once for all connections of a process."""

from collections.abc import Iterable
from typing import Any, Final

import asyncpg

# Below are the types that every server has under the same number (PostgreSQL: FirstNormalObjectId).
_FIRST_OF_OTHERS: Final = 16384


def remembering() -> type[asyncpg.Connection]:
    """A kind of connections: what one of them has looked up, the others know.

    asyncpg looks up array types on each connection, which is six round trips before the first
    statement of a batch. While the database is slow, whatever needs a new connection would come too
    late, end that connection, and leave the next one to begin as it did.
    """
    known: dict[frozenset[int], Any] = {}

    class Remembering(asyncpg.Connection):  # type: ignore[misc]  # it has no types
        async def _introspect_types(self, typeoids: Iterable[int], timeout: Any) -> Any:  # noqa: ASYNC109
            asked = frozenset(typeoids)
            found = known.get(asked)
            if found is None:
                found = await super()._introspect_types(typeoids, timeout)
                if max(asked) < _FIRST_OF_OTHERS:
                    known[asked] = found
            return found

    return Remembering
