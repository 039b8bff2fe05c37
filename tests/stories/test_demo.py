"""`troth dev`, walked through: a newcomer's first quarter of an hour, over real sockets."""

import json
import re
import subprocess
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.demo import Demo, Walker, listening
from tests.spec import spec
from troth.demo.visits import Visit, Visits


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("demo") / "folder").start()
    yield demo
    assert demo.stop() == 0


@pytest.fixture
def walker(demo: Demo) -> Walker:
    return Walker(demo)


def test_the_first_page_explains_and_offers_what_can_be_done_without_a_token(
    walker: Walker,
) -> None:
    assert walker.standing == "new"
    assert walker.enabled() == {"connect", "expired"}
    for number in range(1, 5):
        assert f"Step {number}" in walker.step(number)
        assert "Request" not in walker.step(number)


@spec("RFC 6749 §4.1")
def test_connecting_shows_each_of_the_four_steps_with_its_request_and_answer(
    demo: Demo, walker: Walker
) -> None:
    walker.connect()
    assert str(walker.page.url) == f"{demo.app}/"
    assert walker.standing == "connected"
    shown = {
        1: ("GET /oauth/authorize", "response_type code", "code_challenge", "303 See Other"),
        2: ("GET /callback", "code troth_ac_", f"iss {demo.issuer}", "state is the one of step 1"),
        3: ("POST /oauth/token", "grant_type authorization_code", '"expires_in": 3600'),
        4: ("GET /notes", "authorization: Bearer eyJ", "200 OK", '"owner": "'),
    }
    for number, words in shown.items():
        for word in words:
            assert word in walker.step(number), (number, word)
    assert walker.step(1).count("read_write calendar") == 1
    assert "Candles, ink, sealing wax" in walker.part(r'<div class="pad">.*?</div>')
    assert f'"aud": "{demo.api}"' in walker.step(3)


@spec("RFC 6749 §6", "RFC 7009 §2.1")
def test_what_was_connected_can_be_used_refreshed_and_revoked(walker: Walker) -> None:
    walker.connect()
    assert "200 OK" in walker.press("/call/notes").latest
    assert "Choir" in walker.press("/call/calendar").latest
    before = re.findall(r"troth_rt_\S+", walker.step(3))
    refreshed = walker.press("/refresh").latest
    assert "grant_type refresh_token" in refreshed
    assert "200 OK" in refreshed
    assert len(set(re.findall(r"troth_rt_\S+", refreshed)) | set(before)) == 2
    assert "200 OK" in walker.press("/call/notes").latest
    assert "200 OK" in walker.press("/revoke").latest
    assert walker.standing == "ended"
    refused = walker.press("/call/notes").latest
    assert "401 Unauthorized" in refused
    assert 'error="invalid_token"' in refused
    assert "invalid_grant" in walker.press("/refresh").latest
    assert walker.connect().standing == "connected"


@spec("RFC 6750 §3.1")
def test_a_token_that_has_expired_is_refused_though_it_was_good_a_moment_ago(
    walker: Walker,
) -> None:
    walker.press("/expired")
    assert "Use it again after it has expired 401 Unauthorized" in walker.latest
    assert 'error="invalid_token"' in walker.latest
    early = walker.part(r"<summary><span class=\"what\">Use it at once.*?</details>")
    assert "200 OK" in early
    token = re.compile(r"eyJ\S+")
    assert token.findall(early) == token.findall(walker.latest)
    assert "client_credentials" in walker.part(r"Get a token that lives for 2 seconds.*?</details>")


@spec("RFC 6749 §4.1.2.1")
def test_denying_gives_the_application_nothing_but_access_denied(walker: Walker) -> None:
    walker.withdraw().connect(decision="deny")
    assert walker.standing == "denied"
    assert "error access_denied" in walker.step(2)
    assert "Request" not in walker.step(3)
    assert walker.enabled() == {"connect", "expired", "reset"}


def test_an_optional_scope_that_was_unticked_is_missing_from_the_token(walker: Walker) -> None:
    walker.withdraw().connect(scope=None)
    assert '"scope": "read_write"' in walker.step(3)
    assert "not allowed" in walker.part(r'<ul class="grants">.*?</ul>')
    refused = walker.press("/call/calendar").latest
    assert "403 Forbidden" in refused
    assert 'error="insufficient_scope"' in refused
    assert 'scope="calendar"' in refused
    assert walker.standing == "connected"
    walker.withdraw()


def test_withdrawing_on_the_account_page_stops_the_very_next_call(walker: Walker) -> None:
    walker.connect()
    assert "200 OK" in walker.press("/call/notes").latest
    walker.withdraw()
    assert "401 Unauthorized" in walker.open(walker.demo.app).press("/call/notes").latest
    assert walker.standing == "ended"


def test_starting_over_forgets_everything_of_this_browser(walker: Walker) -> None:
    walker.connect().press("/call/notes").press("/reset")
    assert walker.standing == "new"
    assert walker.enabled() == {"connect", "expired"}
    assert "daybook" not in {cookie.name for cookie in walker.http.cookies.jar}


@spec("RFC 6749 §10.12", "RFC 9207 §2.4")
@pytest.mark.parametrize("forged", ["state", "iss", "repeated", "no browser", "nothing asked"])
def test_an_answer_that_this_browser_did_not_ask_for_is_not_used(
    walker: Walker, forged: str
) -> None:
    walker.connect()
    walker.http.follow_redirects = False
    walker.open(walker.demo.app).press("/connect")
    asked = parse_qs(urlsplit(walker.page.headers["location"]).query)
    state = asked["state"][0]
    answer = f"code=x&state={state}&iss={walker.demo.issuer}"
    url = {
        "state": f"code=x&state=other&iss={walker.demo.issuer}",
        "iss": f"code=x&state={state}&iss=http://127.0.0.1:1",
        "repeated": answer + "&code=y",
        "no browser": answer,
        "nothing asked": f"code=x&state=&iss={walker.demo.issuer}",
    }[forged]
    if forged in ("no browser", "nothing asked"):
        walker.http.cookies.clear()
    walker.open(f"{walker.demo.app}/callback?{url}")
    assert walker.page.status_code == 400
    assert "did not ask for this answer" in walker.page.text


def test_the_application_answers_to_its_own_name_and_its_own_forms_only(demo: Demo) -> None:
    with httpx2.Client(trust_env=False) as http:
        elsewhere = http.get(f"http://127.0.0.1:{demo.app_port}/callback?code=x")
        assert elsewhere.status_code == 303
        assert elsewhere.headers["location"] == f"{demo.app}/"
        foreign = {"origin": "http://localhost:1"}
        assert http.post(f"{demo.app}/connect", headers=foreign).status_code == 403
        assert http.post(f"{demo.app}/connect", headers={"origin": "null"}).status_code == 403


def test_pages_hold_no_whole_secret_and_can_run_nothing(demo: Demo, walker: Walker) -> None:
    walker.connect().press("/refresh").press("/expired")
    kept = json.loads((demo.folder / "demo.json").read_text())
    secrets = [demo.password, *(kept[name]["client_secret"] for name in kept if name != "password")]
    assert not [secret for secret in secrets if secret in walker.page.text]
    assert max(map(len, re.findall(r"[A-Za-z0-9_.-]+", walker.page.text))) < 80
    policy = walker.page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; form-action")
    assert "frame-ancestors 'none'" in policy
    assert walker.page.headers["cache-control"] == "no-store"
    assert not re.search(r"<script|<style| style=| on\w+=", walker.page.text)
    cookie = next(c for c in walker.http.cookies.jar if c.name == "daybook")
    assert len(cookie.value or "") < 50


def test_memory_of_the_application_is_bounded() -> None:
    visits, first = Visits(), Visit(standing="denied")
    first_id = visits.put(None, first)
    ids = [visits.put(None, Visit()) for _ in range(199)]
    visits.put(first_id, first)  # came again, so that somebody else has not come for longest
    visits.put(None, Visit())
    assert visits.get(first_id) is first
    assert visits.get(ids[0]) == Visit()
    assert visits.put("chosen by a stranger", Visit()) != "chosen by a stranger"
    assert len({visits.put(None, Visit()) for _ in range(3)}) == 3


@spec("RFC 6750 §3")
def test_the_api_lets_nobody_in_without_a_token_of_its_server(demo: Demo) -> None:
    assert demo.get("/").status_code == 200
    assert demo.get("/notes").headers["www-authenticate"] == 'Bearer realm="demo"'
    assert demo.get("/notes", "made-up").status_code == 401


def test_the_printed_lines_do_the_contract_by_hand(demo: Demo, walker: Walker) -> None:
    (address,) = demo.lines(f"{demo.issuer}/oauth/authorize?")
    walker.connect().open(address)
    if 'id="consent"' in walker.page.text:
        walker.press("consent", decision="allow")
    code = walker.part(r'<code id="code">.*?</code>').removeprefix("CODE=")
    exchange, call, refresh, revoke = demo.lines("curl ")

    def run(line: str, **given: str) -> dict[str, object]:
        shell = ["bash", "-euc", line + ' -w "\\n%{http_code}"']
        done = subprocess.run(shell, env=given, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        body, status = done.stdout.rsplit("\n", 1)
        return {**json.loads(body), "status": int(status)}

    tokens = run(exchange, CODE=code)
    assert {"access_token", "refresh_token", "token_type", "expires_in", "scope"} < set(tokens)
    used = run(call, ACCESS_TOKEN=str(tokens["access_token"]))
    payload = str(tokens["access_token"]).split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (used["status"], used["owner"]) == (200, claims["sub"])
    renewed = run(refresh, REFRESH_TOKEN=str(tokens["refresh_token"]))
    assert renewed["status"] == 200
    assert run(revoke, REFRESH_TOKEN=str(renewed["refresh_token"]))["status"] == 200
    assert run(call, ACCESS_TOKEN=str(renewed["access_token"]))["status"] == 401


@pytest.mark.parametrize("harmful", ["$(id)", "x;id", "x y", ""])
def test_only_what_can_be_a_code_is_offered_for_a_terminal(demo: Demo, harmful: str) -> None:
    page = httpx2.get(f"{demo.app}/by-hand", params={"code": harmful}, trust_env=False)
    assert page.status_code == 200
    assert "CODE=" not in page.text


def test_nothing_of_it_listens_beyond_this_machine(demo: Demo) -> None:
    loopback = {"0100007F", "0" * 24 + "01000000"}
    for port in (demo.port, demo.app_port, demo.api_port):
        assert listening(port)
        assert listening(port) <= loopback
