"""Refreshes in two databases by turns, so that what the machine does besides meets both."""

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.growth_fill import CLIENT_ID, chain_id, the_token
from bench.load import Script, load, post
from bench.servers import TrothServer
from troth.model.change import AuditEvent, Change, Done, Put, Rotate
from troth.model.client import ClientSecret, RegisteredClient
from troth.settings import Settings
from troth.signing import ring, seal
from troth.signing.keys import read_master_key
from troth.store import Store
from troth.store.open import open_store

TOGETHER = 8
_ROUNDS, _SECONDS, _REFRESHES = 12, 2.0, 1000
_DAY = 86400
_SECRET = "canary-of-the-bench"


@dataclass(slots=True)
class Run:
    """One database, and how long each refresh in it took (seconds)."""

    dsn: str
    chains: int
    http: list[Sequence[float]] = field(default_factory=list)  # round by round
    store: list[Sequence[float]] = field(default_factory=list)
    generations: dict[int, int] = field(default_factory=dict)

    def next_chain(self) -> tuple[int, int]:
        """Any chain that nobody else refreshes now, and its generation."""
        number = random.randrange(self.chains)  # noqa: S311
        while number in self.generations and self.generations[number] < 0:
            number = random.randrange(self.chains)  # noqa: S311
        generation = self.generations.get(number, 1)
        self.generations[number] = -generation
        return number, generation


def percentiles(rounds: Sequence[Sequence[float]]) -> tuple[float, float]:
    """The median and the 99th percentile in milliseconds: those of the round in the middle."""
    cuts = [statistics.quantiles(times, n=100) for times in rounds]
    half, most = (statistics.median(cut[part] for cut in cuts) for part in (49, 98))
    return half * 1000, most * 1000


async def through_the_store(runs: Sequence[Run]) -> None:
    """What the database has to do with it: the commit of a refresh, and nothing else."""
    stores = [await open_store(Settings(database=run.dsn)) for run in runs]
    pairs = list(zip(stores, runs, strict=True))
    for number in range(_ROUNDS + 1):
        for store, run in pairs if number % 2 else reversed(pairs):
            times: list[float] = []
            await asyncio.gather(*(_commits(store, run, times) for _ in range(TOGETHER)))
            if number:  # plans and connections are made once
                run.store.append(times)
    for store in stores:
        await store.close()


async def _commits(store: Store, run: Run, times: list[float]) -> None:
    event = AuditEvent(event="token.refreshed", outcome="ok", client_id=CLIENT_ID, sub="s" * 32)
    for _ in range(_REFRESHES // TOGETHER):
        number, generation = run.next_chain()
        now = int(time.time())
        rotate = Rotate(
            chain_id=chain_id(number), generation=generation, now=now, idle_since=now - 60 * _DAY
        )
        started = time.perf_counter()
        outcome = await store.commit(Change(verbs=(rotate,), audit=(event,)), request_id="r" * 16)
        times.append(time.perf_counter() - started)
        if outcome != Done():
            raise SystemExit(f"chain {number} was not refreshed: {outcome}")
        run.generations[number] = generation + 1


async def over_http(runs: Sequence[Run], folder: Path) -> None:
    """What an application waits for: `troth serve`, one process for each database."""
    servers = []
    for number, run in enumerate(runs):
        own = folder / str(number)
        own.mkdir()
        servers.append(await asyncio.to_thread(TrothServer, own, run.dsn))
    try:
        sealers = [await _sealer(*pair) for pair in zip(servers, runs, strict=True)]
        pairs = list(zip(servers, runs, sealers, strict=True))
        for number in range(_ROUNDS + 1):
            for server, run, sealer in pairs if number % 2 else reversed(pairs):
                scripts = [_requests(server, run, sealer) for _ in range(TOGETHER)]
                result = await load(server.port, scripts, _SECONDS)
                if result.errors:
                    reasons = [line for line in server.troth.log().splitlines() if "reason" in line]
                    raise SystemExit(f"refused: {reasons[:1]}")
                if number:
                    run.http.append(result.times)
    finally:
        for server in servers:
            server.stop()


async def _sealer(server: TrothServer, run: Run) -> seal.Sealer:
    """Registers the client of all chains; what makes its tokens."""
    client = RegisteredClient(
        client_id=CLIENT_ID,
        client_name="Bench App",
        redirect_uris=("https://app.example/callback",),
        scope=("read_write",),
        token_endpoint_auth_method="client_secret_post",
        secrets=(ClientSecret.of(_SECRET),),
    )
    store = await open_store(Settings(database=run.dsn))
    try:
        await store.fresh()
        if await store.commit(Change(verbs=(Put(noun=client),))) != Done():
            raise SystemExit("the client was not registered")
        master = read_master_key(server.troth.environment["TROTH_MASTER_KEY_FILE"])
        return ring.build(store.keys, master, server.troth.issuer).sealer
    finally:
        await store.close()


def _requests(server: TrothServer, run: Run, sealer: seal.Sealer) -> Script:
    host = server.troth.issuer.partition("://")[2]
    while True:
        number, generation = run.next_chain()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": sealer.seal(seal.REFRESH_TOKEN, the_token(number, generation)),
            "client_id": CLIENT_ID,
            "client_secret": _SECRET,
        }
        yield post(host, "/oauth/token", form)
        run.generations[number] = generation + 1
