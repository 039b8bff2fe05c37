"""Keys, signatures and seals: the only door to the JOSE and cryptography libraries."""
