-- The whole of the first schema. Times are whole seconds; ids are never used again.
create table revision (only integer primary key check (only = 1), value integer not null);
insert into revision values (1, 1);

create table "key" (
  kid text primary key, use text not null, alg text not null, created_at integer not null,
  signs_from integer not null, ends_at integer, wrapped blob not null
);

create table scope (
  name text primary key, description text not null,
  required integer not null, is_default integer not null
);

create table client (
  client_id text primary key, client_name text not null, client_uri text,
  metadata text not null, disabled integer not null, created_at integer not null
);

create table person (
  sub text primary key, username text not null, username_key text not null unique,
  email text, email_key text unique, password_hash text, epoch integer not null,
  disabled integer not null, created_at integer not null
);

create table session (
  session_id text primary key, secret_digest text not null unique, sub text not null,
  epoch integer not null, authenticated_at integer not null, last_seen_at integer not null,
  expires_at integer not null, user_agent text not null, network text not null, ended_at integer
);
create index session_of_person on session (sub);
create index session_expiry on session (expires_at);

create table "authorization" (
  authorization_id text primary key, sub text not null, client_id text not null,
  scope text not null, created_at integer not null, expires_at integer not null,
  revoked_at integer
);
create index authorization_of_person on "authorization" (sub, client_id, created_at);
create index authorization_expiry on "authorization" (expires_at);
create index authorization_end on "authorization" (revoked_at) where revoked_at is not null;

-- One row per redeemed code, however often it is refreshed.
create table chain (
  chain_id blob primary key, authorization_id text not null, client_id text not null,
  sub text not null, epoch integer not null, generation integer not null,
  created_at integer not null, rotated_at integer not null, expires_at integer not null,
  revoked_at integer
) without rowid;
create index chain_of_authorization on chain (authorization_id);
create index chain_expiry on chain (expires_at);

-- What may happen once: answered transactions, revoked tokens without a chain.
create table spent (
  namespace text not null, "key" blob not null, expires_at integer not null,
  primary key (namespace, "key")
) without rowid;
create index spent_expiry on spent (expires_at);

create table attempt (
  "key" text primary key, failures integer not null, blocked_until integer not null,
  seen_at integer not null
);
create index attempt_age on attempt (seen_at);

create table audit (
  id integer primary key, at integer not null, event text not null, outcome text not null,
  actor text not null, client_id text not null, sub text not null, request_id text not null,
  detail text not null
);
create index audit_age on audit (at);

-- A ring: a slot is written again when its turn comes.
create table trace (
  slot integer primary key, request_id text not null, at integer not null,
  endpoint text not null, error text not null, reason text not null
);
create index trace_of_request on trace (request_id);
create table trace_slot (only integer primary key check (only = 1), next integer not null);
insert into trace_slot values (1, 0);

-- Web origins of public clients' redirect URIs: who may call the token endpoint from a browser.
create table client_origin (
  origin text not null, client_id text not null, primary key (origin, client_id)
) without rowid;

-- What the clock said when the house was last kept, and from when on what it says is believed.
create table clock (
  only_one integer primary key check (only_one = 1), seen_at integer, believed_from integer not null
);
insert into clock values (1, null, 0);
