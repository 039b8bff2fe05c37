"""JSON from outside, read strictly: an object, each name once, finite numbers. Pure."""

import json
from typing import Any, NoReturn


def read_object(raw: bytes) -> dict[str, Any]:
    """The object that the bytes are (RFC 8259 §4). Raises ValueError, and nothing else."""
    try:
        found = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_each_name_once, parse_constant=_no_constant
        )
        if b"\\u" in raw:
            # Half a surrogate pair is no text: what writes it somewhere later would fail.
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers that disagree about which of two equal names counts can be played off.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
