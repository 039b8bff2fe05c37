"""What came of it: a value, or a refusal of the protocol; anything else is a crash."""

from collections.abc import Callable
from typing import TypeVar

from troth.errors import OAuthError

T = TypeVar("T")


def outcome(work: Callable[[], T]) -> T | OAuthError:
    try:
        return work()
    except OAuthError as error:
        return error
