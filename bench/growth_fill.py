"""Millions of chains, each under an approval of its own, for `bench.growth`.

Tables are filled before their indexes are made. The n-th chain's id is the MD5 of n, so that who
measures knows every id without asking.
"""

import hashlib
import time

import asyncpg

from troth.model.token import RefreshToken

CHAINS_PER_PERSON = 10
CLIENT_ID = "f7" * 12  # of all chains

_INDEXES = """
select indexname, indexdef from pg_indexes where schemaname = current_schema()
and tablename in ('chain', 'authorization', 'person')
and indexname not in (select conname from pg_constraint)
"""
_KEYS = """
select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
where contype in ('p', 'u') and conrelid::regclass::text in ('chain', '"authorization"', 'person')
"""
_PERSONS = """
insert into person
select md5('p' || n), 'person' || n, 'person' || n, 'person' || n || '@people.example',
  'person' || n || '@people.example', repeat('h', 97), 1, 0, $2
from generate_series(0, $1::bigint - 1) n
"""
_AUTHORIZATIONS = """
insert into "authorization"
  (authorization_id, sub, client_id, scope, created_at, expires_at, revoked_at)
select md5('a' || n), md5('p' || n / 10), $3, 'read_write',
  $2 - n % 80 * 86400, $2 + (285 + n % 80) * 86400::bigint, null
from generate_series(0, $1::bigint - 1) n
"""
_CHAINS = """
insert into chain
select decode(md5(n::text), 'hex'), md5('a' || n), $3,
  md5('p' || n / 10), 1, 1, $2 - n % 80 * 86400, $2 - n % 10 * 86400,
  $2 + (10 + n % 80) * 86400::bigint, null, '\\x0000000000000000'
from generate_series(0, $1::bigint - 1) n
"""
# A database that has served for a while has in memory what it needs.
_WARM = """
select sum(pg_prewarm(oid)) from pg_class
where relkind in ('r', 'i') and relnamespace = current_schema()::regnamespace
"""


def chain_id(number: int) -> bytes:
    """The id of one of the chains."""
    return _md5(str(number))


def _md5(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def the_token(number: int, generation: int) -> RefreshToken:
    """What its refresh token says."""
    return RefreshToken(
        chain_id=chain_id(number),
        authorization_id=_md5(f"a{number}").hex(),
        client_id=CLIENT_ID,
        sub=_md5(f"p{number // CHAINS_PER_PERSON}").hex(),
        epoch=1,
        scope=("read_write",),
        resource=(),
        expires_at=int(time.time()) + 86400,
        generation=generation,
    )


async def fill(dsn: str, chains: int) -> None:
    """Fill a migrated, empty database with that many chains."""
    connection = await asyncpg.connect(dsn)
    now = int(time.time())
    try:
        async with connection.transaction():
            await connection.execute("set local maintenance_work_mem = '1GB'")
            indexes = await connection.fetch(_INDEXES)
            keys = await connection.fetch(_KEYS)
            for name, _ in indexes:
                await connection.execute(f'drop index "{name}"')
            for table, name, _ in keys:
                await connection.execute(f'alter table {table} drop constraint "{name}"')
            # Emptied in this transaction: nothing of it has to go through the log.
            await connection.execute('truncate person, "authorization", chain')
            await connection.execute(_PERSONS, max(1, chains // CHAINS_PER_PERSON), now)
            await connection.execute(_AUTHORIZATIONS, chains, now, CLIENT_ID)
            await connection.execute(_CHAINS, chains, now, CLIENT_ID)
            for table, name, definition in keys:
                await connection.execute(
                    f'alter table {table} add constraint "{name}" {definition}'
                )
            for _, definition in indexes:
                await connection.execute(definition)
        await connection.execute("vacuum (freeze, analyze)")
        await connection.execute("create extension pg_prewarm")
        await connection.execute(_WARM)
        await connection.execute("checkpoint")
    finally:
        await connection.close()
