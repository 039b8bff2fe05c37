"""The operator's own answer to who somebody is: asked at UserInfo, beside a person's record."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from troth.errors import OAuthError, temporarily_unavailable
from troth.fetch import Fetcher, FetchFailed
from troth.settings import Settings
from troth.signing.compact import Malformed, json_object

# Less than the two seconds in which every request is answered.
PATIENCE: Final = 1.5
_AT_ONCE: Final = 20


class ClaimsHook:
    """Asks the address of `claims_hook_url`; where none is set there is nothing to add."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.claims_hook_url
        self._fetcher: Fetcher | None = None
        if self._url:
            # A door of its own: what the operator named here no client reaches by its URLs.
            allow = (*settings.fetch_allow, _host_and_port(self._url))
            self._fetcher = Fetcher(allow, settings.fetch_ca_file, at_one_host=_AT_ONCE)

    async def ready(self) -> None:
        """Load at the start what would else make the first answer late."""
        if self._fetcher is not None:
            await self._fetcher.ready()

    async def ask(self, sub: str, client_id: str, scope: Sequence[str]) -> Mapping[str, object]:
        """What the operator says of a person to this client.

        Raises `temporarily_unavailable` where the answer is none: an application that misses a
        claim may take somebody for another, or for less restricted than they are.
        """
        if self._fetcher is None:
            return {}
        body = msgspec.json.encode({"sub": sub, "client_id": client_id, "scope": " ".join(scope)})
        try:
            fetched = await self._fetcher.post(
                self._url, body, content_type="application/json", patience=PATIENCE
            )
            if fetched.status != 200:
                raise _unanswered(f"status {fetched.status}")
            return json_object(fetched.body, "its answer")
        except (FetchFailed, Malformed) as error:
            raise _unanswered(str(error)) from None


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or {"https": 443, "http": 80}[parts.scheme]


def _unanswered(reason: str) -> OAuthError:
    return temporarily_unavailable(reason=f"the claims hook: {reason}"[:300])
