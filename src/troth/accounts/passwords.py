"""Passwords: Argon2id in a bounded number of threads, and the same work for everybody."""

import asyncio
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from troth.errors import NoPlace

SHORTEST = 8
LONGEST = 256
_WAITING_PER_SLOT = 16
# Characters that are judged at once: the estimate's work doubles with every few of them.
_JUDGED = 20
_AGAIN_AND_AGAIN = re.compile(r"(.+?)\1+", re.DOTALL)

T = TypeVar("T")

_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


class _Pool:
    """Threads, and those who wait for them."""

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads * (1 + _WAITING_PER_SLOT)
        self._taken = 0

    def admit(self) -> None:
        if self._taken >= self._most:
            raise NoPlace

    @contextmanager
    def place(self) -> Iterator[None]:
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def run(self, what: Callable[..., T], *words: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, what, *words)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class Passwords:
    """A pool that hashes and verifies; a full queue is refused at once, never piled up."""

    def __init__(self) -> None:
        self.slots = max(1, (os.cpu_count() or 2) - 1)
        self._pool = _Pool(self.slots, "argon2")
        # Who chooses a password keeps nobody from logging in.
        self._judge = _Pool(1, "zxcvbn")
        # Verified for people who do not exist, so that they cost the same work.
        self._nobody = _HASHER.hash(os.urandom(16).hex())
        self.verifications = 0

    def admit(self) -> None:
        """Raise `NoPlace` where the queue is full."""
        self._pool.admit()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue, taken before anything is looked up or reserved for a `verify`.

        So nobody is counted as having tried, and then refused. Raises as `admit`.
        """
        self.admit()
        with self._pool.place():
            yield

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the one; False, after the same work, where there is none.

        For who has a `place`.
        """
        self.verifications += 1
        right = await self._pool.run(_verify, stored or self._nobody, password[: LONGEST + 1])
        return right and stored is not None and len(password) <= LONGEST

    async def hash(self, password: str) -> str:
        with self._pool.place():
            return await self._pool.run(hash_now, password)

    async def easy_to_guess(self, password: str, words: tuple[str, ...]) -> bool:
        self._judge.admit()
        with self._judge.place():
            return await self._judge.run(easy_to_guess, password, words)

    def outdated(self, stored: str) -> bool:
        """Whether a hash was made with parameters of former times."""
        return _HASHER.check_needs_rehash(stored)

    def close(self) -> None:
        for pool in (self._pool, self._judge):
            pool.close()


def _one_spelling(password: str) -> str:
    """What one keyboard sends as one character and another as two is the same (NIST SP 800-63B)."""
    return unicodedata.normalize("NFC", password)


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, _one_spelling(password))
    except (VerificationError, InvalidHashError):
        return False


def hash_now(password: str) -> str:
    """An Argon2id string: for the command line; the server hashes in its pool."""
    return _HASHER.hash(_one_spelling(password))


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
    """Whether a million guesses find each part of it, also by knowing the person's own `words`."""
    from zxcvbn import zxcvbn  # a large dictionary: loaded when somebody chooses a password

    again = _AGAIN_AND_AGAIN.fullmatch(password)
    if again is not None:
        password = again[1]
    parts = (password[at : at + _JUDGED] for at in range(0, len(password), _JUDGED))
    return all(zxcvbn(part, user_inputs=list(words))["score"] < 2 for part in parts)


def like_generated(secret: str) -> bool:
    """Whether no less than 10^24 guesses find it, as far as one can tell from a single one."""
    from zxcvbn import zxcvbn

    return bool(zxcvbn(secret[:72])["guesses_log10"] >= 24)
