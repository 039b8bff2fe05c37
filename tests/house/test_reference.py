"""The generated pages are read off the source and the tests; here is how they read."""

import ast

import pytest

from tests.spec import spec
from tools.reference.scan import Section, read_tests, sections_in


def _one_test(code: str):
    (found,) = read_tests("tests/test_x.py", ast.parse(code))
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(RFC 6749 §5.2, §4.1.2.1).", {("RFC 6749", "5.2"), ("RFC 6749", "4.1.2.1")}),
        ("RFC 7009 §2.1 and §2.2.", {("RFC 7009", "2.1"), ("RFC 7009", "2.2")}),
        ("as RFC 9068 says", {("RFC 9068", "")}),
        ("RFC\n    8252 §7.3", {("RFC 8252", "7.3")}),
        ("OIDC Core §3.1.2.1", {("OIDC Core", "3.1.2.1")}),
        ("OIDC Front-Channel Logout §3", {("OIDC Front-Channel Logout", "3")}),
        ("OAuth Form Post Response Mode §2", {("OAuth Form Post Response Mode", "2")}),
        ("§4 of nothing", set()),
    ],
)
def test_a_citation_is_a_document_and_its_sections(text, found):
    assert sections_in(text) == {Section(*each) for each in found}


def test_sections_are_sorted_as_a_reader_counts():
    numbers = ["4.1.10", "A.5", "4.1.9", "", "10", "4.1"]
    ordered = sorted((Section("RFC 6749", n) for n in numbers), key=lambda s: s.sort_key)
    assert [section.number for section in ordered] == ["", "4.1", "4.1.9", "4.1.10", "10", "A.5"]


def test_a_test_is_a_sentence_with_its_sections_and_rows():
    found = _one_test(
        "@spec('RFC 6749 §6', 'RFC 9700 §4.14.2')\n"
        "async def test_RT_01_a_replayed_token_ends_its_chain(): ..."
    )
    assert found.sentence == "a replayed token ends its chain"
    assert found.rows == {"RT-01"}
    assert {section.document for section in found.sections} == {"RFC 6749", "RFC 9700"}


def test_rows_are_found_among_the_parameters_and_in_what_these_name():
    found = _one_test(
        "CASES = [pytest.param(1, id='RU-02'), pytest.param(2, id='RU-03 suffix')]\n"
        "@pytest.mark.parametrize('x', CASES)\n"
        "@pytest.mark.parametrize('y', [('RU-04', 1)], ids=str)\n"
        "def test_no_other_uri_is_taken(x, y): ..."
    )
    assert found.rows == {"RU-02", "RU-03", "RU-04"}


def test_a_class_hands_its_sections_down():
    found = _one_test("@spec('RFC 7636 §4.6')\nclass TestVerifier:\n    def test_it(self): ...")
    assert found.sections == {Section("RFC 7636", "4.6")}


@pytest.mark.parametrize("wrong", ["RFC6749 §4", "rfc 6749", "RFC 6749 4.1", "RFC 6749 §4.", ""])
def test_a_misspelt_section_is_refused(wrong):
    with pytest.raises(ValueError, match="is not like"):
        spec(wrong)
