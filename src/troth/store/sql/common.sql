-- The statements that both engines understand, by name.

-- name: revision
select value from revision
-- name: keys
select kid, use, alg, created_at, signs_from, ends_at, wrapped from "key" order by created_at, kid
-- name: put_key
insert into "key" (kid, use, alg, created_at, signs_from, ends_at, wrapped)
values (:kid, :use, :alg, :created_at, :signs_from, :ends_at, :wrapped)
on conflict (kid) do update set ends_at = excluded.ends_at, wrapped = excluded.wrapped
-- name: add_key
insert into "key" (kid, use, alg, created_at, signs_from, ends_at, wrapped)
values (:kid, :use, :alg, :created_at, :signs_from, :ends_at, :wrapped)
on conflict (kid) do nothing

-- name: scopes
select name, description, required, is_default from scope order by name
-- name: put_scope
insert into scope (name, description, required, is_default)
values (:name, :description, :required, :default)
on conflict (name) do update set
  description = excluded.description, required = excluded.required, is_default = excluded.is_default
-- name: remove_scope
delete from scope where name = :key

-- name: client
select metadata from client where client_id = :client_id
-- name: clients
select metadata from client order by created_at, client_id
-- name: put_client
insert into client (client_id, client_name, client_uri, metadata, disabled, created_at)
values (:client_id, :client_name, :client_uri, :metadata, :disabled, :created_at)
on conflict (client_id) do update set
  client_name = excluded.client_name, client_uri = excluded.client_uri,
  metadata = excluded.metadata, disabled = excluded.disabled
-- name: put_origin
insert into client_origin (origin, client_id) values (:origin, :client_id) on conflict do nothing
-- name: remove_origins
delete from client_origin where client_id = :key
-- name: origin_registered
select 1 from client_origin where origin = :origin limit 1
-- name: remove_client
delete from client where client_id = :key

-- name: person
select sub, username, email, password_hash, epoch, disabled, created_at, claims
from person where sub = :sub
-- name: person_by_login
select sub, username, email, password_hash, epoch, disabled, created_at, claims
from person where username_key = :key or email_key = :key
-- name: people
select sub, username, email, password_hash, epoch, disabled, created_at, claims
from person order by created_at, sub
-- name: name_taken
select 1 from person
where sub <> :sub and (username_key in (:username_key, :email_key) or email_key in (:username_key, :email_key))
-- name: insert_person
insert into person (sub, username, username_key, email, email_key, password_hash, epoch, disabled,
  created_at, claims)
values (:sub, :username, :username_key, :email, :email_key, :password_hash, :epoch, :disabled,
  :created_at, :claims)
-- name: update_person
update person set password_hash = :password_hash, epoch = :epoch, disabled = :disabled,
  username = case when :username = :was_username then username else :username end,
  username_key = case when :username_key = :was_username_key then username_key else :username_key end,
  email = case when coalesce(:email, '') = coalesce(:was_email, ' ') then email else :email end,
  email_key = case when coalesce(:email_key, '') = coalesce(:was_email_key, ' ') then email_key else :email_key end,
  claims = case when :claims = :was_claims then claims else :claims end
where sub = :sub and epoch = :expect_epoch
-- name: remove_person
delete from person where sub = :key
-- name: person_stands
select 1 from person where sub = :key and epoch = :epoch and disabled = 0
-- name: client_stands
select 1 from client where client_id = :key and disabled = 0

-- name: session
select s.session_id, s.secret_digest, s.sub, s.epoch, s.authenticated_at, s.last_seen_at, s.expires_at,
  s.user_agent, s.network, s.ended_at, s.acr, s.amr, p.username, p.email, p.password_hash, p.epoch,
  p.created_at, p.claims
from session s join person p on p.sub = s.sub and p.epoch = s.epoch and p.disabled = 0
where s.secret_digest = :secret_digest and s.ended_at is null
-- name: sessions_of
select s.session_id, s.secret_digest, s.sub, s.epoch, s.authenticated_at, s.last_seen_at, s.expires_at,
  s.user_agent, s.network, s.ended_at, s.acr, s.amr
from session s join person p on p.sub = s.sub and p.epoch = s.epoch
where s.sub = :sub and s.ended_at is null order by s.last_seen_at desc
-- name: put_session
insert into session (session_id, secret_digest, sub, epoch, authenticated_at, last_seen_at, expires_at,
  user_agent, network, ended_at, acr, amr)
values (:session_id, :secret_digest, :sub, :epoch, :authenticated_at, :last_seen_at, :expires_at,
  :user_agent, :network, :ended_at, :acr, :amr)
on conflict (session_id) do update set last_seen_at = excluded.last_seen_at
-- The same login session after its person proved again to be there: the cookie's secret is a new one.
-- name: renew_session
update session set secret_digest = :secret_digest, authenticated_at = :authenticated_at,
  last_seen_at = :last_seen_at, expires_at = :expires_at, acr = :acr, amr = :amr
where session_id = :session_id and secret_digest = :former_digest and ended_at is null
-- name: end_session
update session set ended_at = :at
where session_id = :key and ended_at is null and sub = coalesce(:sub, sub)
-- name: clients_of_session
select distinct client_id from chain where session_id = :session_id order by client_id

-- What other servers must still be told. Whoever took one settles it; one that was taken again
-- meanwhile is somebody else's.
-- name: next_delivery
select due_at from delivery order by due_at limit 1
-- name: forget_delivery
delete from delivery where delivery_id = :delivery_id and attempts = :attempts
-- name: put_off_delivery
update delivery set due_at = :due_at where delivery_id = :delivery_id and attempts = :attempts

-- name: applications_of
select a.client_id, c.metadata, a.scope, a.created_at, max(coalesce(h.rotated_at, a.created_at))
from "authorization" a join client c on c.client_id = a.client_id
left join chain h on h.authorization_id = a.authorization_id
where a.sub = :sub and a.revoked_at is null and a.expires_at > :now
group by a.authorization_id, c.client_id order by a.created_at
-- name: approved
select 1 from "authorization" where client_id = :client_id limit 1
-- What was revoked or has ended is not prolonged: what lives under it would stand up again.
-- name: put_authorization
insert into "authorization" (authorization_id, sub, client_id, scope, created_at, expires_at, revoked_at,
  declined)
values (:authorization_id, :sub, :client_id, :scope, :created_at, :expires_at, :revoked_at, :declined)
on conflict (authorization_id) do update set expires_at = excluded.expires_at, declined = excluded.declined
where "authorization".revoked_at is null and "authorization".expires_at > excluded.created_at
-- name: revoke_authorizations
update "authorization" set revoked_at = :at
where client_id = :key and sub = :sub and revoked_at is null
-- name: chain
select h.chain_id, h.authorization_id, h.client_id, h.sub, h.epoch, h.generation, h.created_at,
  h.rotated_at, h.expires_at, h.revoked_at, h.session_id, h.offline, h.asked, a.scope,
  p.sub is not null, coalesce(p.username, ''), s.session_id is null
from chain h
left join "authorization" a on a.authorization_id = h.authorization_id and a.revoked_at is null
  and a.expires_at > :now
left join person p on p.sub = h.sub and p.epoch = h.epoch and p.disabled = 0
left join session s on s.session_id = h.session_id and s.ended_at is not null and h.offline = 0
where h.chain_id = :chain_id
-- name: chain_with_person
select h.chain_id, h.authorization_id, h.client_id, h.sub, h.epoch, h.generation, h.created_at,
  h.rotated_at, h.expires_at, h.revoked_at, h.session_id, h.offline, h.asked, a.scope,
  p.sub is not null, coalesce(p.username, ''), s.session_id is null,
  p.sub, p.username, p.email, p.password_hash, p.epoch, p.disabled, p.created_at, p.claims
from chain h
left join "authorization" a on a.authorization_id = h.authorization_id and a.revoked_at is null
  and a.expires_at > :now
join person p on p.sub = h.sub and p.epoch = h.epoch and p.disabled = 0
left join session s on s.session_id = h.session_id and s.ended_at is not null and h.offline = 0
where h.chain_id = :chain_id
-- name: revoke_chain
update chain set revoked_at = :at where chain_id = :key and revoked_at is null
-- name: session_stands
select 1 from session where session_id = :login_session and ended_at is null

-- name: stored_code
select sealed from stored_code where code_id = :code_id
-- name: put_stored_code
insert into stored_code (code_id, sealed, expires_at) values (:code_id, :sealed, :expires_at)

-- name: spent
select 1 from spent where namespace = :namespace and "key" = :key

-- name: blocked_until
select blocked_until from attempt where "key" = :key
-- name: forgive_all
delete from attempt where "key" = :key
-- name: audit
insert into audit (at, event, outcome, actor, client_id, sub, request_id, detail)
values (:at, :event, :outcome, :actor, :client_id, :sub, :request_id, :detail)
-- name: trace
select request_id, at, endpoint, error, reason from trace where request_id = :request_id

-- In the order of an index: whatever the statistics say, what has not ended is not looked at.
-- Who took part in a login session is read off its chains: each application's last one stays as long
-- as the session can be ended, and is not looked at again before.
-- name: keep_chains_of_sessions
update chain set
  expires_at = (select s.expires_at from session s where s.session_id = chain.session_id)
where chain_id in (select chain_id from chain
    where expires_at < :before and session_id is not null order by expires_at limit 1000)
  and exists (select 1 from session s where s.session_id = chain.session_id
    and s.ended_at is null and s.expires_at >= :before)
  and not exists (select 1 from chain later where later.session_id = chain.session_id
    and later.client_id = chain.client_id and later.expires_at > chain.expires_at)
-- name: purge_chain
delete from chain where chain_id in
  (select chain_id from chain where expires_at < :before order by expires_at limit 1000)
  and not (exists (select 1 from session s where s.session_id = chain.session_id
      and s.ended_at is null and s.expires_at >= :before)
    and not exists (select 1 from chain later where later.session_id = chain.session_id
      and later.client_id = chain.client_id and later.expires_at > chain.expires_at))
-- name: purge_chains_of_ended
delete from chain where chain_id in (
  select chain_id from chain where authorization_id in (
    select * from (select authorization_id from "authorization"
      where revoked_at < :before order by revoked_at limit 1000) as revoked
    union
    select * from (select authorization_id from "authorization"
      where expires_at < :before order by expires_at limit 1000) as expired
  ) limit 1000)
-- name: purge_authorization
delete from "authorization" where authorization_id in (
    select * from (select authorization_id from "authorization"
      where revoked_at < :before order by revoked_at limit 1000) as revoked
    union
    select * from (select authorization_id from "authorization"
      where expires_at < :before order by expires_at limit 1000) as expired
  )
  and not exists (select 1 from chain h where h.authorization_id = "authorization".authorization_id)
-- What ended with its login session would stand again if that row alone were gone.
-- name: purge_chains_of_ended_sessions
delete from chain where chain_id in (
  select h.chain_id from chain h join (select session_id from session
      where expires_at < :before and ended_at is not null order by expires_at limit 1000) as s
    on s.session_id = h.session_id
  where h.offline = 0 limit 1000)
-- name: purge_session
delete from session where session_id in
  (select session_id from session where expires_at < :before order by expires_at limit 1000)
  and not (ended_at is not null and exists (select 1 from chain h
    where h.session_id = session.session_id and h.offline = 0))
-- name: purge_stored_code
delete from stored_code where code_id in
  (select code_id from stored_code where expires_at < :before order by expires_at limit 1000)
-- name: purge_delivery
delete from delivery where delivery_id in
  (select delivery_id from delivery where expires_at < :before order by expires_at limit 1000)
-- name: purge_attempt
delete from attempt where "key" in (select "key" from attempt
  where seen_at < :before and blocked_until < :before order by seen_at limit 1000)
-- name: purge_audit
delete from audit where id in (select id from audit where at < :before order by at limit 1000)

-- One process a minute keeps the house; it finds whether the clock jumped since the last one.
-- name: see_clock
update clock set
  believed_from = case when abs(:now - coalesce(seen_at, :now)) > :jump then :now + :pause
    else believed_from end,
  seen_at = :now
where seen_at is null or abs(:now - seen_at) >= :apart
-- name: believed_from
select believed_from from clock

-- Everything ends in batches: up to which id the next one goes.
-- name: last_session
select session_id from (select session_id from session where session_id > :after
  order by session_id limit :most) as batch order by session_id desc limit 1
-- name: last_chain
select chain_id from (select chain_id from chain where chain_id > :after
  order by chain_id limit :most) as batch order by chain_id desc limit 1
-- name: end_sessions
update session set ended_at = :at
where session_id > :after and session_id <= :until and ended_at is null
-- name: end_chains
update chain set revoked_at = :at
where chain_id > :after and chain_id <= :until and revoked_at is null
