"""ID tokens as JWTs (OIDC Core §2), signed as the client registered."""

from troth.model.client import RegisteredClient
from troth.model.token import IDToken
from troth.signing import jws
from troth.signing.ring import Ring

# Core §2 and Registration §2: what a client gets that names nothing.
DEFAULT_ALG = "RS256"


def id_token_text(
    ring: Ring, token: IDToken, client: RegisteredClient, access_token: str, now: int
) -> str:
    """The claims of Core §2 and §3.1.3.6; what was asked for by name never takes their place."""
    alg = client.openid.id_token.signing or DEFAULT_ALG
    claims: dict[str, object] = {
        **token.claims,
        "iss": ring.issuer,
        "sub": token.sub,
        "aud": token.client_id,
        "exp": token.expires_at,
        "iat": token.issued_at,
        "auth_time": token.login.authenticated_at,
        "at_hash": jws.half_hash(alg, access_token),
        "sid": token.sid,
    }
    if token.login.acr:
        claims["acr"] = token.login.acr
        claims["amr"] = list(token.login.amr)
    if token.nonce is not None:
        claims["nonce"] = token.nonce
    return ring.sign_jwt(claims, alg, None, now)
