"""Settings: what is accepted is safe to run with, and all else is one sentence."""

from dataclasses import fields
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from troth.routing import routes
from troth.settings import (
    Settings,
    SettingsError,
    database_path,
    is_loopback,
    load,
    parse_listen,
)

NAMES = sorted(field.name for field in fields(Settings))
NUMBERS = sorted(field.name for field in fields(Settings) if isinstance(field.default, int))
ISSUERS = st.lists(
    st.sampled_from(
        "https:// http:// login.example 127.0.0.1 localhost [::1] [ ] : 8000 / ? # @".split()
    )
    | st.sampled_from(["tenant", "..", "%2f", " ", "\n", "é", "0x7f.1"])
    | st.text(max_size=3),
    max_size=6,
).map("".join)
VALUES = st.text(max_size=12) | st.integers().map(str) | ISSUERS


def loaded(environ: dict[str, str]) -> Settings | SettingsError:
    try:
        return load({f"TROTH_{name.upper()}": value for name, value in environ.items()})
    except SettingsError as error:
        return error


@given(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
@example({"issuer": "http://[::1"})
@example({"issuer": "https://login.example:99999"})
@example({"listen": "127.0.0.1:²"})
@example({"support_url": "https://[x"})
@example({"workers": "9" * 5000})
def test_any_value_is_a_setting_or_one_sentence(environ: dict[str, str]) -> None:
    found = loaded(environ)
    if isinstance(found, SettingsError):
        assert str(found)
        return
    for name in NUMBERS:
        assert getattr(found, name) >= 0
    for listen in (found.listen, found.management_listen):
        assert not listen or 0 <= parse_listen(listen)[1] <= 65535
    issuer = urlsplit(found.issuer)
    assert issuer.scheme == "https" or is_loopback(issuer.hostname)
    assert (issuer.query, issuer.fragment, issuer.username) == ("", "", None)
    assert not found.issuer.endswith("/")
    assert found.origin + found.base == found.issuer
    assert all(path.startswith(found.base + "/") or found.base for path in routes(found))


@given(ISSUERS)
@example("https://login.example?")
@example("https://login.example#")
@example("https://login.example/a#b")
@example("https://login.example/é")
@example("https://login.example/a b")
@example("https://LOGIN.example")
@example("HTTPS://login.example")
@example("https://@login.example")
@example("https://login.example\n")
@example("http://localhost.evil.example")
def test_an_issuer_is_an_address_that_can_be_put_into_answers(issuer: str) -> None:
    found = loaded({"issuer": issuer})
    if isinstance(found, Settings):
        assert issuer.isascii()
        assert issuer.isprintable()
        assert not set(issuer) & set(' "\\?#<>')
        assert found.origin == found.origin.lower()
        assert found.secure == (urlsplit(issuer).scheme == "https")


@given(st.text(min_size=1, max_size=15).map(str.lower))
def test_a_name_that_is_no_setting_is_named(name: str) -> None:
    if name not in NAMES and name != "config_file":
        found = loaded({name: "x"})
        assert isinstance(found, SettingsError)
        assert f"TROTH_{name.upper()}" in str(found)


@given(st.sampled_from(NUMBERS), st.integers())
def test_numbers_are_kept_within_their_limits(name: str, number: int) -> None:
    found = loaded({name: str(number)})
    if isinstance(found, Settings):
        assert getattr(found, name) == number
    else:
        assert name in str(found)


@given(st.text(max_size=30) | ISSUERS.map(lambda text: "sqlite://" + text))
def test_a_database_is_an_absolute_path_or_refused(text: str) -> None:
    settings = Settings(database=text)
    if text.startswith("sqlite:///"):
        assert str(database_path(settings)).startswith("/")
    else:
        with pytest.raises(SettingsError):
            database_path(settings)


@given(st.text(max_size=20) | st.builds("{}:{}".format, st.text(max_size=8), st.integers()))
@example("127.0.0.1:²")
@example("[::1]:8000")
def test_any_text_is_an_address_and_a_port_or_refused(text: str) -> None:
    try:
        host, port = parse_listen(text)
    except SettingsError:
        return
    assert host
    assert 0 <= port <= 65535
