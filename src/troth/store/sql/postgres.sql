-- What PostgreSQL says in its own way, by name. Arrays are the concurrent requests of a batch.

-- name: bump
with moved as (update revision set value = value + 1 returning value)
select pg_notify('troth_revision', value::text) from moved

-- In the order of ids, before anything else: two that end the same ones do not block each other.
-- name: hold_client
select metadata from client where client_id = :client_id for update
-- name: hold_sessions_of
select session_id from session where sub = :key and ended_at is null
order by session_id for no key update
-- name: hold_sessions
select session_id from session
where session_id > :after and session_id <= :until and ended_at is null
order by session_id for no key update
-- name: hold_chains
select chain_id from chain
where chain_id > :after and chain_id <= :until and revoked_at is null
order by chain_id for no key update
-- name: end_sessions_of
update session set ended_at = :at
where sub = :key and ended_at is null and session_id is distinct from :spare

-- Who was logged in by a session, and has an address to be told of its end: one row for each.
-- name: tell_of_session
insert into delivery (delivery_id, client_id, sub, session_id, due_at, attempts, expires_at)
select distinct convert_to(h.session_id || ' ' || h.client_id, 'UTF8'), h.client_id, h.sub, h.session_id,
  :at::bigint, 0, :told_until::bigint
from chain h join client c on c.client_id = h.client_id
where h.session_id = :key::text
  and c.metadata::jsonb #>> '{openid,logout,backchannel_logout_uri}' is not null
order by 1
on conflict (delivery_id) do nothing
-- name: tell_of_sessions_of
insert into delivery (delivery_id, client_id, sub, session_id, due_at, attempts, expires_at)
select distinct convert_to(h.session_id || ' ' || h.client_id, 'UTF8'), h.client_id, h.sub, h.session_id,
  :at::bigint, 0, :told_until::bigint
from "authorization" a join chain h on h.authorization_id = a.authorization_id
join client c on c.client_id = h.client_id
left join session s on s.session_id = h.session_id
where a.sub = :key::text and h.session_id is not null and h.session_id is distinct from :spare::text
  and s.ended_at is null and c.metadata::jsonb #>> '{openid,logout,backchannel_logout_uri}' is not null
order by 1
on conflict (delivery_id) do nothing
-- Each process takes others: what is locked is being taken just now.
-- name: take_deliveries
with due as materialized (
  select delivery_id from delivery where due_at <= :now order by due_at limit :most
  for update skip locked
)
update delivery d set due_at = :until, attempts = d.attempts + 1
from due where d.delivery_id = due.delivery_id
returning d.delivery_id, d.client_id, d.sub, d.session_id, d.attempts, d.expires_at

-- name: authorization_many
select a.authorization_id, a.sub, a.client_id, a.scope, a.created_at, a.expires_at, a.revoked_at,
  a.declined
from unnest(:sub::text[], :client_id::text[]) as k(sub, client_id)
cross join lateral (select * from "authorization" where sub = k.sub and client_id = k.client_id
  and revoked_at is null order by created_at desc, number desc limit 1) a
-- name: session_many
select s.session_id, s.secret_digest, s.sub, s.epoch, s.authenticated_at, s.last_seen_at, s.expires_at,
  s.user_agent, s.network, s.ended_at, s.acr, s.amr, p.username, p.email, p.password_hash, p.epoch,
  p.created_at, p.claims
from session s join person p on p.sub = s.sub and p.epoch = s.epoch and p.disabled = 0
where s.secret_digest = any(:secret_digest::text[]) and s.ended_at is null

-- After a lost answer: a change that finds its own id in the row was applied, and its audit rows with it.
-- name: own_change
select 1 from chain where chain_id = :chain_id and change_id = :change_id

-- name: redeem
insert into chain (chain_id, authorization_id, client_id, sub, epoch, generation, created_at, rotated_at,
  expires_at, session_id, offline, asked, change_id)
select :chain_id::bytea, :authorization_id::text, :client_id::text, :sub::text, :epoch::int,
  :generation::int, :created_at::bigint, :rotated_at::bigint, :expires_at::bigint, :session_id::text,
  :offline::int, :asked::text, :change_id::bytea
where exists (select 1 from "authorization" where authorization_id = :authorization_id::text
    and revoked_at is null and expires_at > :created_at::bigint)
  and exists (select 1 from person where sub = :sub::text and epoch = :epoch::int and disabled = 0)
  and exists (select 1 from session where session_id = :login_session::text and ended_at is null)
on conflict (chain_id) do nothing
-- name: redeem_many
with asked as (
  select * from unnest(:chain_id::bytea[], :authorization_id::text[], :client_id::text[], :sub::text[],
    :epoch::int[], :generation::int[], :created_at::bigint[], :rotated_at::bigint[],
    :expires_at::bigint[], :session_id::text[], :offline::int[], :asked::text[], :change_id::bytea[],
    :login_session::text[])
    as r(chain_id, authorization_id, client_id, sub, epoch, generation, created_at, rotated_at,
      expires_at, session_id, offline, asked, change_id, login_session)
), won as (
  insert into chain (chain_id, authorization_id, client_id, sub, epoch, generation, created_at,
    rotated_at, expires_at, session_id, offline, asked, change_id)
  select r.chain_id, r.authorization_id, r.client_id, r.sub, r.epoch, r.generation, r.created_at,
    r.rotated_at, r.expires_at, r.session_id, r.offline, r.asked, r.change_id
  from asked r
  where exists (select 1 from "authorization" a where a.authorization_id = r.authorization_id
      and a.revoked_at is null and a.expires_at > r.created_at)
    and exists (select 1 from person p where p.sub = r.sub and p.epoch = r.epoch and p.disabled = 0)
    and exists (select 1 from session s where s.session_id = r.login_session and s.ended_at is null)
  order by r.chain_id
  on conflict (chain_id) do nothing
  returning chain_id
), noted as (
  insert into audit (at, event, outcome, actor, client_id, sub, request_id, detail)
  select n.at, n.event, n.outcome, n.actor, n.client_id, n.sub, n.request_id, n.detail
  from unnest(:note_of::bytea[], :at::bigint[], :event::text[], :outcome::text[], :actor::text[],
    :note_client::text[], :note_sub::text[], :request_id::text[], :detail::text[])
    as n(chain_id, at, event, outcome, actor, client_id, sub, request_id, detail)
  join won using (chain_id)
)
select chain_id from won

-- name: rotate
update chain set generation = generation + 1, rotated_at = greatest(rotated_at, :now), change_id = :change_id
where chain_id = :chain_id and generation = :generation and revoked_at is null
  and expires_at > :now and rotated_at > :idle_since
  and exists (select 1 from "authorization" a where a.authorization_id = chain.authorization_id
    and a.revoked_at is null and a.expires_at > :now)
  and exists (select 1 from person p where p.sub = chain.sub and p.epoch = chain.epoch and p.disabled = 0)
  and (chain.session_id is null or chain.offline = 1 or not exists (select 1 from session s
    where s.session_id = chain.session_id and s.ended_at is not null))
-- Rows that another process holds are left to `rotate`, which waits; locks are taken in id order.
-- name: rotate_many
with asked as (
  select * from unnest(:chain_id::bytea[], :generation::int[], :now::bigint[], :idle_since::bigint[],
    :change_id::bytea[]) as r(chain_id, generation, now, idle_since, change_id)
), held as (
  select h.chain_id from chain h
  where h.chain_id = any(:chain_id::bytea[])
  order by h.chain_id for no key update skip locked
), won as (
  update chain h set generation = h.generation + 1, rotated_at = greatest(h.rotated_at, r.now),
    change_id = r.change_id
  from asked r join held using (chain_id)
  where h.chain_id = r.chain_id and h.generation = r.generation and h.revoked_at is null
    and h.expires_at > r.now and h.rotated_at > r.idle_since
    and exists (select 1 from "authorization" a where a.authorization_id = h.authorization_id
      and a.revoked_at is null and a.expires_at > r.now)
    and exists (select 1 from person p where p.sub = h.sub and p.epoch = h.epoch and p.disabled = 0)
    and (h.session_id is null or h.offline = 1 or not exists (select 1 from session s
      where s.session_id = h.session_id and s.ended_at is not null))
  returning h.chain_id
), noted as (
  insert into audit (at, event, outcome, actor, client_id, sub, request_id, detail)
  select n.at, n.event, n.outcome, n.actor, n.client_id, n.sub, n.request_id, n.detail
  from unnest(:note_of::bytea[], :at::bigint[], :event::text[], :outcome::text[], :actor::text[],
    :note_client::text[], :note_sub::text[], :request_id::text[], :detail::text[])
    as n(chain_id, at, event, outcome, actor, client_id, sub, request_id, detail)
  join won using (chain_id)
)
select chain_id from won

-- It waits for its rows, and loses to nobody. What it has done before, its answer lost, it notes no more.
-- name: revoke_many
with asked as (
  select * from unnest(:chain_id::bytea[], :revoked_at::bigint[], :change_id::bytea[])
    as r(chain_id, revoked_at, change_id)
), held as (
  select h.chain_id, h.revoked_at, h.change_id from chain h
  where h.chain_id = any(:chain_id::bytea[])
    and (h.revoked_at is null or h.change_id = any(:change_id::bytea[]))
  order by h.chain_id for no key update
), won as (
  update chain h set revoked_at = r.revoked_at, change_id = r.change_id
  from asked r join held using (chain_id)
  where h.chain_id = r.chain_id and held.revoked_at is null
), noted as (
  insert into audit (at, event, outcome, actor, client_id, sub, request_id, detail)
  select n.at, n.event, n.outcome, n.actor, n.client_id, n.sub, n.request_id, n.detail
  from unnest(:note_of::bytea[], :at::bigint[], :event::text[], :outcome::text[], :actor::text[],
    :note_client::text[], :note_sub::text[], :request_id::text[], :detail::text[])
    as n(chain_id, at, event, outcome, actor, client_id, sub, request_id, detail)
  where not exists (select 1 from held join asked r using (chain_id, change_id)
    where chain_id = n.chain_id)
)
select unnest(:chain_id::bytea[])

-- name: chain_many
select h.chain_id, h.authorization_id, h.client_id, h.sub, h.epoch, h.generation, h.created_at,
  h.rotated_at, h.expires_at, h.revoked_at, h.session_id, h.offline, h.asked, a.scope,
  p.sub is not null, coalesce(p.username, ''), s.session_id is null
from chain h
left join "authorization" a on a.authorization_id = h.authorization_id and a.revoked_at is null
  and a.expires_at > :now
left join person p on p.sub = h.sub and p.epoch = h.epoch and p.disabled = 0
left join session s on s.session_id = h.session_id and s.ended_at is not null and h.offline = 0
where h.chain_id = any(:chain_id::bytea[])

-- A day's bucket of eight: emptied whole when all in it have ended.
-- name: once
insert into spent (bucket, namespace, "key", expires_at)
select (:expires_at::bigint / 86400) % 8, :namespace::text, :key::bytea, :expires_at::bigint
where not exists (select from spent where namespace = :namespace::text and "key" = :key::bytea)
on conflict do nothing
-- name: purge_spent
select troth_empty_spent(:before::bigint)

-- name: count
insert into attempt ("key", failures, blocked_until, seen_at) values (:key, 1, 0, :now)
on conflict ("key") do update set
  failures = case when attempt.seen_at <= :now - :forget::bigint then 1 else attempt.failures + 1 end,
  blocked_until = case
    when attempt.seen_at <= :now - :forget::bigint or attempt.failures + 1 < :free::int then 0
    else :now + least(:longest::int, 1 << least(attempt.failures + 1 - :free::int, 20)) end,
  seen_at = :now
where attempt.blocked_until <= :now or attempt.blocked_until > :believable
-- name: forgive_one
update attempt set failures = greatest(0, failures - 1), blocked_until = 0 where "key" = :key

-- name: next_slot
select 1
-- name: put_trace
insert into trace (slot, request_id, at, endpoint, error, reason)
values (nextval('trace_slot') % 10000, :request_id, :at, :endpoint, :error, :reason)
on conflict (slot) do update set request_id = excluded.request_id, at = excluded.at,
  endpoint = excluded.endpoint, error = excluded.error, reason = excluded.reason
