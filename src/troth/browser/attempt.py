"""One attempt to log in with a name and a password."""

from troth import metrics
from troth.accounts import throttle
from troth.accounts.names import login_key
from troth.browser import forms
from troth.http import Request
from troth.model.change import AuditEvent, Limited
from troth.model.person import Person
from troth.op import Op
from troth.value import frozen_positional


@frozen_positional
class Tried:
    """What came of a name and a password: the person, if they belong together.

    `account` is the budget that paid for it; before `until` (Unix seconds) it pays for no other.
    """

    person: Person | None
    account: str
    until: int = 0


async def attempt(request: Request, op: Op, typed: str, password: str) -> Tried:
    """Counted before it is hashed; what fails is audited. For who has a place in the queue."""
    key = login_key(typed)
    person = await op.store.person_by_login(key) if key else None
    sub = person.sub if person else None
    account = throttle.account_key(sub, key, forms.known_device(request, op, person))
    reserved = await op.store.commit(throttle.reserve(account, request.peer, op.now))
    if isinstance(reserved, Limited):
        metrics.LOGINS.labels("limited").inc()
        _audit(request, op, person, "limited")
        return Tried(None, account, reserved.until)
    right = await op.passwords.verify(person.password_hash if person else None, password)
    if person is None or person.disabled or not right:
        metrics.LOGINS.labels("wrong").inc()
        _audit(request, op, person, "wrong")
        return Tried(None, account)
    return Tried(person, account)


def _audit(request: Request, op: Op, person: Person | None, outcome: str) -> None:
    event = AuditEvent(event="login", outcome=outcome, sub=person.sub if person else "")
    op.store.note(event, request_id=request.request_id)
