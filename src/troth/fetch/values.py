"""What is sent, what came back, and why nothing did."""

from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 5.0
CONNECT: Final = 3.0


class FetchFailed(Exception):
    """Nothing usable came back. `reason` is for the log only: shown to a caller, it would scan."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is sent: a method, its headers and a body (empty: none)."""

    method: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came back, whole: the status, two headers ("" where absent) and the body."""

    status: int
    content_type: str
    cache_control: str
    body: bytes
