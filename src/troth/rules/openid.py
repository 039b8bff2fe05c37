"""ID tokens (OIDC Core §2): the facts of one, decided like any other token's."""

from collections.abc import Mapping
from dataclasses import field

from troth.model.client import RegisteredClient
from troth.model.env import Env
from troth.model.token import IDToken
from troth.rules.access_token import Subject
from troth.rules.subject import sid
from troth.value import frozen


@frozen
class Said:
    """What a request brought along: its `nonce`, and the claims asked for by name."""

    nonce: str | None = None
    claims: Mapping[str, object] = field(default_factory=dict)


def id_token(client: RegisteredClient, subject: Subject, said: Said, env: Env) -> IDToken:
    """The ID token of a subject with a login; at a refresh with the login of then (§12.2)."""
    assert subject.login is not None
    return IDToken(
        sub=subject.sub,
        client_id=client.client_id,
        issued_at=env.now,
        expires_at=env.now + env.id_token_lifetime,
        login=subject.login,
        sid=sid(subject.login.session_id, client.client_id),
        nonce=said.nonce,
        claims=said.claims,
    )
