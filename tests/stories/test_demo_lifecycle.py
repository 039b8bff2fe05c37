"""`troth dev` from start to end: what it keeps, what it says, and what it leaves behind."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.demo import Demo, Walker
from tests.harness import free_port


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def test_a_second_start_finds_person_clients_and_grants_as_they_were(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "a" / "folder").start()
    printed, files = demo.printed, sorted(path.name for path in demo.folder.iterdir())
    walker = Walker(demo).connect()
    assert demo.stop() == 0
    keys = {path.name: path.read_bytes() for path in demo.folder.glob("*.[jkt]*[nyl]")}
    demo.start()
    assert demo.printed == printed
    assert {name: (demo.folder / name).read_bytes() for name in keys} == keys
    assert {"demo.json", "master.key", "troth.toml"} == set(keys)
    assert sorted(path.name for path in demo.folder.iterdir()) == files
    # The session and what was allowed are still there: nobody is asked anything.
    walker.open(demo.app).press("/connect")
    assert walker.standing == "connected"
    assert demo.stop() == 0


def test_a_start_on_other_ports_moves_the_clients_along(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    demo.start()
    assert demo.stop() == 0
    moved = Demo(tmp_path).start()
    assert moved.password == demo.password
    walker = Walker(moved).connect()
    assert walker.standing == "connected"
    assert f'"aud": "{moved.api}"' in walker.step(3)
    assert moved.stop() == 0


def test_a_folder_of_an_older_version_learns_to_say_who_is_there(tmp_path: Path) -> None:
    demo = Demo(tmp_path).start()
    assert demo.stop() == 0
    with sqlite3.connect(tmp_path / "troth.db") as database:
        database.execute("update person set claims = '{}', email = null, email_key = null")
        for client_id, metadata in database.execute("select client_id, metadata from client"):
            older = json.loads(metadata)
            older["scope"] = [name for name in older["scope"] if name in ("read_write", "calendar")]
            older.pop("openid")
            database.execute(
                "update client set metadata = ? where client_id = ?", (json.dumps(older), client_id)
            )
    database.close()
    walker = Walker(demo.start()).log_in()
    assert "Hello, Ada Lovelace." in walker.page.text
    assert demo.stop() == 0


def test_keys_and_passwords_are_for_their_owner_and_not_the_same_twice(tmp_path: Path) -> None:
    passwords = set()
    for name in ("one", "two"):
        demo = Demo(tmp_path / name).start()
        passwords.add(demo.password)
        assert demo.stop() == 0
        assert demo.folder.stat().st_mode & 0o777 == 0o700
        for secret in ("master.key", "demo.json", "troth.db"):
            assert (demo.folder / secret).stat().st_mode & 0o077 == 0, secret
    assert len(passwords) == 2


def test_a_password_that_the_person_changed_is_not_printed_as_if_it_were_good(
    tmp_path: Path,
) -> None:
    demo = Demo(tmp_path).start()
    assert demo.stop() == 0
    assignment, *command = demo.says("Other commands").split()
    variable, _, file = assignment.partition("=")
    done = subprocess.run(
        [command[0], "user", "set-password", "demo", "--password-stdin"],
        env={**demo.environment, variable: file},
        input="canary another horse",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    former = demo.password
    demo.start()
    assert former not in demo.printed
    assert "you chose" in demo.password
    assert demo.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_of_it_and_leaves_no_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    demo = Demo(tmp_path).start()
    children = demo.children()
    assert len(children) == 1
    assert demo.stop(number) == 0
    assert alive(children) == set()
    for port in (demo.port, demo.app_port, demo.api_port):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=2)


def test_when_the_server_dies_the_rest_ends_and_says_so(tmp_path: Path) -> None:
    demo = Demo(tmp_path).start()
    (server,) = demo.children()
    os.kill(server, signal.SIGKILL)
    code, errors = demo.ended()
    assert code == 1
    assert errors.startswith("troth: the server ended by itself")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("which", "address"),
    [
        ("port", "127.0.0.1"),
        ("app_port", "127.0.0.1"),
        ("app_port", "::1"),
        ("api_port", "127.0.0.1"),
    ],
)
def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path, which: str, address: str) -> None:
    demo = Demo(tmp_path)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as taken:
        taken.bind((address, getattr(demo, which)))
        taken.listen()
        done = demo.run()
    assert done.returncode == 1
    option = "--" + which.replace("_", "-")
    words = f"troth: port {getattr(demo, which)} is taken by another program; choose another"
    assert done.stderr.strip() == f"{words} with {option}"


def test_a_server_that_cannot_start_is_explained(tmp_path: Path) -> None:
    demo = Demo(tmp_path).start()
    assert demo.stop() == 0
    (tmp_path / "master.key").write_text("A" * 43 + "\n")
    done = demo.run()
    assert done.returncode == 1
    assert "master key" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("broken", ["not json", '{"password": "x"}'])
def test_a_damaged_file_of_secrets_is_said_in_one_sentence(tmp_path: Path, broken: str) -> None:
    (tmp_path / "demo.json").write_text(broken)
    done = Demo(tmp_path).run()
    assert done.returncode == 1
    assert "demo.json cannot be read" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_settings_of_the_shell_do_not_reach_the_demo(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    demo.environment |= {
        "TROTH_ISSUER": "https://elsewhere.example",
        "TROTH_LISTEN": f"0.0.0.0:{free_port()}",
        "TROTH_NO_SUCH_SETTING": "x",
    }
    demo.start()
    assert Walker(demo).connect().standing == "connected"
    assert demo.stop() == 0
