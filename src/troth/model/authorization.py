"""What a person approved, and the chains of tokens that live under it."""

from troth.model.request import Wishes
from troth.value import frozen


@frozen
class Authorization:
    """What one person approved for one client. Revoking it ends everything below it.

    `declined` is what they were asked about as well, and left out.
    """

    authorization_id: str
    sub: str
    client_id: str
    scope: tuple[str, ...]
    created_at: int
    expires_at: int
    revoked_at: int | None = None
    declined: tuple[str, ...] = ()


@frozen
class Chain:
    """One redeemed code and all that is refreshed from it: one row however often it rotates.

    `session_id` is the login session of a chain that was granted `openid`; unless it is `offline`
    (OIDC Core §11), it ends with that session. `wishes` are claims that were asked for one by one.
    """

    chain_id: bytes
    authorization_id: str
    client_id: str
    sub: str
    epoch: int
    generation: int
    created_at: int
    rotated_at: int
    expires_at: int
    revoked_at: int | None = None
    session_id: str | None = None
    offline: bool = False
    wishes: Wishes | None = None


@frozen
class ChainState:
    """A chain as it stands now, joined with all that can end it.

    `approved` is the scope of its authorization today; None where that was revoked or has ended.
    `person_stands` is False when the person is gone, disabled, or of a later epoch;
    `session_stands` is False when the login session that the chain is tied to was ended.
    """

    chain: Chain
    approved: tuple[str, ...] | None
    person_stands: bool
    username: str = ""
    session_stands: bool = True

    @property
    def stands(self) -> bool:
        above = self.approved is not None and self.person_stands and self.session_stands
        return above and self.chain.revoked_at is None
