"""What an endpoint may use: the store, the keys, the pages, the clock. One value, made at start."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from troth import log, metrics
from troth.accounts.passwords import Passwords
from troth.browser.pages.render import Pages
from troth.client_auth import Presented, authenticate
from troth.client_auth.limit import FailureLimit
from troth.documents import Documents
from troth.errors import OAuthError, PageError
from troth.fetch import Fetcher
from troth.http import Form, Request
from troth.log import Secret
from troth.model.authorization import ChainState
from troth.model.client import Client
from troth.model.env import Env
from troth.model.person import Scope
from troth.model.token import AccessToken, Code, RefreshToken, Tokens
from troth.settings import Settings
from troth.signing import ring as rings
from troth.signing import seal
from troth.store import Store, Trace


@dataclass(slots=True, kw_only=True)
class Op:
    """Everything a request needs; each endpoint is a function of a request and this."""

    settings: Settings
    store: Store
    master: Secret
    pages: Pages
    passwords: Passwords
    fetcher: Fetcher
    clock: Callable[[], float] = time.time
    failures: FailureLimit = field(default_factory=FailureLimit)
    documents: Documents = field(default_factory=Documents)
    _ring: rings.Ring | None = None
    _ring_keys: object = None

    @property
    def now(self) -> int:
        return int(self.clock())

    @property
    def ring(self) -> rings.Ring:
        """The keys as they stand; built anew when another process has changed them."""
        keys = self.store.keys
        if self._ring is None or self._ring_keys is not keys:
            self._ring = rings.build(keys, self.master, self.settings.issuer)
            self._ring_keys = keys
        return self._ring

    def env(self) -> Env:
        """Time and randomness for one decision, as values."""
        settings = self.settings
        return Env(
            now=self.now,
            fresh=os.urandom(32),
            issuer=settings.issuer,
            default_audience=settings.audience,
            code_lifetime=settings.code_lifetime,
            refresh_lifetime=settings.refresh_lifetime,
            refresh_idle=settings.refresh_idle,
            retry_window=settings.refresh_retry_window,
        )

    # What grants read (grants.granted.Reads)

    @property
    def scopes(self) -> Mapping[str, Scope]:
        return self.store.scopes

    def open_code(self, text: str) -> Code | None:
        return self.ring.sealer.open(seal.CODE, text, Code)

    def open_refresh_token(self, text: str) -> RefreshToken | None:
        return self.ring.sealer.open(seal.REFRESH_TOKEN, text, RefreshToken)

    async def chain(self, chain_id: bytes) -> ChainState | None:
        return await self.store.chain(chain_id)

    # What endpoints share

    async def authenticate(self, request: Request, form: Form) -> Client:
        """The proven client of a request; wrong guesses are limited by client and network."""
        authorization = request.header_values(b"authorization")
        key = self.failures.key(authorization, form, request.peer)
        self.failures.check(key, self.clock())
        presented = Presented(authorization=authorization, form=form, now=self.now)
        try:
            return await authenticate(presented, self.store)
        except OAuthError as error:
            if error.error == "invalid_client":
                self.failures.add(key, self.clock())
            raise

    def access_token_text(self, token: AccessToken, *, opaque: bool) -> str:
        if opaque:
            return self.ring.sealer.seal(seal.ACCESS_TOKEN, token)
        return self.ring.sign_access_token(token, self.now)

    def token_body(self, tokens: Tokens, *, opaque: bool) -> dict[str, object]:
        """RFC 6749 §5.1: the successful answer."""
        access = tokens.access_token
        body: dict[str, object] = {
            "access_token": self.access_token_text(access, opaque=opaque),
            "token_type": "Bearer",
            "expires_in": access.expires_at - access.issued_at,
        }
        if tokens.refresh_token is not None:
            body["refresh_token"] = self.ring.sealer.seal(seal.REFRESH_TOKEN, tokens.refresh_token)
        body["scope"] = " ".join(access.scope)
        return body

    async def refused(self, request: Request, error: OAuthError | PageError) -> None:
        """Make a refusal's change true, and leave its exact reason in the log and the trace."""
        if isinstance(error, OAuthError) and (error.change.verbs or error.change.audit):
            await self.store.commit(error.change, request_id=request.request_id)
        metrics.REFUSALS.labels(_endpoint(self.settings, request), error.error).inc()
        log.logger().info(
            "request.refused",
            request_id=request.request_id,
            endpoint=request.path[:200],
            error=error.error,
            reason=error.reason[:500],
        )
        trace = Trace(
            request_id=request.request_id,
            at=self.now,
            endpoint=request.path[:200],
            error=error.error,
            reason=error.reason[:500],
        )
        self.store.note(trace)


def _endpoint(settings: Settings, request: Request) -> str:
    """A metric label: the path below the issuer's, which only known routes reach."""
    return request.path.removeprefix(settings.base)[:60]
