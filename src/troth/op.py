"""What an endpoint may use: the store, the keys, the pages, the clock. One value, made at start."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from troth import log, metrics
from troth.accounts.passwords import Passwords
from troth.browser.pages.render import Pages
from troth.claims_hook import ClaimsHook
from troth.client_auth import Presented, authenticate
from troth.client_auth.limit import FailureLimit
from troth.client_keys import ClientKeys
from troth.documents import Documents
from troth.envelope import Envelope
from troth.errors import OAuthError, PageError
from troth.fetch import Fetcher
from troth.http import Form, Request
from troth.log import Secret
from troth.model.authorization import ChainState
from troth.model.client import Client, RegisteredClient
from troth.model.env import Env
from troth.model.person import Scope
from troth.model.request import Wishes
from troth.model.token import AccessToken, Code, RefreshToken, Tokens
from troth.request_uris import RequestURIs
from troth.rules.authentication import Hint
from troth.rules.claims import ClaimMap
from troth.settings import Settings
from troth.signing import ring as rings
from troth.signing import seal
from troth.signing.id_token import id_token_text
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
    # What delays and limits of this process go by: nobody sets it.
    elapsed: Callable[[], float] = time.monotonic
    failures: FailureLimit = field(default_factory=FailureLimit)
    documents: Documents = field(default_factory=Documents)
    claim_map: ClaimMap = field(default_factory=ClaimMap)
    claims_hook: ClaimsHook = field(init=False)
    client_keys: ClientKeys = field(init=False)
    request_uris: RequestURIs = field(init=False)
    _ring: rings.Ring | None = None
    _ring_keys: object = None

    def __post_init__(self) -> None:
        self.claims_hook = ClaimsHook(self.settings)
        self.client_keys = ClientKeys(self.fetcher, self._time)
        self.request_uris = RequestURIs(self.fetcher, self._time)

    def _time(self) -> float:
        return self.clock()  # the clock of this moment: tests set it

    async def close(self) -> None:
        """Let go of what the process holds."""
        self.client_keys.close()
        self.request_uris.close()
        self.passwords.close()
        await self.store.close()

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
            id_token_lifetime=settings.id_token_lifetime,
            pairwise_key=self.ring.pairwise_key,
        )

    # What grants read (grants.granted.Reads)

    @property
    def scopes(self) -> Mapping[str, Scope]:
        return self.store.scopes

    async def open_code(self, text: str) -> Code | None:
        if not text.startswith(seal.LONG_CODE):
            return self.ring.sealer.open(seal.CODE, text, Code)
        code_id = self.ring.sealer.open(seal.LONG_CODE, text, bytes)
        kept = await self.store.stored_code(code_id) if code_id is not None else None
        return None if kept is None else self.ring.sealer.open(seal.KEPT_CODE, kept, Code)

    def open_refresh_token(self, text: str) -> RefreshToken | None:
        return self.ring.sealer.open(seal.REFRESH_TOKEN, text, RefreshToken)

    async def chain(self, chain_id: bytes) -> ChainState | None:
        return await self.store.chain(chain_id)

    async def claims(self, client_id: str, sub: str, wishes: Wishes) -> Mapping[str, object]:
        """What the client may still be told in an ID token; nothing of somebody who is gone."""
        client, person = await self.store.client(client_id), await self.store.person(sub)
        if client is None or person is None:
            return {}
        return self.claim_map.by_name(person, self.claim_map.agreed(wishes, client.scope).id_token)

    # What endpoints share

    def id_token_hint(self, text: str) -> Hint | None:
        """Whom an ID token of ours names, which may have expired; None for everything else."""
        own = self.ring.open_own_jwt(text)
        if own is None or own.typ not in (None, "JWT") or "exp" not in own.claims:
            return None
        audience = own.claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        return Hint(sub=str(own.claims.get("sub")), aud=tuple(map(str, named)))

    async def authenticate(self, request: Request, form: Form) -> Client:
        """The proven client of a request; wrong guesses are limited by client and network."""
        authorization = request.header_values(b"authorization")
        key = self.failures.key(authorization, form, request.peer)
        self.failures.check(key, self.elapsed())
        presented = Presented(authorization=authorization, form=form, now=self.now)
        try:
            return await authenticate(presented, self.store)
        except OAuthError as error:
            if error.error == "invalid_client":
                self.failures.add(key, self.elapsed())
            raise

    def access_token_text(self, token: AccessToken, client: RegisteredClient) -> str:
        """The token as its client registered to have it."""
        if client.access_token_format == "opaque":
            return self.ring.sealer.seal(seal.ACCESS_TOKEN, token)
        return self.ring.sign_access_token(token, client.access_token_alg, self.now)

    def token_body(
        self, tokens: Tokens, client: RegisteredClient, envelope: Envelope | None
    ) -> dict[str, object]:
        """RFC 6749 §5.1: the successful answer; with `id_token` as OIDC Core §3.1.3.3 adds it."""
        access = tokens.access_token
        text = self.access_token_text(access, client)
        body: dict[str, object] = {
            "access_token": text,
            "token_type": "Bearer",
            "expires_in": access.expires_at - access.issued_at,
        }
        if tokens.refresh_token is not None:
            body["refresh_token"] = self.ring.sealer.seal(seal.REFRESH_TOKEN, tokens.refresh_token)
        if tokens.id_token is not None:
            id_token = id_token_text(self.ring, tokens.id_token, client, text, self.now)
            body["id_token"] = envelope.closed(id_token, "JWT") if envelope else id_token
        body["scope"] = " ".join(access.scope)
        return body

    async def refused(self, request: Request, error: OAuthError | PageError) -> None:
        """Make a refusal's change true, and leave its exact reason in the log and the trace."""
        if isinstance(error, OAuthError) and (error.change.verbs or error.change.audit):
            await self.store.commit(error.change, request_id=request.request_id)
        self.noted(request.path, request.request_id, error)

    def noted(self, path: str, request_id: str, error: OAuthError | PageError) -> None:
        """Leave the exact reason of a refusal at a known `path` in the log and the trace."""
        # A metric label: the path below the issuer's, which only known routes reach.
        metrics.REFUSALS.labels(path.removeprefix(self.settings.base)[:60], error.error).inc()
        trace = Trace(
            request_id=request_id,
            at=self.now,
            endpoint=path[:200],
            error=error.error,
            reason=error.reason[:500],
        )
        log.logger().info(
            "request.refused",
            request_id=request_id,
            endpoint=trace.endpoint,
            error=error.error,
            reason=trace.reason,
        )
        self.store.note(trace)
