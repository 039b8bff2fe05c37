"""Rules that cut across grants: one file per RFC, pure functions."""
