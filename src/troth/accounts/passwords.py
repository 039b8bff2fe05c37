"""Passwords: Argon2id in a bounded number of threads, and the same work for everybody."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from troth.errors import temporarily_unavailable

SHORTEST = 8
LONGEST = 256
_WAITING_PER_SLOT = 16

_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


class Passwords:
    """A pool that hashes and verifies; a full queue is refused at once, never piled up."""

    def __init__(self) -> None:
        self.slots = max(1, (os.cpu_count() or 2) - 1)
        self._pool = ThreadPoolExecutor(self.slots, thread_name_prefix="argon2")
        self._taken = 0
        # Verified for people who do not exist, so that they cost the same work.
        self._nobody = _HASHER.hash(os.urandom(16).hex())
        self.verifications = 0

    def admit(self) -> None:
        """Refuse before any reservation where the queue is full."""
        if self._taken >= self.slots * (1 + _WAITING_PER_SLOT):
            raise temporarily_unavailable(reason="the password queue is full", retry_after=2)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one; False, after the same work, where there is none."""
        self.admit()
        self._taken += 1
        self.verifications += 1
        try:
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(
                self._pool, _verify, stored or self._nobody, password[: LONGEST + 1]
            )
        finally:
            self._taken -= 1
        return right and stored is not None and len(password) <= LONGEST

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._pool, hash_now, password)

    async def easy_to_guess(self, password: str, words: tuple[str, ...]) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, easy_to_guess, password, words)

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with parameters of former times."""
        return _HASHER.check_needs_rehash(stored)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def hash_now(password: str) -> str:
    """An Argon2id string: for the command line; the server hashes in its pool."""
    return _HASHER.hash(password)


def check_length(password: str) -> str | None:
    """Why a text cannot be a password at all, or None."""
    if "\0" in password:
        return "a password cannot contain NUL"
    if len(password) < SHORTEST:
        return f"a password has at least {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"a password has at most {LONGEST} characters"
    return None


def easy_to_guess(password: str, words: tuple[str, ...]) -> bool:
    """Whether a million guesses find it, also by knowing the person's own `words`."""
    from zxcvbn import zxcvbn  # a large dictionary: loaded when somebody chooses a password

    return bool(zxcvbn(password[:72], user_inputs=list(words))["score"] < 2)


def like_generated(secret: str) -> bool:
    """Whether no less than 10^24 guesses find it, as far as one can tell from a single one."""
    from zxcvbn import zxcvbn

    return bool(zxcvbn(secret[:72])["guesses_log10"] >= 24)
