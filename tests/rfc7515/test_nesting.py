"""JSON in one another: as deep as it may be, whatever the parser would do (JW-07)."""

import pytest

from tests.spec import spec
from troth.signing.compact import DEEPEST, Malformed, json_object


def nested(depth: int, inside: bytes = b"") -> bytes:
    """An object with so many arrays in it."""
    return b'{"n": ' + b"[" * depth + inside + b"]" * depth + b"}"


@spec("RFC 7515 §4")
def test_what_nests_as_deep_as_it_may_is_read() -> None:
    assert json_object(nested(DEEPEST - 1), "it")
    text = b'"\\"' + b"[" * 5000 + b'"'
    assert json_object(nested(3, text), "it"), "a bracket in text is no bracket"
    assert len(json_object(b'{"n": [' + b"[], " * 500 + b"[]]}", "it")["n"]) == 501


@pytest.mark.parametrize(
    "raw", [nested(DEEPEST), nested(4000), b"[" * 60_000, b'{"n": ' + b'{"n": ' * 100]
)
def test_what_nests_deeper_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed, match="deep"):
        json_object(raw, "it")


def test_text_without_an_end_is_no_way_to_make_it_slow() -> None:
    with pytest.raises(Malformed):
        json_object(b'{"n": "' + b"\\" * 60_001, "it")
