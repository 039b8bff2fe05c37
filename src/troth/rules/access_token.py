"""The facts of a new access token (RFC 9068 §2.2)."""

from troth.model.client import RegisteredClient
from troth.model.env import Env
from troth.model.token import AccessToken, Login
from troth.value import frozen


@frozen
class Subject:
    """Whom a token stands for: a person with a chain, or the client itself without one.

    `sub` is the person as this client knows them.
    """

    sub: str
    chain_id: bytes | None = None
    login: Login | None = None


def access_token(
    client: RegisteredClient,
    subject: Subject,
    scope: tuple[str, ...],
    audience: tuple[str, ...],
    env: Env,
) -> AccessToken:
    """`token_id` is fresh for every answer; the life is the client's (3600 s by default)."""
    return AccessToken(
        token_id=env.fresh[16:32].hex(),
        chain_id=subject.chain_id,
        client_id=client.client_id,
        sub=subject.sub,
        scope=scope,
        audience=audience,
        issued_at=env.now,
        expires_at=env.now + client.access_token_lifetime,
        authenticated_at=subject.login.authenticated_at if subject.login else None,
        acr=subject.login.acr if subject.login else "",
    )
