"""What the store asks of a database: SQLite and PostgreSQL are engines."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from troth.model.change import Change, Outcome
from troth.store.rows import Row

# Whatever the database does, a request has its answer within two seconds.
DEADLINE = 1.8

# A statement by name, with its values.
Step = tuple[str, Mapping[str, Any]]


class Engine(Protocol):
    """A database that knows the statements. Raises `StoreUnavailable` where it cannot answer."""

    @property
    def current(self) -> bool:
        """Whether `revision` is known to be at most a second old."""
        ...

    async def revision(self) -> int:
        """Counts the changes of clients, scopes, keys and people, of every process."""
        ...

    async def row(self, name: str, values: Mapping[str, Any]) -> Row | None: ...

    async def rows(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]: ...

    async def taken(self, name: str, values: Mapping[str, Any]) -> Sequence[Row]:
        """Run a statement that changes rows, durably; the rows that it gives back."""
        ...

    async def commit(self, change: Change, steps: Sequence[Step]) -> Outcome:
        """Apply a change and, where it was applied, the steps; durable when this returns."""
        ...

    async def run(self, steps: Sequence[Step]) -> int:
        """Run steps in one transaction; how many rows the last one changed."""
        ...

    async def close(self) -> None: ...
