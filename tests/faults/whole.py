"""The databases' own tools, asked whether every page and every index is as it must be."""

from tests.harness import Troth

_HEAP = """
    select c.relname, found.msg from pg_class c, lateral verify_heapam(c.oid) found
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""
_INDEXES = """
    select count(bt_index_check(c.oid, true) is null) from pg_class c
    join pg_index i on i.indexrelid = c.oid join pg_am a on a.oid = c.relam
    where c.relkind = 'i' and a.amname = 'btree' and c.relnamespace = 'public'::regnamespace
"""


def is_whole(troth: Troth) -> bool:
    """SQLite's integrity check; on PostgreSQL what pg_amcheck runs, heap against index."""
    if not troth.postgres:
        return troth.rows("pragma integrity_check") == [("ok",)]
    troth.execute("create extension if not exists amcheck")
    ((indexes,),) = troth.rows(_INDEXES)  # raises where one is broken
    return troth.rows(_HEAP) == [] and indexes > 0
