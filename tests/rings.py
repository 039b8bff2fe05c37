"""Rings of keys for tests of what is signed, verified and encrypted without a server."""

import json
from base64 import urlsafe_b64encode
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

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
    (stored,) = [key for key in KEYS if key.alg == alg]
    kind: Any = {"RS": RSAKey, "PS": RSAKey, "ES": ECKey, "EC": ECKey, "Ed": OKPKey}[alg[:2]]
    return kind.import_key(unwrap(stored, MASTER), {"kid": stored.kid})


class Maker:
    """Somebody with keys of their own: a client that signs its requests, and reads answers."""

    def __init__(self) -> None:
        rsa = {"RS256": RSAKey.generate_key(2048), "PS256": RSAKey.generate_key(2048)}
        ed = OKPKey.generate_key("Ed25519")
        self.keys: dict[str, Any] = {
            **rsa,
            "ES256": ECKey.generate_key("P-256"),
            "EdDSA": ed,
            "Ed25519": ed,
        }

    def jwk(self, alg: str, /, **more: object) -> dict[str, Any]:
        public = self.keys[alg].as_dict(private=False)
        found = {**public, "kid": f"k-{bound(alg)}", "use": "sig", "alg": bound(alg), **more}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def jwks(self) -> list[dict[str, Any]]:
        return [self.jwk(alg) for alg in self.keys if alg != "Ed25519"]

    def sign(self, alg: str, claims: object, /, **more: object) -> str:
        """By another library; `more` of the header, None for what it shall not say."""
        found = {"alg": alg, "kid": f"k-{bound(alg)}", **more}
        header = {name: value for name, value in found.items() if value is not None}
        return signed(header, claims, self.keys[alg])


def signed(header: dict[str, Any], claims: object, key: Any, alg: str | None = None) -> str:
    """A JWS over whatever is in header and claims, signed with `alg` whatever the header says."""
    texts = [part if isinstance(part, str) else json.dumps(part) for part in (header, claims)]
    signing_input = ".".join(b64(text.encode("utf-8", "surrogatepass")) for text in texts)
    model = JWSRegistry.algorithms[alg or header["alg"]]
    return f"{signing_input}.{b64(model.sign(signing_input.encode(), key))}"


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
