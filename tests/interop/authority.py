"""Certificates for https://localhost, signed by an authority that each run makes anew."""

import ssl
from pathlib import Path

import trustme


class Authority:
    """Writes what servers need into their folders, and says how a client trusts them."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.ca_file))
        self.trusted = ssl.create_default_context(cafile=str(self.ca_file))

    def issue(self, folder: Path) -> tuple[Path, Path]:
        """A certificate with its key, as files in a folder."""
        certificate, key = folder / "cert.pem", folder / "key.pem"
        made = self._authority.issue_cert("localhost")
        certificate.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
        made.private_key_pem.write_to_path(str(key))
        return certificate, key
