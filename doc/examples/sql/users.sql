create table users (
    name varchar(255) not null primary key,
    password varchar(255) not null,
    disabled boolean not null default false,
    expires date
);
