"""A URL that cannot be read is said to be one, and nothing of its password is told."""

from pathlib import Path

import pytest

from tests.harness import Troth

# Each as an unescaped password; what stands before the first sign might be taken for a port.
PASSWORDS = [
    *("canary/rest", "canary#rest", "canary?rest", "canary?a=rest", "canary@rest", "canary[rest"),
    *("canary]rest", "/canary", "#canary", "?canary", "61234/canary", "61234#canary"),
]
CONNECT = (
    ("serve",),
    ("migrate", "up"),
    ("migrate", "status"),
    ("migrate", "plan"),
    ("user", "list"),
    ("keys", "list"),
    ("end-everything", "--yes"),
    ("doctor",),
)


def of(password: str) -> str:
    return f"postgresql://troth:{password}@127.0.0.1:1/troth"


def at(folder: Path, url: str) -> Troth:
    troth = Troth(folder)
    troth.environment["TROTH_DATABASE"] = url
    return troth


def told(troth: Troth, *words: str) -> str:
    done = troth.run_cli(*words)
    assert done.returncode == 1, words
    said = str(done.stdout + done.stderr)
    assert "Traceback" not in said
    assert not any(piece in said for piece in ("canary", "rest@", "'rest'", "61234")), said
    assert "cannot be read" in said
    assert "%2F" in said, "it says how to write it"
    return said


@pytest.mark.parametrize("password", PASSWORDS)
def test_nothing_of_a_password_that_breaks_the_url_is_told(tmp_path: Path, password: str) -> None:
    said = told(at(tmp_path, of(password)), "migrate", "status")
    assert "TROTH_DATABASE" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("words", CONNECT, ids=" ".join)
def test_every_command_that_connects_keeps_it_to_itself(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    told(at(tmp_path, of("canary/rest")), *words)


@pytest.mark.parametrize("end", ["--from", "--to"])
def test_so_does_a_copy_of_its_ends(tmp_path: Path, end: str) -> None:
    troth = Troth(tmp_path)
    troth.cli("migrate", "up")
    other = {"--from": "--to", "--to": "--from"}[end]
    told(troth, "copy", end, of("canary/rest"), other, f"sqlite://{troth.database}")


@pytest.mark.parametrize("password", ["canary%2Frest", "canary%23", "canary:rest", "canary%25"])
def test_what_is_escaped_is_read(tmp_path: Path, password: str) -> None:
    """Nobody listens there: that is what is wrong, and all that is."""
    done = at(tmp_path, of(password)).run_cli("migrate", "status")
    assert done.returncode == 1
    assert "cannot be read" not in done.stderr
    assert "cannot be used" in done.stderr
    assert "canary" not in done.stderr


def test_what_else_is_wrong_with_a_url_is_still_said(tmp_path: Path) -> None:
    done = at(tmp_path, f"{of('canary')}?sslmode=some").run_cli("migrate", "status")
    assert (done.returncode, "verify-full" in done.stderr) == (1, True)
