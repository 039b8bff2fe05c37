"""The public keys of a client: registered with it, or fetched from its `jwks_uri` (RFC 7591 §2)."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from troth.fetch import Fetched, Fetcher, FetchFailed
from troth.fetch.kept import LONGEST, Kept, Loaded
from troth.model.client import RegisteredClient
from troth.signing import foreign
from troth.signing.compact import Malformed, json_object
from troth.signing.foreign import BadJWS, Verified
from troth.signing.jwk import PRIVATE

Jwks = tuple[Mapping[str, object], ...]

_MOST_KEYS: Final = 100
_USUAL_LIFE: Final = 600
_SHORTEST_LIFE: Final = 60
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?([0-9]{1,9})", re.IGNORECASE)
_NOT_KEPT: Final = re.compile(r"(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])", re.IGNORECASE)


class ClientKeys:
    """Gives each client's key set, and looks for a key that it does not know yet."""

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float]) -> None:
        self._fetcher = fetcher
        self._kept: Kept[Jwks] = Kept(self._load, clock)

    async def of(self, client: RegisteredClient, *, anew: bool = False) -> Jwks:
        """The keys of a client; none where it registered none. Raises `FetchFailed`.

        `anew`: what is kept has no key that fits, and the client may have published one since.
        """
        registered = client.openid
        if registered.jwks_uri is not None:
            return await self._kept.get(client.client_id, registered.jwks_uri, anew=anew)
        return read(registered.jwks) if registered.jwks is not None else ()

    async def verified(
        self, text: str, client: RegisteredClient, algorithms: Collection[str]
    ) -> Verified:
        """A token that this client signed. Raises `BadJWS` or `FetchFailed`.

        Types, audience and times of its claims are still to be checked.
        """
        keys = await self.of(client)
        try:
            return foreign.verify(text, keys, algorithms)
        except BadJWS as bad:
            if not bad.unknown_key:
                raise
            newer = await self.of(client, anew=True)
            if newer is keys:
                raise
        return foreign.verify(text, newer, algorithms)

    def close(self) -> None:
        self._kept.close()

    async def _load(self, url: str) -> Loaded[Jwks]:
        fetched = await self._fetcher.get(url, accept="application/jwk-set+json, application/json")
        if fetched.status != 200:
            raise FetchFailed(f"the key set's status is {fetched.status}")
        try:
            keys = read(json_object(fetched.body, "the key set"))
        except Malformed as error:
            raise FetchFailed(str(error)) from None
        return Loaded(value=keys, size=len(fetched.body), life=_life(fetched))


def read(key_set: Mapping[str, object]) -> Jwks:
    """The keys of a key set (RFC 7517 §5). Raises `FetchFailed` for one that nobody should use."""
    keys = key_set.get("keys")
    if not isinstance(keys, list | tuple) or len(keys) > _MOST_KEYS:
        raise FetchFailed(f"not a key set of at most {_MOST_KEYS} keys")
    if not all(isinstance(key, Mapping) for key in keys):
        raise FetchFailed("a key of the set is not an object")
    # Who publishes a private key may publish anything: none of the set is believed.
    if any(PRIVATE & key.keys() for key in keys):
        raise FetchFailed("the key set holds a private or symmetric key")
    return tuple(keys)


def _life(fetched: Fetched) -> float:
    """For how long a key set need not be fetched again (RFC 9111 §5.2.2)."""
    if _NOT_KEPT.search(fetched.cache_control):
        return _SHORTEST_LIFE
    found = _MAX_AGE.search(fetched.cache_control)
    return min(max(int(found[1]), _SHORTEST_LIFE), LONGEST) if found else _USUAL_LIFE
