"""What only one client shall read: encrypted to its key, as it registered (OIDC Core §16.14)."""

from dataclasses import dataclass
from typing import Protocol

from troth.client_keys import Jwks
from troth.errors import OAuthError, temporarily_unavailable
from troth.fetch import FetchFailed
from troth.model.client import RegisteredClient
from troth.model.openid_client import Encoding
from troth.signing import jwe

# OIDC Registration §2: where a client names an `alg` and no `enc`.
DEFAULT_ENC = "A128CBC-HS256"


class Keys(Protocol):
    """Where a client's keys come from."""

    async def of(self, client: RegisteredClient, *, anew: bool = False) -> Jwks: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A key of the client that was found to fit: closing it does not fail."""

    jwks: Jwks
    alg: str
    enc: str

    def closed(self, content: str | bytes, cty: str | None) -> str:
        """`content` encrypted; a signed JWT goes with `cty` "JWT" (RFC 7519 §5.2)."""
        return jwe.encrypt_for_client(content, self.jwks, self.alg, self.enc, cty)


async def envelope(keys: Keys, client: RegisteredClient, encoding: Encoding) -> Envelope | None:
    """What the client registered to be encrypted with; None where that is nothing.

    Raises an error before anything is decided: what could not be read would be lost.
    """
    alg = encoding.encryption
    if alg is None:
        return None
    try:
        jwks = await keys.of(client)
        jwe.check_recipient(jwks, alg)
    except FetchFailed as error:
        raise temporarily_unavailable(reason=f"the client's keys: {error}"[:300]) from None
    except jwe.NoKeyError as error:
        raise OAuthError(
            "invalid_request",
            "the client has no key that could be encrypted to",
            reason=f"encryption to the client: {error}"[:300],
        ) from None
    return Envelope(jwks=jwks, alg=alg, enc=encoding.content_encryption or DEFAULT_ENC)
