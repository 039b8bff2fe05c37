"""The changes and reads that are batched on PostgreSQL, and the arrays in which they travel."""

from collections.abc import Mapping, Sequence
from typing import Any

from troth.model.change import Change, Redeem, Revoke, Rotate
from troth.store import rows
from troth.store.engine import Step
from troth.store.rows import Row
from troth.value import frozen


@frozen
class Hot:
    """One hot change with its audit rows; `change_id` knows its own row again."""

    change: Change
    steps: Sequence[Step]
    chain_id: bytes
    change_id: bytes


SHAPES = {Redeem: "redeem_many", Rotate: "rotate_many", Revoke: "revoke_many"}


def shape(change: Change) -> tuple[type | None, bytes]:
    """Which hot shape a change has, and the chain that it is about."""
    if len(change.verbs) != 1:
        return None, b""
    match change.verbs[0]:
        case Redeem() as redeem:
            return Redeem, redeem.chain.chain_id
        case Rotate() as rotate:
            return Rotate, rotate.chain_id
        case Revoke(kind="chain", key=bytes(key)):
            return Revoke, key
    return None, b""


def columns(batch: Sequence[Hot]) -> dict[str, list[Any]]:
    """The verbs of a batch as arrays, one for each column."""
    lines: list[dict[str, Any]] = []
    for hot in batch:
        match hot.change.verbs[0]:
            case Redeem() as redeem:
                lines.append(rows.redeem_values(redeem) | {"change_id": hot.change_id})
            case Rotate() as rotate:
                lines.append(rows.asdict(rotate))
            case Revoke() as revoke:
                lines.append({"chain_id": revoke.key, "revoked_at": revoke.at})
    return {name: [line[name] for line in lines] for name in lines[0]}


def notes(batch: Sequence[Hot]) -> dict[str, list[Any]]:
    """The audit rows of a batch as arrays; each is written if its change was applied."""
    noted = [(hot.chain_id, values) for hot in batch for _, values in hot.steps]
    names = {
        "at": "at",
        "event": "event",
        "outcome": "outcome",
        "actor": "actor",
        "note_client": "client_id",
        "note_sub": "sub",
        "request_id": "request_id",
        "detail": "detail",
    }
    arrays = {array: [values[name] for _, values in noted] for array, name in names.items()}
    return {"note_of": [chain_id for chain_id, _ in noted], **arrays}


@frozen
class Keyed:
    """A read by key: the values that are its key, where its rows have them, and what is the latest.

    Of a value under `latest` there is one for all: the time up to which something has ended.
    """

    key: tuple[str, ...]
    columns: tuple[int, ...]
    latest: tuple[str, ...] = ()

    def values(self, batch: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The values of one statement for all of them; who asks the same goes along."""
        keys = list(dict.fromkeys(tuple(one[name] for name in self.key) for one in batch))
        arrays = {name: [key[i] for key in keys] for i, name in enumerate(self.key)}
        return arrays | {name: max(one[name] for one in batch) for name in self.latest}

    def each_its_own(
        self, batch: Sequence[Mapping[str, Any]], found: Sequence[Row]
    ) -> Sequence[Row | None]:
        by_key = {tuple(row[column] for column in self.columns): row for row in found}
        return [by_key.get(tuple(one[name] for name in self.key)) for one in batch]


READS = {
    "chain": Keyed(key=("chain_id",), columns=(0,), latest=("now",)),
    "session": Keyed(key=("secret_digest",), columns=(1,)),
    "authorization": Keyed(key=("sub", "client_id"), columns=(1, 2)),
}
