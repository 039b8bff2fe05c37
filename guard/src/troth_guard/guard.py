"""The guard of an API: whose tokens it takes, and for which requests (RFC 6750, 7662, 9068)."""

import logging
import math
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from troth_guard.bearer import Challenges, check_scopes
from troth_guard.fetch import Fetch
from troth_guard.introspection import Answers, basic_credentials, judge, read_answer
from troth_guard.issuer import Endpoints, check_issuer, metadata_url, read_metadata
from troth_guard.jwt import Unverified, accept, is_jwt, parse
from troth_guard.kept import Copy, Kept
from troth_guard.keys import KeySet, PublicKey, read_keys
from troth_guard.values import AccessToken, Expected, Invalid, Options, Refused, Unreachable

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from troth_guard.starlette import Dependency, Endpoint, Route

logger = logging.getLogger("troth_guard")


class Guard:
    """Lets requests through that carry a token of one issuer, for one API.

    Parameters:
        issuer: exactly as the issuer's metadata and tokens spell it (RFC 8414 §2).
        audience: the name of this API in `aud`.
        online: ask the issuer about every token, so that a revoked one stops at once; otherwise
            JWTs are verified here, by the issuer's published keys, until they expire.
        client_id, client_secret: the credentials of this API at the issuer's introspection
            endpoint; without them opaque tokens are refused.
        options: what rarely needs a change.

    Raises ValueError for a configuration that would let through too much.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        online: bool = False,
        client_id: str | None = None,
        client_secret: str | None = None,
        options: Options | None = None,
    ) -> None:
        if not issuer or not audience or not isinstance(audience, str):
            raise ValueError("issuer and audience must be given: without them any token would do")
        if bool(client_id) != bool(client_secret):
            raise ValueError("client_id and client_secret belong together")
        if online and not client_id:
            raise ValueError("online needs client_id and client_secret")
        self._options = options = options or Options()
        self._challenges = Challenges(
            realm=options.realm, resource_metadata=options.resource_metadata
        )
        self._expected = Expected(
            issuer=check_issuer(issuer), audience=audience, leeway=options.leeway
        )
        self._online = online
        self._credentials = (
            basic_credentials(client_id, client_secret) if client_id and client_secret else None
        )
        self._fetch = Fetch(timeout=options.timeout, ssl_context=options.ssl_context)
        self._metadata = Kept("metadata", self._load_metadata, options)
        self._keys = Kept("keys", self._load_keys, options)
        self._answers = Answers(options.cache_seconds)

    async def check(
        self, authorization: Sequence[str], scopes: Collection[str] = (), *, query: bytes = b""
    ) -> AccessToken:
        """The token of a request, if it is good and was granted all the scopes.

        Parameters:
            authorization: the value of each Authorization header of the request.
            scopes: all of them are needed.
            query: the query string; a token there is never used (RFC 6750 §2.3).

        Raises:
            Refused: with everything that the answer needs.
        """
        needed = check_scopes(scopes)
        try:
            token = await self._verify(self._challenges.read(authorization, query))
            if not token.scopes.issuperset(needed):
                raise self._challenges.insufficient_scope(needed)
        except Refused as refused:
            logger.info("refused: %s", refused)
            raise
        return token

    def require(self, *scopes: str) -> "Callable[[Endpoint], Route]":
        """Protect a Starlette endpoint; it is handed the token as its second argument."""
        from troth_guard.starlette import require

        return require(self, scopes)

    def scopes(self, *scopes: str) -> "Dependency":
        """Protect a FastAPI route: `token: AccessToken = Depends(guard.scopes("read"))`."""
        from troth_guard.starlette import dependency

        return dependency(self, scopes)

    def install(self, app: "Starlette") -> None:
        """Give refusals of `scopes` the body of RFC 6750 §3 in this FastAPI application."""
        from troth_guard.starlette import install

        install(app)

    async def aclose(self) -> None:
        """Close the connections to the issuer; for the end of an application's lifespan."""
        await self._fetch.aclose()

    async def __aenter__(self) -> "Guard":
        return self

    async def __aexit__(self, *_exc: Any) -> None:
        await self.aclose()

    async def _verify(self, token: str) -> AccessToken:
        by_keys = is_jwt(token) and not self._online
        verify = self._verify_by_keys if by_keys else self._verify_by_asking
        try:
            return await verify(token)
        except Invalid as invalid:
            raise self._challenges.invalid_token(reason=str(invalid)) from None
        except Unreachable as unreachable:
            raise self._challenges.unavailable(
                retry_after=math.ceil(self._options.retry), reason=str(unreachable)
            ) from None

    async def _verify_by_keys(self, token: str) -> AccessToken:
        now = self._options.clock()
        unverified = parse(token, self._expected, self._options.algorithms, now)
        return accept(unverified, await self._find_key(unverified))

    async def _find_key(self, token: Unverified) -> PublicKey:
        key = (await self._keys.value()).find(token.kid, token.algorithm)
        if key is None:
            key = (await self._keys.newer()).find(token.kid, token.algorithm)
        if key is None and self._keys.is_failing:
            # It may be the issuer's new key, which could not be fetched: no verdict.
            raise Unreachable("the key could not be fetched")
        if key is None:
            raise Invalid("no such key")
        return key

    async def _verify_by_asking(self, token: str) -> AccessToken:
        if self._credentials is None:
            raise Invalid("opaque, and there are no credentials for introspection")
        now = self._options.clock()
        if (known := self._answers.get(token, now)) is not None:
            return judge(read_answer(known), self._expected, now)
        answer, members = await self._ask(token, self._credentials)
        self._answers.put(token, answer, members.get("exp"), now)
        return judge(members, self._expected, self._options.clock())

    async def _ask(self, token: str, credentials: str) -> tuple[bytes, dict[str, Any]]:
        endpoint = (await self._metadata.value()).introspection_endpoint
        if endpoint is None:
            raise Unreachable("the issuer has no introspection endpoint")
        form = {"token": token, "token_type_hint": "access_token"}
        try:
            answer = await self._fetch.post(endpoint, form, authorization=credentials)
            return answer.body, read_answer(answer.body)
        except (Unreachable, ValueError) as error:
            logger.warning("introspection failed: %s", error)
            raise Unreachable(f"introspection: {error}") from None

    async def _load_metadata(self) -> Copy[Endpoints]:
        now, issuer = self._options.clock(), self._expected.issuer
        answer = await self._fetch.get(metadata_url(issuer))
        try:
            endpoints = read_metadata(answer.body, issuer)
        except ValueError as error:
            raise Unreachable(f"metadata: {error}") from None
        return Copy(value=endpoints, fetched_at=now, max_age=answer.max_age)

    async def _load_keys(self) -> Copy[KeySet]:
        now = self._options.clock()
        jwks_uri = (await self._metadata.value()).jwks_uri
        if jwks_uri is None:
            raise Unreachable("the issuer publishes no keys")
        answer = await self._fetch.get(jwks_uri)
        try:
            keys = read_keys(answer.body, self._options.algorithms)
        except ValueError as error:
            raise Unreachable(f"keys: {error}") from None
        if keys.unusable:
            logger.warning("%d keys of the issuer cannot be used", keys.unusable)
        return Copy(value=keys, fetched_at=now, max_age=answer.max_age)
