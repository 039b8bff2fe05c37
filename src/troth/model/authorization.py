"""What a person approved, and the chains of tokens that live under it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What one person approved for one client. Revoking it ends everything below it."""

    authorization_id: str
    sub: str
    client_id: str
    scope: tuple[str, ...]
    created_at: int
    expires_at: int
    revoked_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One redeemed code and all that is refreshed from it: one row however often it rotates."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainState:
    """A chain as it stands now, joined with all that can end it.

    `approved` is the scope of its authorization today; None where that was revoked or has ended.
    `person_stands` is False when the person is gone, disabled, or of a later epoch.
    """

    chain: Chain
    approved: tuple[str, ...] | None
    person_stands: bool
    username: str = ""

    @property
    def stands(self) -> bool:
        return self.chain.revoked_at is None and self.approved is not None and self.person_stands
