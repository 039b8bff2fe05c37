"""What the parts of the limit cost alone, in CPU µs: `python -m bench.limit_parts DATABASE`."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import uvloop

from bench import limit_store
from bench.limit_store import open_store
from bench.limit_tokens import id_token, parse, seal, sign, unseal, verify
from bench.scripts import CONNECTIONS

# Chains in the database, about as many as the limit has on the average of its rounds.
_FULL = 10_000


async def primitives(database: str) -> dict[str, float]:
    """CPU µs of each part alone; the storage step as it comes, for half of the connections at once.

    The other half waits for the batch before, or has just been answered: so it is in the server.
    """
    store = await open_store(database)
    costs = _parts()
    chains = [os.urandom(16) for _ in range(CONNECTIONS // 2)]
    for chain_id in chains:
        await store.write("redeem", limit_store.redeem(chain_id))
    fresh = iter(lambda: limit_store.redeem(os.urandom(16)), None)
    for _ in range(_FULL // 100):  # what is inserted costs more where much is
        await asyncio.gather(*(store.write("redeem", next(fresh)) for _ in range(100)))
    turns = iter(range(1, 10**6))

    async def all_at_once(works: Iterable[Awaitable[object]]) -> None:
        await asyncio.gather(*works)

    steps: dict[str, Callable[[], Iterable[Awaitable[object]]]] = {
        "redeem": lambda: [store.write("redeem", next(fresh)) for _ in chains],
        "rotate": lambda: [
            store.write("rotate", limit_store.rotate(c, turn))
            for turn in [next(turns)]
            for c in chains
        ],
        "chain": lambda: [store.read("chain", limit_store.chain(c)) for c in chains],
        "revoke": lambda: [store.write("revoke", limit_store.revoke(c)) for c in chains],
        "session": lambda: [store.read("session", limit_store.SESSION) for _ in chains],
        "authorization": lambda: [
            store.read("authorization", limit_store.AUTHORIZATION) for _ in chains
        ],
    }
    for name, step in steps.items():
        began = time.process_time()
        for _ in range(30):
            await all_at_once(step())
        costs[name] = (time.process_time() - began) / 30 / len(chains) * 1e6
    return costs


def _parts() -> dict[str, float]:
    code, token, rsa_token = seal(os.urandom(16), 0), sign(), sign(alg="RS256")
    body = f"grant_type=refresh_token&refresh_token={code}&client_id={'b' * 22}".encode()
    parts: dict[str, Callable[[], object]] = {
        "parse": lambda: parse(body),
        "sign": sign,
        "sign_RS256": lambda: sign(alg="RS256"),
        "id_token_ES256": lambda: id_token("ES256", token),
        "id_token_RS256": lambda: id_token("RS256", token),
        "verify": lambda: verify(token),
        "verify_RS256": lambda: verify(rsa_token, "RS256"),
        "seal": lambda: seal(b"0" * 16, 1),
        "unseal": lambda: unseal(code),
    }
    costs = {}
    for name, part in parts.items():
        began = time.process_time()
        for _ in range(3000):
            part()
        costs[name] = (time.process_time() - began) / 3000 * 1e6
    return costs


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(msgspec.json.encode(runner.run(primitives(sys.argv[1]))).decode())
