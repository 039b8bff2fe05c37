"""Request objects by reference (OIDC Core §6.2, RFC 9101 §5.2): fetched from the registered URI."""

from collections.abc import Callable
from typing import Final

from troth.fetch import Fetcher, FetchFailed
from troth.fetch.kept import Kept, Loaded

_LIFE: Final = 60
_ACCEPT: Final = "application/oauth-authz-req+jwt, application/jwt"


class RequestURIs:
    """Fetches request objects; those with a fragment, which names their content, are kept."""

    def __init__(self, fetcher: Fetcher, clock: Callable[[], float]) -> None:
        self._fetcher = fetcher
        self._kept: Kept[str] = Kept(self._load, clock)

    async def get(self, client_id: str, uri: str) -> str:
        """The text behind the URI, of any form. Raises `FetchFailed`."""
        if "#" in uri:
            return await self._kept.get(client_id, uri)
        return (await self._load(uri)).value

    def close(self) -> None:
        self._kept.close()

    async def _load(self, uri: str) -> Loaded[str]:
        fetched = await self._fetcher.get(uri.partition("#")[0], accept=_ACCEPT)
        if fetched.status != 200:
            raise FetchFailed(f"the request object's status is {fetched.status}")
        text = fetched.body.decode("latin-1").strip()
        return Loaded(value=text, size=len(fetched.body), life=_LIFE)
