"""Every example, run as its reader would, against a real server."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.harness import Browser, OAuthClient, Person, Troth, free_port
from tests.interop.relying import known
from tests.interop.test_authlib import come_back

EXAMPLES = Path(__file__).parent.parent / "examples"


def start(name: str, **settings: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, EXAMPLES / f"{name}.py"],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def api(name: str, **settings: str) -> Iterator[str]:
    """A protected API; the address of its one route."""
    port = free_port()
    with listening(name, f"http://127.0.0.1:{port}/things", PORT=str(port), **settings) as url:
        yield url


@contextmanager
def listening(name: str, url: str, **settings: str) -> Iterator[str]:
    """An example that answers at this address."""
    process = start(name, **settings)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                httpx2.get(url, trust_env=False)
                break
            except httpx2.ConnectError:
                assert process.poll() is None, "the example ended"
                assert time.monotonic() < deadline, "the example does not answer"
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=10)


def call(url: str, token: str) -> httpx2.Response:
    bearer = {"authorization": f"Bearer {token}"}
    return httpx2.get(url, headers=bearer, trust_env=False)


def test_every_example_is_run_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [p.stem for p in EXAMPLES.glob("*.py") if f'"{p.stem}"' not in text] == []


def test_protect_starlette(troth: Troth, app: OAuthClient, ada: Person) -> None:
    tokens = app.tokens(ada)
    with api("protect_starlette", ISSUER=troth.issuer, AUDIENCE=troth.issuer) as url:
        response = call(url, tokens["access_token"])
        assert response.json() == {"owner": ada.sub, "asked_by": app.client_id}
        for wrong in (tokens["refresh_token"], "nonsense"):
            assert call(url, wrong).status_code == 401
        app.revoke(tokens["refresh_token"])
        assert call(url, tokens["access_token"]).status_code == 200, "offline: until it expires"
        troth.cli("keys", "rotate", "--now")
        assert call(url, app.tokens(ada)["access_token"]).status_code == 200, "a new key"


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
def test_protect_fastapi(troth: Troth, ada: Person, kind: str) -> None:
    app = troth.client("--access-token", kind, name="Canary Example")
    asking = troth.client(
        *("--grant-type", "client_credentials", "--introspects", troth.issuer), name="Canary API"
    )
    tokens = app.tokens(ada)
    credentials = {"CLIENT_ID": asking.client_id, "CLIENT_SECRET": asking.secret}
    with api("protect_fastapi", ISSUER=troth.issuer, AUDIENCE=troth.issuer, **credentials) as url:
        assert call(url, tokens["access_token"]).json()["owner"] == ada.sub
        app.revoke(tokens["refresh_token"])
        assert call(url, tokens["access_token"]).status_code == 401, "revoked: at once"


def test_machine_client(troth: Troth) -> None:
    machine = troth.client("--grant-type", "client_credentials", name="Canary Machine")
    settings = {
        "ISSUER": troth.issuer,
        "CLIENT_ID": machine.client_id,
        "CLIENT_SECRET": machine.secret,
    }
    with api("protect_starlette", ISSUER=troth.issuer, AUDIENCE=troth.issuer) as url:
        printed, _ = start("machine_client", API=url, **settings).communicate(timeout=30)
        assert printed.startswith("200 "), printed
        assert machine.client_id in printed
        wrong = {**settings, "CLIENT_SECRET": "wrong"}
        refused, _ = start("machine_client", API=url, **wrong).communicate(timeout=30)
    assert "invalid_client" in refused


def test_native_app(troth: Troth, ada: Person) -> None:
    program = troth.client(
        "--auth-method", "none", name="Canary Program", redirect_uris=("http://127.0.0.1/callback",)
    )
    process = start("native_app", ISSUER=troth.issuer, CLIENT_ID=program.client_id)
    assert process.stdout is not None
    url = process.stdout.readline().partition("address: ")[2].strip()
    browser = Browser(troth)
    page = browser.sign_in(browser.follow(browser.get(url)), ada)
    landed = browser.follow(browser.submit(page, "consent", {"decision": "allow"}))
    httpx2.get(landed.headers["location"], trust_env=False)
    printed, _ = process.communicate(timeout=30)
    assert "granted: read_write" in printed
    assert "refreshed" in printed


def test_log_in_flask(troth: Troth) -> None:
    person, port = known(troth), free_port()
    site = f"http://localhost:{port}"
    wanted = {
        "redirect_uris": [f"{site}/callback"],
        "scope": "openid profile email",
        "post_logout_redirect_uris": [f"{site}/"],
    }
    app, browser = troth.client(metadata=wanted, name="Canary Site"), Browser(troth)
    settings = {
        "ISSUER": troth.issuer,
        "CLIENT_ID": app.client_id,
        "CLIENT_SECRET": app.secret,
        "PORT": str(port),
        "NO_PROXY": "127.0.0.1",
    }
    with (
        listening("log_in_flask", f"{site}/", **settings),
        httpx2.Client(base_url=site, trust_env=False, timeout=20) as visitor,
    ):
        assert "Log in with Troth" in visitor.get("/").text
        asked = visitor.get("/log-in").headers["location"]
        landed = come_back(troth, person, asked, browser=browser)
        assert visitor.get(landed).headers["location"] == "/"
        assert "Hello, Ada Lovelace." in visitor.get("/").text
        page = browser.get(visitor.post("/log-out").headers["location"])
        left = browser.submit(page, "end-session", {"decision": "confirm"})
        assert left.headers["location"].startswith(f"{site}/?state=")
        assert "Log in with Troth" in visitor.get("/").text
