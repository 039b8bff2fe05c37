"""Rings of keys for tests of what is signed, verified and encrypted without a server."""

from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

from troth.log import Secret
from troth.signing import ring
from troth.signing.keys import KINDS, new_key, unwrap

NOW = 1_800_000_000
MASTER = Secret(b"canary master key of 32 bytes!!!")
ISSUER = "https://login.example"
# In the order of age, so that nothing depends on the order in which a database answers.
KEYS = [new_key(*kind, now=NOW - 9, signs_from=NOW - 9, master=MASTER) for kind in KINDS]
RING = ring.build(KEYS, MASTER, ISSUER)
STRANGER = ring.build(
    [new_key(*kind, now=NOW, signs_from=NOW, master=MASTER) for kind in KINDS], MASTER, ISSUER
)
ALGS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")


def bound(alg: str) -> str:
    return alg.replace("Ed25519", "EdDSA")


def private_jwk(alg: str) -> Any:
    """This ring's private key of an algorithm, as joserfc has it."""
    (stored,) = [key for key in KEYS if key.alg == bound(alg)]
    kind: Any = {"RS": RSAKey, "PS": RSAKey, "ES": ECKey, "EC": ECKey, "Ed": OKPKey}[alg[:2]]
    return kind.import_key(unwrap(stored, MASTER), {"kid": stored.kid})
