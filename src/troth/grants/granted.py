"""What every grant hands back, and what it may read."""

from collections.abc import Mapping
from typing import Protocol

from troth.model.authorization import ChainState
from troth.model.change import Change
from troth.model.person import Scope
from troth.model.request import Wishes
from troth.model.token import Code, RefreshToken, Tokens
from troth.value import frozen


@frozen
class Granted:
    """Tokens that become real when `change` is done, and not before."""

    tokens: Tokens
    change: Change


class Reads(Protocol):
    """The eyes of a grant: unsealing costs no database, the rest rarely happens."""

    @property
    def scopes(self) -> Mapping[str, Scope]: ...

    async def open_code(self, text: str) -> Code | None: ...

    def open_refresh_token(self, text: str) -> RefreshToken | None: ...

    async def chain(self, chain_id: bytes) -> ChainState | None: ...

    async def claims(self, client_id: str, sub: str, wishes: Wishes) -> Mapping[str, object]: ...
