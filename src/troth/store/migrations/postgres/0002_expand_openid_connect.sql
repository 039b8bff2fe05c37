-- What OpenID Connect keeps. Times are whole seconds.

-- Claims of OpenID Connect Core 5.1 and the operator's own, as one JSON object.
alter table person add column claims text not null default '{}';

-- How the person logged in: authentication context and methods (RFC 8176).
alter table session add column acr text not null default '';
alter table session add column amr text not null default '';

-- A chain that was granted `openid` names its login session, and ends with it unless it is offline.
alter table chain add column session_id text;
alter table chain add column offline integer not null default 0;
-- What its request asked of ID tokens and UserInfo beyond scopes, as JSON.
alter table chain add column asked text;
create index chain_of_session on chain (session_id) where session_id is not null;

-- Codes that would be too long to travel; sealed.
create table stored_code (
  code_id bytea primary key, sealed text not null, expires_at bigint not null
);
create index stored_code_expiry on stored_code (expires_at);

-- What other servers must still be told: back-channel logout.
create table delivery (
  delivery_id bytea primary key, client_id text not null, sub text not null, session_id text not null,
  due_at bigint not null, attempts integer not null, expires_at bigint not null
) with (fillfactor = 80);
create index delivery_due on delivery (due_at);
create index delivery_expiry on delivery (expires_at);

insert into scope (name, description, required, is_default) values
  ('openid', 'Know that it is you, by a reference to your account', 1, 0),
  ('profile', 'See your name and the details of your profile', 0, 0),
  ('email', 'See your e-mail address', 0, 0),
  ('address', 'See your postal address', 0, 0),
  ('phone', 'See your phone number', 0, 0),
  ('offline_access', 'Keep this access when you have signed out', 0, 0)
on conflict (name) do nothing;
update revision set value = value + 1;
