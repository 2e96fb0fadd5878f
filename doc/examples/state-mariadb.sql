-- As root, in the database: the tables, and a user who may do no more than needed.
create table mycred_state_entries (
    name varbinary(100) not null primary key,
    empty_at double precision not null,
    last_at double precision not null,
    until_at double precision not null,
    kind integer not null default 0,
    content blob,
    key mycred_state_until (until_at)
) engine=InnoDB default charset=ascii;
create table mycred_state_schema (version integer not null primary key) engine=InnoDB;
insert into mycred_state_schema values (1);

create user myapp_state identified by 'change me';
grant select, insert, update, delete on mycred_state_entries to myapp_state;
grant select on mycred_state_schema to myapp_state;
