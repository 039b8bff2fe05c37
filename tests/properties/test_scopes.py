"""Scopes: what RFC 6749 §3.3 spells, and never more than was allowed."""

from hypothesis import example, given
from hypothesis import strategies as st

from tests.properties.outcomes import outcome
from tests.spec import spec
from troth.browser.approval import approved, covered, remember
from troth.errors import OAuthError
from troth.model.authorization import Authorization
from troth.model.person import Scope
from troth.rules.scope import LONGEST, parse, refuse_beyond, requested, still_allowed

GOOD = {chr(n) for n in (0x21, *range(0x23, 0x5C), *range(0x5D, 0x7F))}
NAME = st.text(alphabet=sorted(GOOD), min_size=1, max_size=8)
FEW = st.lists(st.sampled_from("abcdef"), unique=True).map(tuple)
SETS = st.frozensets(st.sampled_from("abcdef"))


@spec("RFC 6749 §3.3")
@given(st.text(max_size=20) | st.lists(NAME | st.text(max_size=2), max_size=5).map(" ".join))
@example("")
@example(" a")
@example("a  b")
@example("a\tb")
@example("a\n")
@example('"')
@example("a" * (LONGEST + 1))
def test_a_scope_is_read_as_the_grammar_says(text: str) -> None:
    names = text.split(" ")
    good = all(name and set(name) <= GOOD for name in names) and len(text) <= LONGEST
    found = outcome(lambda: parse(text))
    if good:
        assert isinstance(found, tuple)
        assert set(found) == set(names)
        assert len(set(found)) == len(found)
        assert parse(" ".join(found)) == found
    else:
        assert isinstance(found, OAuthError)
        assert found.error == "invalid_scope"


@spec("RFC 6749 §3.3")
@given(st.none() | FEW.map(" ".join), FEW, SETS, SETS)
def test_what_is_requested_is_registered_and_defined(
    text: str | None, allowed: tuple[str, ...], defined: frozenset[str], default: frozenset[str]
) -> None:
    scopes = {n: Scope(name=n, description=n, default=n in default) for n in defined}
    found = outcome(lambda: requested(text, allowed, scopes))
    if text is None:
        expected = {name for name in allowed if name in defined & default}
    else:
        expected = set(text.split())
    if expected and expected <= set(allowed) & defined:
        assert isinstance(found, tuple)
        assert set(found) == expected
    else:
        assert isinstance(found, OAuthError)
        assert found.error == "invalid_scope"


@given(FEW, FEW)
def test_what_is_left_is_in_both_and_in_order(
    granted: tuple[str, ...], now: tuple[str, ...]
) -> None:
    left = still_allowed(granted, now)
    assert set(left) == set(granted) & set(now)
    assert [granted.index(name) for name in left] == sorted(granted.index(n) for n in left)
    refused = outcome(lambda: refuse_beyond(granted, now, "allowed"))
    assert isinstance(refused, OAuthError) == (not set(granted) <= set(now))


@given(FEW, SETS, SETS)
def test_a_person_grants_the_required_and_the_ticked_and_never_more(
    asked: tuple[str, ...], required: frozenset[str], ticked: frozenset[str]
) -> None:
    granted = set(approved(asked, required, ticked))
    assert granted == {name for name in asked if name in required | ticked}


@given(FEW, FEW, SETS)
def test_consent_is_remembered_as_it_was_last_said(
    previous: tuple[str, ...], asked: tuple[str, ...], ticked: frozenset[str]
) -> None:
    granted = approved(asked, frozenset(), ticked)
    known = remember(previous, asked, granted)
    assert len(set(known)) == len(known)
    for name in "abcdef":
        expected = name in granted if name in asked else name in previous
        assert (name in known) == expected


@given(FEW, FEW, SETS, SETS)
def test_an_answer_covers_what_it_answered_and_grants_what_it_granted(
    first: tuple[str, ...], asked: tuple[str, ...], ticked: frozenset[str], required: frozenset[str]
) -> None:
    granted = approved(first, frozenset(), ticked)
    left_out = tuple(name for name in first if name not in granted)
    former = Authorization(
        authorization_id="a",
        sub="s",
        client_id="c",
        scope=granted,
        created_at=0,
        expires_at=1,
        declined=left_out,
    )
    found = covered(former, asked, required)
    both = set(asked) & set(granted)
    if set(asked) <= set(granted) | (set(left_out) - required) and (both or not asked):
        assert found is not None
        assert set(found) == both
    else:
        assert found is None
