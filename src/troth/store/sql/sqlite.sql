-- What SQLite says in its own way, by name.

-- name: bump
update revision set value = value + 1

-- One writer holds everything.
-- name: hold_client
select metadata from client where client_id = :client_id
-- name: hold_sessions_of
select 1
-- name: hold_sessions
select 1
-- name: hold_chains
select 1
-- name: end_sessions_of
update session set ended_at = :at where sub = :key and ended_at is null and session_id is not :spare

-- Who was logged in by a session, and has an address to be told of its end: one row for each.
-- name: tell_of_session
insert into delivery (delivery_id, client_id, sub, session_id, due_at, attempts, expires_at)
select distinct cast(h.session_id || ' ' || h.client_id as blob), h.client_id, h.sub, h.session_id, :at, 0,
  :told_until
from chain h join client c on c.client_id = h.client_id
where h.session_id = :key and json_extract(c.metadata, '$.openid.logout.backchannel_logout_uri') is not null
on conflict (delivery_id) do nothing
-- name: tell_of_sessions_of
insert into delivery (delivery_id, client_id, sub, session_id, due_at, attempts, expires_at)
select distinct cast(h.session_id || ' ' || h.client_id as blob), h.client_id, h.sub, h.session_id, :at, 0,
  :told_until
from "authorization" a join chain h on h.authorization_id = a.authorization_id
join client c on c.client_id = h.client_id
left join session s on s.session_id = h.session_id
where a.sub = :key and h.session_id is not null and h.session_id is not :spare and s.ended_at is null
  and json_extract(c.metadata, '$.openid.logout.backchannel_logout_uri') is not null
on conflict (delivery_id) do nothing
-- name: take_deliveries
update delivery set due_at = :until, attempts = attempts + 1
where delivery_id in (select delivery_id from delivery where due_at <= :now order by due_at limit :most)
returning delivery_id, client_id, sub, session_id, attempts, expires_at

-- name: authorization
select authorization_id, sub, client_id, scope, created_at, expires_at, revoked_at, declined
from "authorization" where sub = :sub and client_id = :client_id and revoked_at is null
order by created_at desc, rowid desc limit 1

-- name: redeem
insert into chain (chain_id, authorization_id, client_id, sub, epoch, generation, created_at, rotated_at,
  expires_at, session_id, offline, asked)
select :chain_id, :authorization_id, :client_id, :sub, :epoch, :generation, :created_at, :rotated_at,
  :expires_at, :session_id, :offline, :asked
where exists (select 1 from "authorization" where authorization_id = :authorization_id
    and revoked_at is null and expires_at > :created_at)
  and exists (select 1 from person where sub = :sub and epoch = :epoch and disabled = 0)
  and exists (select 1 from session where session_id = :login_session and ended_at is null)
on conflict (chain_id) do nothing
-- name: rotate
update chain set generation = generation + 1, rotated_at = max(rotated_at, :now)
where chain_id = :chain_id and generation = :generation and revoked_at is null
  and expires_at > :now and rotated_at > :idle_since
  and exists (select 1 from "authorization" a where a.authorization_id = chain.authorization_id
    and a.revoked_at is null and a.expires_at > :now)
  and exists (select 1 from person p where p.sub = chain.sub and p.epoch = chain.epoch and p.disabled = 0)
  and (chain.session_id is null or chain.offline = 1 or not exists (select 1 from session s
    where s.session_id = chain.session_id and s.ended_at is not null))
-- name: once
insert into spent (namespace, "key", expires_at) values (:namespace, :key, :expires_at)
on conflict do nothing
-- name: count
insert into attempt ("key", failures, blocked_until, seen_at) values (:key, 1, 0, :now)
on conflict ("key") do update set
  failures = case when attempt.seen_at <= :now - :forget then 1 else attempt.failures + 1 end,
  blocked_until = case
    when attempt.seen_at <= :now - :forget or attempt.failures + 1 < :free then 0
    else :now + min(:longest, 1 << min(attempt.failures + 1 - :free, 20)) end,
  seen_at = :now
where attempt.blocked_until <= :now or attempt.blocked_until > :believable
-- name: forgive_one
update attempt set failures = max(0, failures - 1), blocked_until = 0 where "key" = :key

-- name: next_slot
update trace_slot set next = (next + 1) % 10000
-- name: put_trace
insert or replace into trace (slot, request_id, at, endpoint, error, reason)
values ((select next from trace_slot), :request_id, :at, :endpoint, :error, :reason)
-- name: purge_spent
delete from spent where (namespace, "key") in
  (select namespace, "key" from spent where expires_at < :before order by expires_at limit 1000)
