"""The files that operators start from: they are true, and what they run runs."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import requires
from pathlib import Path
from zipfile import ZipFile

import pytest
import trustme
from packaging.requirements import Requirement

from tests.availability import NGINX
from tests.conftest import installed
from tests.harness import Browser, Plain, Troth, free_port
from tests.postgres import Cluster
from troth.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def test_the_image_is_built_from_what_is_here_and_runs_without_rights() -> None:
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
    users = re.findall(r"^USER (\S+)$", text, re.MULTILINE)
    assert users[-1].isdigit()
    assert int(users[-1]) > 0
    assert "--require-hashes" in text
    known = {f"TROTH_{setting.name.upper()}" for setting in fields(Settings)}
    assert set(re.findall(r"TROTH_[A-Z_]+", text)) <= known


def names_in(requirements: str) -> set[str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==", requirements, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


def test_the_image_installs_all_that_serving_needs() -> None:
    """Nothing is resolved while the image is built: what is not locked is missing."""
    locked = names_in((ROOT / "requirements" / "serve.txt").read_text("utf-8"))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*declared["dependencies"], *declared["optional-dependencies"]["postgres"]]
    seen: set[str] = set()
    while asked:
        needed = Requirement(asked.pop())
        name = re.sub(r"[-_.]+", "-", needed.name).lower()
        if name in seen or (needed.marker and not needed.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        asked += requires(needed.name) or []
    assert seen <= locked


def test_what_the_image_holds_serves_and_says_that_it_is_well(tmp_path: Path) -> None:
    """The distribution alone, without this checkout; asked by the image's own health check."""
    text = (DEPLOY / "Containerfile").read_text("utf-8")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("troth-*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "opt")
    source = {p.relative_to(ROOT / "src") for p in (ROOT / "src" / "troth").rglob("*.*")}
    held = {p.relative_to(tmp_path / "opt") for p in (tmp_path / "opt" / "troth").rglob("*.*")}
    assert {path for path in source if path.suffix != ".pyc"} <= held
    troth = Troth(tmp_path)
    troth.environment |= {"PYTHONPATH": str(tmp_path / "opt"), "PYTHONSAFEPATH": "1"}
    installed(troth)
    assert str(tmp_path / "opt") in where_it_runs(troth)
    health = re.search(r"^HEALTHCHECK .*?CMD (\[.+?\])$", text.replace("\\\n", ""), re.MULTILINE)
    assert health is not None
    _, flag, script = json.loads(health[1])
    here = script.replace("127.0.0.1:9000", f"127.0.0.1:{troth.management_port}")
    assert here != script
    assert subprocess.run([sys.executable, flag, here], check=False).returncode == 0
    assert troth.stop() == 0
    well = subprocess.run([sys.executable, flag, here], capture_output=True, check=False)
    assert well.returncode != 0


def where_it_runs(troth: Troth) -> str:
    found = "import troth; print(troth.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", found], env=troth.environment, capture_output=True, text=True
    )
    return done.stdout


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    unit = (DEPLOY / "troth.service").read_text("utf-8")
    for line in ("NoNewPrivileges=yes", "DynamicUser=yes", "ProtectSystem=strict",
                 "LoadCredential=master.key:/etc/troth/master.key"):  # fmt: skip
        assert f"\n{line}\n" in unit
    if program is None:
        return
    here = tmp_path / "troth.service"
    here.write_text(unit.replace("/opt/troth/bin/troth", "/bin/true"))
    done = subprocess.run(
        [program, "verify", "--man=no", str(here)], capture_output=True, text=True, check=False
    )
    about_it = [line for line in done.stderr.splitlines() if "troth.service" in line]
    assert about_it == []


@pytest.fixture(scope="module")
def behind_nginx(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster
) -> Iterator[tuple[Troth, Troth, Path]]:
    """Two servers of one database behind a real nginx with the configuration that is shipped."""
    assert NGINX is not None
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "fullchain.pem").write_bytes(b"".join(p.bytes() for p in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(folder / "privkey.pem"))
    settings = {
        "issuer": f"https://127.0.0.1:{port}",
        "database": cluster.database(),
        "trusted_proxies": "127.0.0.1/32",
    }
    one = installed(Troth(folder, **settings))
    two = Troth(folder, **settings)
    two.log_file = folder / "two.log"
    two.start()
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    for old, new in (
        ("127.0.0.1:8001", f"127.0.0.1:{one.port}"),
        ("127.0.0.1:8002", f"127.0.0.1:{two.port}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("login.example", "127.0.0.1"),
        ("/etc/troth/tls", str(folder)),
    ):
        assert old in text
        text = text.replace(old, new)
    places = f"pid {folder}/nginx.pid;\nerror_log {folder}/e.log;\n"
    (folder / "nginx.conf").write_text(places + text)
    command = [NGINX, "-c", str(folder / "nginx.conf"), "-e", str(folder / "e.log")]
    process = subprocess.Popen([*command, "-g", "daemon off;"])
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, (folder / "e.log").read_text()
            assert time.monotonic() < deadline, "nginx does not start"
            time.sleep(0.02)
    yield one, two, folder / "ca.pem"
    process.terminate()
    process.wait(20)
    assert two.stop() == 0


@pytest.mark.nginx
def test_the_whole_story_goes_through_nginx(behind_nginx: tuple[Troth, Troth, Path]) -> None:
    one, _, authority = behind_nginx
    context = ssl.create_default_context(cafile=str(authority))
    with Plain(one, verify=context) as http:
        metadata = http.get("/.well-known/oauth-authorization-server").json()
        assert metadata["issuer"] == one.issuer
        client, person = one.client(), one.person()
        browser = Browser(one, verify=context, headers={"x-forwarded-for": "203.0.113.9"})
        last = browser.authorize(client.parameters(), person)
        code = dict(p.split("=", 1) for p in last.headers["location"].split("?")[1].split("&"))
        form = {
            "grant_type": "authorization_code",
            "code": code["code"],
            "redirect_uri": client.redirect_uri,
            **client.credentials(),
        }
        tokens = http.post("/oauth/token", form).json()
        assert one.rows("select distinct network from session") == [("127.0.0.1",)]
        form = {"grant_type": "refresh_token", **client.credentials()}
        for _ in range(6):  # by both servers in turn
            form["refresh_token"] = tokens["refresh_token"]
            refreshed = http.post("/oauth/token", form)
            assert refreshed.status_code == 200
            tokens = refreshed.json()
        assert one.stop() == 0
        for _ in range(6):
            form["refresh_token"] = tokens["refresh_token"]
            refreshed = http.post("/oauth/token", form)
            assert refreshed.status_code == 200, "the other server answers for both"
            tokens = refreshed.json()
        assert http.get("/health/ready").status_code == 404, "management is not for the world"
