"""What a decision may know of the world: the time and fresh randomness, as values."""

from dataclasses import field
from typing import Final

from troth.value import frozen

# Seconds by which the clocks of two requests may differ: they wait, and hosts are never equal.
CLOCKS_APART: Final = 5


@frozen
class Env:
    """`now` in whole seconds since the epoch; `fresh` 32 random bytes of this request alone.

    `pairwise_key` is the installation's secret that pairwise subjects are made with.
    """

    now: int
    fresh: bytes
    issuer: str
    default_audience: str
    code_lifetime: int
    refresh_lifetime: int
    refresh_idle: int
    retry_window: int
    id_token_lifetime: int = 3600
    pairwise_key: bytes = field(default=b"", repr=False)
