"""What ties a form to one browser: cookies, form tokens, and where a POST came from."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace

from troth.browser.origin import check_same_origin, forged, without_cookie
from troth.cookies import cookie, cookie_name, open_cookie, read_cookie
from troth.http import Form, Headers, Request, parse_form, retry_after
from troth.model.change import Change, Put
from troth.model.person import Person, Session
from troth.op import Op
from troth.signing import seal
from troth.signing.compact import b64, unb64
from troth.value import frozen

BROWSER = "troth-browser"
SESSION = "troth-session"
DEVICE = "troth-device"
STATE = "troth-state"

# Accounts that may be signed in beside each other in one browser.
MOST_ACCOUNTS = 5

_FORM_LIFETIME = 12 * 3600
_TOUCH_AFTER = 60
_YEAR = 365 * 86400


@frozen
class FormToken:
    """Proof that a form was rendered here, for this browser and this login session.

    `shown` marks what the page said, where the answer must be to that and to nothing else.
    """

    browser: bytes
    session_id: str
    issued_at: int
    shown: bytes = b""


@frozen
class Device:
    """A browser that a person logged in from before: it has an own budget of wrong guesses.

    With the password of before, `epoch` says, it was perhaps somebody else.
    """

    device_id: str
    sub: str
    epoch: int


def browser_id(request: Request, op: Op) -> bytes | None:
    """The random id that all tabs of this browser share, or None before the first page."""
    text = read_cookie(request, BROWSER, secure=op.settings.secure)
    try:
        raw = unb64(text or "")
    except ValueError:
        return None
    return raw if len(raw) == 32 else None


def recognised(request: Request, op: Op) -> tuple[bytes, Headers]:
    """The id of this browser; on its first visit a new one, with the cookie that keeps it.

    It outlives the browser's end: of tabs that open at once, each would bring an id of its own.
    """
    known = browser_id(request, op)
    if known is not None:
        return known, ()
    raw = secrets.token_bytes(32)
    value = b64(raw).decode()
    return raw, cookie(BROWSER, value, secure=op.settings.secure, max_age=_YEAR)


def known_device(request: Request, op: Op, person: Person | None) -> str | None:
    text = read_cookie(request, DEVICE, secure=op.settings.secure)
    device = op.ring.sealer.open(seal.DEVICE, text, Device) if text else None
    if device is None or person is None or (device.sub, device.epoch) != (person.sub, person.epoch):
        return None
    return device.device_id


def device_cookie(op: Op, person: Person) -> Headers:
    device = Device(device_id=secrets.token_hex(16), sub=person.sub, epoch=person.epoch)
    value = op.ring.sealer.seal(seal.DEVICE, device)
    return cookie(DEVICE, value, secure=op.settings.secure, max_age=_YEAR)


@frozen
class Account:
    """A login session of this browser, its person, and the secret that the cookie holds for it."""

    secret: str
    session: Session
    person: Person


async def signed_in(request: Request, op: Op) -> tuple[Session, Person] | None:
    """The login session in use in this browser and its person, if both still stand.

    Idle and absolute life are checked here, on the server; use moves only the idle end. When it
    has ended, nobody else's takes its place unasked.
    """
    secrets = _secrets(request, op)
    found = await _standing(op, secrets[0]) if secrets else None
    return (await _touched(op, found.session), found.person) if found is not None else None


async def accounts(request: Request, op: Op) -> tuple[Account, ...]:
    """Every login session of this browser that stands; the one in use is the first."""
    found = [await _standing(op, secret) for secret in _secrets(request, op)]
    return tuple(account for account in found if account is not None)


async def held(request: Request, op: Op) -> tuple[Account, ...]:
    """Every login session of this browser that was not ended, also where it was idle for too long.

    Nobody is signed in by such a one, but applications may still be: what was begun with it ends
    when it is ended.
    """
    found = [await _kept(op, secret) for secret in _secrets(request, op)]
    return tuple(account for account in found if account is not None)


def _secrets(request: Request, op: Op) -> list[str]:
    text = read_cookie(request, SESSION, secure=op.settings.secure)
    if not text or len(text) > 64 * MOST_ACCOUNTS:
        return []
    return list(dict.fromkeys(secret for secret in text.split(".") if secret))[:MOST_ACCOUNTS]


async def _standing(op: Op, secret: str) -> Account | None:
    kept = await _kept(op, secret)
    if kept is None:
        return None
    session = kept.session
    ends = min(session.expires_at, session.last_seen_at + op.settings.session_idle)
    return kept if op.now < ends else None


async def _kept(op: Op, secret: str) -> Account | None:
    found = await op.store.session(hashlib.sha256(secret.encode()).hexdigest())
    if found is None:
        return None
    return Account(secret=secret, session=found[0], person=found[1])


async def _touched(op: Op, session: Session) -> Session:
    if op.now < session.last_seen_at + _TOUCH_AFTER:
        return session
    touched = replace(session, last_seen_at=op.now)
    await op.store.commit(Change(verbs=(Put(noun=touched),)))
    return touched


def session_cookie(op: Op, secrets: Sequence[str]) -> Headers:
    """The secrets of the accounts of this browser; the one in use is the first."""
    return cookie(SESSION, ".".join(secrets[:MOST_ACCOUNTS]), secure=op.settings.secure)


def browser_state(session: Session | None) -> str:
    """What tells a script that somebody else is signed in now, and nothing more (§3.2)."""
    named = session.session_id if session is not None else ""
    return b64(hashlib.sha256(f"state\n{named}".encode()).digest()[:16]).decode()


def state_cookie(request: Request, op: Op, session: Session | None) -> Headers:
    """The cookie with the browser's state, where the browser does not have it so."""
    state = browser_state(session)
    if read_cookie(request, STATE, secure=op.settings.secure) == state:
        return ()
    return open_cookie(STATE, state, secure=op.settings.secure)


def moved_state(request: Request, op: Op, session: Session | None) -> Headers:
    """The browser's new state, where applications ask for it at all: a cookie that is there."""
    if read_cookie(request, STATE, secure=op.settings.secure) is None:
        return ()
    return state_cookie(request, op, session)


def clear_session(request: Request, op: Op) -> Headers:
    """Take back the session cookie of a browser that is not logged in, if it sent one."""
    name = cookie_name(SESSION, secure=op.settings.secure)
    if not any(name in header for header in request.header_values(b"cookie")):
        return ()
    return cookie(SESSION, "", secure=op.settings.secure, max_age=0)


def form_token(op: Op, browser: bytes, session_id: str = "", shown: bytes = b"") -> str:
    token = FormToken(browser=browser, session_id=session_id, issued_at=op.now, shown=shown)
    return op.ring.sealer.seal(seal.FORM, token)


def shown(op: Op, form: Form) -> bytes:
    """What the page of this form showed, as it was marked when it was rendered."""
    token = op.ring.sealer.open(seal.FORM, form.get("form_token", ""), FormToken)
    return token.shown if token is not None else b""


def read_form(request: Request, op: Op, session_id: str = "", list_name: str = "resource") -> Form:
    """The form of a POST, if it was rendered for this browser and session; else 403."""
    check_same_origin(request, op)
    form = parse_form(request, list_name)
    token = op.ring.sealer.open(seal.FORM, form.get("form_token", ""), FormToken)
    browser = browser_id(request, op)
    if browser is None:
        raise without_cookie(status=403)
    if token is None or not hmac.compare_digest(token.browser, browser):
        raise forged("the form token is missing or of another browser")
    if not hmac.compare_digest(token.session_id, session_id):
        raise forged("the form token is of another login session")
    if op.now >= token.issued_at + _FORM_LIFETIME:
        raise forged("the form token has expired")
    return form


def too_many(until: int, now: int) -> tuple[str, Headers]:
    """What somebody is told who tried too often, and the header that says it to a program."""
    wait = max(1, until - now)
    return f"Too many attempts. Wait {wait} seconds, then try again.", retry_after(wait)
