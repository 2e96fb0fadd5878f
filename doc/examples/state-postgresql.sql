-- As the owner of the database: the tables, and a user who may do no more than needed.
create unlogged table mycred_state_entries (
    name bytea not null primary key,
    empty_at double precision not null,
    last_at double precision not null,
    until_at double precision not null,
    kind integer not null default 0,
    content bytea
);
create index mycred_state_until on mycred_state_entries (until_at);
create table mycred_state_schema (version integer not null primary key);
insert into mycred_state_schema values (1);

create role myapp_state login password 'change me';
grant select, insert, update, delete on mycred_state_entries to myapp_state;
grant select on mycred_state_schema to myapp_state;

-- A process that is stopped amid a transaction has nobody wait for long.
alter role myapp_state set idle_in_transaction_session_timeout = '2s';
