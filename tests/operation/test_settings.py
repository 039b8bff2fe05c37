"""Settings that are wrong stop the start, and the line says which and why."""

import json
from pathlib import Path

import pytest

from tests.harness import Troth
from troth.settings import SettingsError, load


def refused(troth: Troth, *words: str) -> str:
    """The one sentence with which every command, and the server, refuse to start."""
    sentences = set()
    for command in (("serve",), ("client", "list", "--json")):
        done = troth.run_cli(*command)
        assert (done.returncode, done.stdout) == (1, ""), command
        assert done.stderr.startswith("troth: ")
        assert len(done.stderr.splitlines()) == 1
        sentences.add(done.stderr)
    (sentence,) = sentences
    assert all(word in sentence for word in words), sentence
    doctor = troth.run_cli("doctor", "--json")
    assert doctor.returncode == 1
    assert json.loads(doctor.stdout)["findings"][0]["check"] == "settings"
    return sentence


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TROTH_ISUER", "https://login.example", ("TROTH_ISUER",)),
        ("TROTH_DEBUG", "1", ("TROTH_DEBUG",)),
        ("TROTH_ISSUER", "http://login.example", ("TROTH_ISSUER", "https")),
        ("TROTH_ISSUER", "http://127.0.0.1.evil.example", ("TROTH_ISSUER", "https")),
        ("TROTH_ISSUER", "https://login.example/", ("TROTH_ISSUER", "slash")),
        ("TROTH_ISSUER", "https://login.example/a/", ("TROTH_ISSUER", "slash")),
        ("TROTH_ISSUER", "https://login.example?a=b", ("TROTH_ISSUER", "query")),
        ("TROTH_ISSUER", "https://login.example#a", ("TROTH_ISSUER", "fragment")),
        ("TROTH_ISSUER", "https://a@login.example", ("TROTH_ISSUER", "user")),
        ("TROTH_ISSUER", "login.example", ("TROTH_ISSUER",)),
        ("TROTH_WORKERS", "0", ("workers",)),
        ("TROTH_WORKERS", "two", ("workers", "two")),
        ("TROTH_CODE_LIFETIME", "601", ("code_lifetime", "600")),
        ("TROTH_REFRESH_RETRY_WINDOW", "61", ("refresh_retry_window", "60")),
        ("TROTH_LISTEN", "everywhere", ("everywhere",)),
        ("TROTH_TRUSTED_PROXIES", "10.0.0.0/99", ("trusted_proxies",)),
        ("TROTH_TLS_CERT_FILE", "x.pem", ("TROTH_TLS_KEY_FILE",)),
        ("TROTH_LOG_LEVEL", "trace", ("TROTH_LOG_LEVEL",)),
        ("TROTH_FETCH_ALLOW", "internal.example", ("internal.example",)),
        ("TROTH_FETCH_ALLOW", "a:1,https://b.example:x", ("b.example:x",)),
        ("TROTH_FETCH_ALLOW", "a:0", ("a:0",)),
        ("TROTH_FETCH_CA_FILE", "/nowhere/ca.pem", ("TROTH_FETCH_CA_FILE", "/nowhere/ca.pem")),
        ("TROTH_FETCH_CA_FILE", __file__, ("TROTH_FETCH_CA_FILE",)),
        ("TROTH_CLAIMS_HOOK_URL", "http://hook.example/", ("TROTH_CLAIMS_HOOK_URL", "https")),
        ("TROTH_CLAIMS_HOOK_URL", "https://a:b@hook.example/", ("TROTH_CLAIMS_HOOK_URL",)),
        ("TROTH_CLAIMS_HOOK_URL", "hook.example", ("TROTH_CLAIMS_HOOK_URL",)),
        ("TROTH_REGISTRATION", "maybe", ("TROTH_REGISTRATION", "open")),
        ("TROTH_DATABASE_POOLER", "session", ("TROTH_DATABASE_POOLER", "transaction")),
        ("TROTH_ACCENT", "red", ("TROTH_ACCENT", "#rrggbb")),
        ("TROTH_LOGO_FILE", "/nowhere/logo.png", ("TROTH_LOGO_FILE", "/nowhere/logo.png")),
        ("TROTH_LOGO_FILE", __file__, ("TROTH_LOGO_FILE", "PNG")),
        ("TROTH_SUPPORT_URL", "javascript:alert(1)", ("TROTH_SUPPORT_URL",)),
    ],
)
def test_FT_20_a_wrong_setting_stops_the_start_and_is_named(
    tmp_path: Path, name: str, value: str, words: tuple[str, ...]
) -> None:
    environment = Troth(tmp_path).environment | {name: value}
    with pytest.raises(SettingsError) as refusal:
        load(environment)
    assert all(word in str(refusal.value) for word in words)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["TROTH_ISUER", "TROTH_ISSUER"])
def test_FT_20_no_command_and_no_server_starts_with_a_wrong_setting(
    tmp_path: Path, name: str
) -> None:
    troth = Troth(tmp_path)
    troth.environment[name] = "http://login.example"
    refused(troth, name)


@pytest.mark.parametrize("database", ["", "postgresql://x", "sqlite://relative.db", "/plain/path"])
def test_FT_20_a_database_that_is_none_is_named(tmp_path: Path, database: str) -> None:
    troth = Troth(tmp_path)
    troth.environment["TROTH_DATABASE"] = database
    done = troth.run_cli("client", "list")
    assert done.returncode == 1
    assert "TROTH_DATABASE" in done.stderr


def test_a_file_gives_settings_and_the_environment_wins(tmp_path: Path) -> None:
    troth = Troth(tmp_path)
    file = tmp_path / "troth.toml"
    file.write_text('issuer = "http://login.example"\nworkers = 3\n')
    troth.environment["TROTH_CONFIG_FILE"] = str(file)
    assert troth.cli("client", "list") == {"clients": []}, "the environment's issuer is a good one"
    del troth.environment["TROTH_ISSUER"]
    refused(troth, "TROTH_ISSUER", "https")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('isuer = "x"\n', "isuer"),
        ('[server]\nissuer = "x"\n', "server"),
        ("issuer = \n", "cannot be read"),
        ("workers = true\n", "workers"),
        ("workers = 1.5\n", "workers"),
        ("trusted_proxies = [1.5]\n", "trusted_proxies"),
    ],
)
def test_FT_20_a_wrong_line_of_the_file_is_named(tmp_path: Path, text: str, word: str) -> None:
    troth = Troth(tmp_path)
    file = tmp_path / "troth.toml"
    file.write_text(text)
    troth.environment["TROTH_CONFIG_FILE"] = str(file)
    with pytest.raises(SettingsError) as refusal:
        load(troth.environment)
    assert word in str(refusal.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    troth = Troth(tmp_path)
    troth.environment["TROTH_CONFIG_FILE"] = str(tmp_path / "missing.toml")
    refused(troth, "missing.toml")
