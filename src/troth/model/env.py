"""What a decision may know of the world: the time and fresh randomness, as values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """`now` in whole seconds since the epoch; `fresh` 32 random bytes of this request alone."""

    now: int
    fresh: bytes
    issuer: str
    default_audience: str
    code_lifetime: int
    refresh_lifetime: int
    refresh_idle: int
    retry_window: int
