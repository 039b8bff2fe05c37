-- What a person was asked about and left out: they are not asked again.
alter table "authorization" add column declined text not null default '';
