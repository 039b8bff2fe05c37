"""`troth dev`: somebody logs in to the demo application, stays, and leaves."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.demo import USERNAME, Demo, Walker
from tests.spec import spec


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("login")).start()
    yield demo
    assert demo.stop() == 0


@pytest.fixture
def walker(demo: Demo) -> Walker:
    return Walker(demo)


def said(walker: Walker, claim: str) -> str:
    """What the page shows of a claim."""
    return walker.part(rf"<dt><code>{claim}</code></dt>\s*<dd><code>.*?</code>")


@spec("OIDC Core §3.1", "OIDC Core §5.3", "OIDC Discovery §4")
def test_logging_in_shows_who_is_there_and_how_daybook_came_to_know(walker: Walker) -> None:
    assert "Log in with Troth" in walker.page.text
    walker.log_in()
    assert walker.standing == "known"
    assert walker.part(r"<h1>.*?</h1>") == "Hello, Ada Lovelace."
    assert "ada@people.example verified" in walker.part(r'class="card".*?</section>')
    assert walker.demo.issuer in said(walker, "iss")
    assert "pwd" in said(walker, "amr")
    shown = {
        1: "GET /.well-known/openid-configuration",
        2: "GET /oauth/authorize",
        3: "GET /you/callback",
        4: "POST /oauth/token",
        5: "GET /oauth/userinfo",
    }
    for number, words in shown.items():
        assert words in walker.step(number)
    assert "scope openid profile email" in walker.step(2)
    assert "nonce" in walker.step(2)
    assert not re.search(r"eyJ[\w-]{20}", walker.page.text), "a whole token is on the page"
    walker.open(walker.demo.app)
    assert "Ada Lovelace" in walker.part(r"<header.*?</header>")
    assert walker.connect().standing == "connected"
    assert "Ada Lovelace" in walker.part(r"<header.*?</header>"), "connecting forgets nobody"


@spec("OIDC Core §3.1.2.1")
def test_daybook_asks_again_without_asking_the_person(walker: Walker) -> None:
    before = said(walker.log_in(), "auth_time")
    walker.press("/you/still")
    assert walker.part(r"<h1>.*?</h1>") == "Still you, Ada."
    assert said(walker, "auth_time") == before
    assert "prompt none" in walker.step(2)
    walker.press("/you/password")
    assert 'id="login"' in walker.page.text
    walker.press("login", username=USERNAME, password=walker.demo.password)
    assert walker.part(r"<h1>.*?</h1>") == "Hello, Ada Lovelace."


@spec("OIDC Core §3.1.2.6")
def test_whoever_left_troth_is_nobody_at_the_next_question(walker: Walker) -> None:
    walker.log_in()
    walker.http.cookies.clear(domain="127.0.0.1")
    walker.press("/you/still")
    assert walker.standing == "gone"
    assert "login_required" in walker.step(3)
    assert "Ada" not in walker.page.text
    assert walker.enabled() == {"log-in"}


def test_a_person_may_keep_their_name_to_themselves_or_say_no(walker: Walker) -> None:
    walker.withdraw()
    walker.log_in(scope="email")
    assert walker.part(r"<h1>.*?</h1>") == "Hello, ada@people.example."
    walker.open(f"{walker.demo.app}/you").press("/you/forget").withdraw()
    assert walker.log_in(decision="deny").standing == "denied"
    assert "access_denied" in walker.step(3)


def test_logging_out_of_daybook_alone_is_forgotten_by_daybook_alone(walker: Walker) -> None:
    walker.withdraw().log_in().press("/you/forget")
    assert walker.standing == "new"
    walker.press("/you/log-in")
    assert walker.standing == "known", "Troth asks nothing: it still knows who is there"


@spec("OIDC RP-Initiated Logout §2", "OIDC RP-Initiated Logout §3")
def test_signing_out_everywhere_is_forgotten_by_daybook_and_by_troth(walker: Walker) -> None:
    walker.log_in().press("/you/sign-out")
    assert "Daybook asks to sign you out" in walker.part(r'<p class="lead">.*?</p>')
    walker.press("end-session", decision="confirm")
    assert walker.standing == "left"
    assert "post_logout_redirect_uri" in walker.step(1)
    assert walker.enabled() == {"log-in"}
    walker.press("/you/log-in")
    assert 'id="login"' in walker.page.text


@spec("OIDC RP-Initiated Logout §3")
def test_whoever_stays_at_troth_has_left_daybook_all_the_same(walker: Walker) -> None:
    walker.log_in().press("/you/sign-out").press("end-session", decision="stay")
    assert walker.open(f"{walker.demo.app}/you").standing == "leaving"
    walker.open(f"{walker.demo.app}/you/goodbye?state=made-up")
    assert walker.standing == "leaving", "nobody else says where the person is"
    assert walker.press("/you/log-in").standing == "known"


@spec("RFC 6749 §10.12", "RFC 9207 §2.4")
@pytest.mark.parametrize("forged", ["state", "iss"])
def test_an_answer_that_this_browser_did_not_ask_for_logs_nobody_in(
    walker: Walker, forged: str
) -> None:
    walker.http.follow_redirects = False
    walker.open(f"{walker.demo.app}/you").press("/you/log-in")
    asked = parse_qs(urlsplit(walker.page.headers["location"]).query)
    answer = {"code": "x", "state": asked["state"][0], "iss": walker.demo.issuer, forged: "other"}
    walker.page = walker.http.get(f"{walker.demo.app}/you/callback", params=answer)
    assert walker.page.status_code == 400
    assert "did not ask for this answer" in walker.page.text
