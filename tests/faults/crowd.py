"""Other people's grants, so that a database is as large as one that has served for years."""

import time

from tests.harness import Troth

# Half of them have ended. Ids are as random as real ones, and come in order: that is quick.
_ROWS = """
    insert into chain (
      chain_id, authorization_id, client_id, sub, epoch, generation,
      created_at, rotated_at, expires_at, revoked_at)
    with recursive counted(n) as (
      select 1 union all select n + 1 from counted where n < {rows}
    ), made as materialized (select n, {id} as id, {name} as name from counted)
    select id, name, 'foreign', name, 1, 1 + n % 1000, {now}, {now}, {now} + 7776000,
      case when n % 2 = 0 then {now} end
    from made order by id
"""


def crowd(troth: Troth, rows: int) -> None:
    """So many chains of a client and of people that nobody else speaks of."""
    made = {"id": "randomblob(16)", "name": "hex(randomblob(8))"}
    if troth.postgres:
        made = {"id": "decode(md5(random()::text), 'hex')", "name": "md5(random()::text)"}
    troth.execute(_ROWS.format(rows=rows, now=int(time.time()), **made))
    if not troth.postgres:  # years do not wait in its log
        troth.execute("pragma wal_checkpoint(truncate)")
