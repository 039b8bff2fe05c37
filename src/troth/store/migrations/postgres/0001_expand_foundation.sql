-- The whole of the first schema. Times are whole seconds; ids are never used again.
create table revision (only_one integer primary key check (only_one = 1), value bigint not null);
insert into revision values (1, 1);

create table "key" (
  kid text primary key, use text not null, alg text not null, created_at bigint not null,
  signs_from bigint not null, ends_at bigint, wrapped bytea not null
);

create table scope (
  name text primary key, description text not null,
  required integer not null, is_default integer not null
);

create table client (
  client_id text primary key, client_name text not null, client_uri text,
  metadata text not null, disabled integer not null, created_at bigint not null
);

create table person (
  sub text primary key, username text not null, username_key text not null unique,
  email text, email_key text unique, password_hash text, epoch integer not null,
  disabled integer not null, created_at bigint not null
);

create table session (
  session_id text primary key, secret_digest text not null unique, sub text not null,
  epoch integer not null, authenticated_at bigint not null, last_seen_at bigint not null,
  expires_at bigint not null, user_agent text not null, network text not null, ended_at bigint
) with (fillfactor = 80);
create index session_of_person on session (sub);
create index session_expiry on session (expires_at);

create table "authorization" (
  authorization_id text primary key, sub text not null, client_id text not null,
  scope text not null, created_at bigint not null, expires_at bigint not null,
  revoked_at bigint, number bigint generated always as identity
);
create index authorization_of_person on "authorization" (sub, client_id, created_at);
create index authorization_expiry on "authorization" (expires_at);
create index authorization_end on "authorization" (revoked_at) where revoked_at is not null;

-- One row per redeemed code, however often it is refreshed. What a rotation changes is in no
-- index and finds room on its page, so that an update touches the heap alone.
create table chain (
  chain_id bytea primary key, authorization_id text not null, client_id text not null,
  sub text not null, epoch integer not null, generation integer not null,
  created_at bigint not null, rotated_at bigint not null, expires_at bigint not null,
  revoked_at bigint, change_id bytea
) with (fillfactor = 80);
create index chain_of_authorization on chain (authorization_id);
create index chain_expiry on chain (expires_at);

-- What may happen once: answered transactions, revoked tokens without a chain. A bucket holds
-- what ends on one day; the lives of its rows are far shorter than the eight days between two turns.
create table spent (
  bucket integer not null, namespace text not null, "key" bytea not null, expires_at bigint not null,
  primary key (bucket, namespace, "key")
) partition by list (bucket);
create table spent_0 partition of spent for values in (0);
create table spent_1 partition of spent for values in (1);
create table spent_2 partition of spent for values in (2);
create table spent_3 partition of spent for values in (3);
create table spent_4 partition of spent for values in (4);
create table spent_5 partition of spent for values in (5);
create table spent_6 partition of spent for values in (6);
create table spent_7 partition of spent for values in (7);

-- Empties the buckets in which every row has ended; how many they were.
create function troth_empty_spent(before bigint) returns bigint language plpgsql
security definer set search_path from current as $$
declare
  emptied bigint := 0;
  ended boolean;
begin
  for bucket in 0..7 loop
    for attempt in 1..2 loop
      execute format('select exists (select from spent_%s) and not exists (select from spent_%s where expires_at >= $1)', bucket, bucket)
        into ended using before;
      exit when not ended;
      if attempt = 1 then
        -- Then looked at once more: while this waits, somebody may still write into the bucket.
        execute format('lock table spent_%s in access exclusive mode', bucket);
      else
        execute format('truncate spent_%s', bucket);
        emptied := emptied + 1;
      end if;
    end loop;
  end loop;
  return emptied;
end
$$;

create table attempt (
  "key" text primary key, failures integer not null, blocked_until bigint not null,
  seen_at bigint not null
) with (fillfactor = 80);
create index attempt_age on attempt (seen_at);

create table audit (
  id bigint generated always as identity primary key, at bigint not null, event text not null,
  outcome text not null, actor text not null, client_id text not null, sub text not null,
  request_id text not null, detail text not null
);
create index audit_age on audit (at);

-- A ring: a slot is written again when its turn comes.
create table trace (
  slot integer primary key, request_id text not null, at bigint not null,
  endpoint text not null, error text not null, reason text not null
);
create index trace_of_request on trace (request_id);
create sequence trace_slot minvalue 0 start 0;

-- Web origins of public clients' redirect URIs: who may call the token endpoint from a browser.
create table client_origin (
  origin text not null, client_id text not null, primary key (origin, client_id)
);

-- What the clock said when the house was last kept, and from when on what it says is believed.
create table clock (
  only_one integer primary key check (only_one = 1), seen_at bigint, believed_from bigint not null
);
insert into clock values (1, null, 0);
