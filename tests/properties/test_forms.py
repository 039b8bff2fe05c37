"""The form parser agrees with the standard library, or refuses."""

import re
from collections import Counter
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.properties.outcomes import outcome
from tests.spec import spec
from troth.errors import OAuthError
from troth.http import MOST_KEYS, Form, Request, parse_form, parse_parameters

NAMES = st.sampled_from(["code", "state", "scope", "resource", "é", "a b", "=", "&"]) | st.text()
VALUES = st.text(max_size=30)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=12)
# What forms are made of, often enough.
RAW = st.lists(
    st.sampled_from([b"a", b"b", b"=", b"&", b"+", b"%", b"%41", b"%00", b"%C3%A9", b"%ff", b"%2"])
    | st.binary(max_size=4),
    max_size=20,
).map(b"".join)


def request(body: bytes, query: bytes = b"", content_type: str | None = None) -> Request:
    kind = "application/x-www-form-urlencoded" if content_type is None else content_type
    headers = ((b"content-type", kind.encode("latin-1", "replace")),)
    return Request(
        method="POST",
        path="/oauth/token",
        query=query,
        headers=headers,
        body=body,
        peer="127.0.0.1",
        request_id="r",
    )


def by_the_library(raw: bytes) -> list[tuple[str, str]] | None:
    """The pairs, or None for what must be refused."""
    text = "".join(chr(byte) if byte < 128 else f"%{byte:02X}" for byte in raw)
    if len(text.split("&")) > MOST_KEYS or re.search("%(?![0-9A-Fa-f]{2})", text):
        return None
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        return None
    return None if any("\0" in name + value for name, value in pairs) else pairs


def as_form(pairs: list[tuple[str, str]]) -> Form:
    counted = Counter(name for name, _ in pairs if name != "resource")
    first = dict(reversed([pair for pair in pairs if pair[0] != "resource"]))
    return Form(
        {name: value for name, value in first.items() if value},
        frozenset(name for name, times in counted.items() if times > 1),
        tuple(value for name, value in pairs if name == "resource" and value),
    )


@spec("RFC 6749 §3.1", "RFC 6749 §B")
@given(RAW)
@example(b"&".join([b"a=b"] * (MOST_KEYS + 1)))
@example(b"a=\xed\xa0\x80")
@example(b"a%00=b")
@example(b"state=&state=x")
def test_what_is_parsed_is_what_the_standard_library_reads(raw: bytes) -> None:
    expected = by_the_library(raw)
    found = outcome(lambda: parse_parameters(raw))
    if expected is None:
        assert isinstance(found, OAuthError)
        assert found.error == "invalid_request"
    else:
        assert found == as_form(expected)


@given(PAIRS)
def test_what_is_encoded_is_read_back(pairs: list[tuple[str, str]]) -> None:
    for encoded in (urlencode(pairs), urlencode(pairs, quote_via=quote)):
        if any("\0" in name + value for name, value in pairs):
            with pytest.raises(OAuthError):
                parse_parameters(encoded.encode())
        else:
            assert parse_parameters(encoded.encode()) == as_form(pairs)


@spec("RFC 6749 §3.2")
@given(RAW, st.binary(max_size=3))
def test_a_body_is_refused_where_a_name_repeats_or_the_url_has_some_too(
    raw: bytes, query: bytes
) -> None:
    expected = by_the_library(raw)
    found = outcome(lambda: parse_form(request(raw, query)))
    if query or expected is None or as_form(expected).repeated:
        assert isinstance(found, OAuthError)
        assert found.error == "invalid_request"
    else:
        assert found == as_form(expected)


@given(st.text(max_size=40) | st.from_regex(r"application/[xX]-www-form-urlencoded( ?;.*)?"))
def test_only_one_content_type_is_a_form(content_type: str) -> None:
    named = content_type.encode("latin-1", "replace").split(b";")[0].strip().lower()
    found = outcome(lambda: parse_form(request(b"a=b", content_type=content_type)))
    if named == b"application/x-www-form-urlencoded":
        assert found == Form({"a": "b"})
    else:
        assert isinstance(found, OAuthError)
        assert found.status == 415


@given(PAIRS, st.sampled_from(["scope", "resource"]))
def test_the_values_of_a_list_keep_their_order_and_all_else_is_single(
    pairs: list[tuple[str, str]], name: str
) -> None:
    pairs = [(n, v.replace("\0", "")) for n, v in pairs if "\0" not in n]
    form = parse_parameters(urlencode(pairs).encode(), name)
    assert form.several == tuple(v for n, v in pairs if n == name and v)
    assert name not in form
    assert set(form) | set(form.repeated) <= {n for n, _ in pairs}
