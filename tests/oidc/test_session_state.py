"""What an application keeps to ask whether somebody is still signed in."""

import re

from tests.spec import spec
from troth.rules.session_state import session_state


@spec("OIDC Session Management §2")
def test_the_session_state_is_a_salted_hash_and_its_salt() -> None:
    state = session_state("client", "https://app.example", "b-state", "s4lt")
    assert state == "A2dMMT7bKQLq5I4dP5copuIF25YCR2a3Sj4ysrcRbTY.s4lt"


@spec("OIDC Session Management §2")
def test_the_session_state_depends_on_everything_and_has_no_space() -> None:
    parts = {
        "client_id": "a client",
        "origin": "https://app.example",
        "browser_state": "b-state",
        "salt": "s4lt",
    }
    states = {session_state(**parts)}
    states |= {session_state(**{**parts, name: "other"}) for name in parts}
    assert len(states) == 1 + len(parts)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}\.[a-z0-9]+", state) for state in states)
