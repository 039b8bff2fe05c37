"""Telling clients that a login session has ended (OIDC Back-Channel Logout §2.5).

What is to be told was written together with the end of the session; here it is taken, sent and
settled, beside the requests: nobody waits for it. A process that ends in the middle loses nothing,
since what it took is due again for everybody after a while. So a client may be told twice.
"""

import asyncio
import contextlib
from urllib.parse import urlencode

from troth import log, metrics
from troth.envelope import envelope
from troth.errors import OAuthError
from troth.fetch import FetchFailed
from troth.model.client import RegisteredClient
from troth.model.delivery import Delivery
from troth.op import Op
from troth.rules.logout import TOKEN_TYPE, retry_delay, token_claims
from troth.signing.id_token import DEFAULT_ALG
from troth.store import StoreUnavailable

# How often is looked for what another process left behind (seconds).
_EVERY = 5.0
# What was taken belongs to this process for so long: more than sending and settling may last.
_TAKEN_FOR = 30
_AT_ONCE = 20
# A client that did not answer is left alone for so long: what else it should be told is put off
# like that, and takes no place from those that answer.
_REST = 5
_SOON = 2.0

_FORM = "application/x-www-form-urlencoded"
# Answers that say "later"; every other 4xx is the client's last word.
_LATER = (408, 425, 429)


class Deliveries:
    """The deliveries that one process makes; `run` until cancelled."""

    def __init__(self, op: Op) -> None:
        self._op = op
        self._store = op.store
        self._under_way: set[asyncio.Task[None]] = set()
        self._resting: dict[str, float] = {}

    async def run(self) -> None:
        try:
            while True:
                await self._wait(await self._begin())
        finally:
            await self._finish()

    async def _wait(self, seconds: float) -> None:
        """Until there may be more to do: at once after a commit of this process."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._store.outbox.posted.wait()

    async def _begin(self) -> float:
        """Begin what is due; for how long there is nothing more to do (seconds)."""
        outbox = self._store.outbox
        outbox.posted.clear()
        try:
            due_at, now = await outbox.next_due(), self._op.now
            if due_at is None or due_at > now:
                return _EVERY if due_at is None else min(_EVERY, due_at - now)
            room = _AT_ONCE - len(self._under_way)
            if room == 0:
                return _EVERY
            await self._store.fresh()
            taken = await outbox.take(now, now + _TAKEN_FOR, room)
        except StoreUnavailable as error:
            log.logger().warning("logout.delayed", reason=str(error)[:200])
            return _EVERY
        except Exception as error:  # whatever it was, the next ones are made all the same
            log.logger().error("logout.failed", kind=type(error).__name__)
            return _EVERY
        for delivery in taken:
            task = asyncio.create_task(self._deliver(delivery))
            self._under_way.add(task)
            task.add_done_callback(self._done)
        return 0 if taken else _EVERY

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.logger().error("logout.failed", kind=type(error).__name__)
        self._store.outbox.posted.set()

    async def _finish(self) -> None:
        """Give what is under way a moment; the rest is somebody else's after its time."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=_SOON)
            for task in late:
                task.cancel()

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._settle(delivery, await self._told(delivery))
        except StoreUnavailable as error:
            log.logger().warning("logout.delayed", reason=str(error)[:200])

    async def _told(self, delivery: Delivery) -> str:
        """How it ended: `delivered`, `refused`, `failed`, or `dropped`."""
        client = await self._store.client(delivery.client_id)
        if client is None or client.disabled or not client.openid.logout.backchannel_logout_uri:
            return "dropped"
        if self._op.elapsed() < self._resting.get(client.client_id, 0):
            return "failed"
        outcome = await self._sent(delivery, client)
        if outcome == "failed":
            self._resting[client.client_id] = self._op.elapsed() + _REST
        else:
            self._resting.pop(client.client_id, None)
        return outcome

    async def _sent(self, delivery: Delivery, client: RegisteredClient) -> str:
        uri = client.openid.logout.backchannel_logout_uri or ""
        try:
            body = urlencode({"logout_token": await self._token(delivery, client)}).encode()
            answered = await self._op.fetcher.post(uri, body, content_type=_FORM)
        except (FetchFailed, OAuthError):  # it cannot be reached, or its keys cannot
            return "failed"
        if answered.status < 300:
            return "delivered"
        if answered.status < 500 and answered.status not in _LATER:
            return "refused"
        return "failed"

    async def _token(self, delivery: Delivery, client: RegisteredClient) -> str:
        """Signed, and encrypted, as the client has its ID tokens (§2.4)."""
        op, encoding = self._op, client.openid.id_token
        closing = await envelope(op.client_keys, client, encoding)
        claims = token_claims(delivery, client, op.env())
        token = op.ring.sign_jwt(claims, encoding.signing or DEFAULT_ALG, TOKEN_TYPE, op.now)
        return token if closing is None else closing.closed(token, "JWT")

    async def _settle(self, delivery: Delivery, outcome: str) -> None:
        due_at = self._op.now + retry_delay(delivery.attempts)
        if outcome == "failed" and due_at < delivery.expires_at:
            await self._store.outbox.put_off(delivery, due_at)
        else:
            await self._store.outbox.forget(delivery)
            outcome = "given_up" if outcome == "failed" else outcome
        metrics.LOGOUTS_TOLD.labels(outcome).inc()
        note = log.logger().info if outcome == "delivered" else log.logger().warning
        note(f"logout.{outcome}", client_id=delivery.client_id, attempts=delivery.attempts)
