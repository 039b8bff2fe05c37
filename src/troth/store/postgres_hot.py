"""The changes and reads that are batched on PostgreSQL, and the arrays in which they travel."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from troth.model.change import Change, Redeem, Revoke, Rotate, Verb
from troth.store import rows
from troth.store.engine import Step
from troth.store.rows import Row
from troth.value import frozen


@frozen
class Entry:
    """A change on its way, with its audit rows.

    A hot one has a statement for many, and is about a chain; by `change_id`, which it leaves in the
    chain's row, it knows after a lost answer that it was applied.
    """

    change: Change
    steps: Sequence[Step]
    name: str = ""
    chain_id: bytes = b""
    change_id: bytes = b""


HOT = ("redeem_many", "rotate_many", "revoke_many")


def entry(change: Change, steps: Sequence[Step]) -> Entry:
    """A change as it is sent: a hot one has one verb, on one chain."""
    name, chain_id = _shape(change.verbs[0]) if len(change.verbs) == 1 else ("", b"")
    change_id = os.urandom(8)
    return Entry(change=change, steps=steps, name=name, chain_id=chain_id, change_id=change_id)


def _shape(verb: Verb) -> tuple[str, bytes]:
    match verb:
        case Redeem() as redeem:
            return "redeem_many", redeem.chain.chain_id
        case Rotate() as rotate:
            return "rotate_many", rotate.chain_id
        case Revoke(kind="chain", key=bytes(key)):
            return "revoke_many", key
    return "", b""


def columns(batch: Sequence[Entry]) -> dict[str, list[Any]]:
    """The verbs of a batch as arrays, one for each column."""
    lines = [{**_line(entry.change.verbs[0]), "change_id": entry.change_id} for entry in batch]
    return {name: [line[name] for line in lines] for name in lines[0]}


def _line(verb: Verb) -> rows.Values:
    match verb:
        case Redeem():
            return rows.redeem_values(verb)
        case Revoke():
            return {"chain_id": verb.key, "revoked_at": verb.at}
    return rows.asdict(verb)


def notes(batch: Sequence[Entry]) -> dict[str, list[Any]]:
    """The audit rows of a batch as arrays; each is written if its change was applied."""
    noted = [(entry.chain_id, values) for entry in batch for _, values in entry.steps]
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
