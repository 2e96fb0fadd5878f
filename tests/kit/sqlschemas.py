"""
The tables in which programs for mail and chat keep their accounts, as far as logins need
them: the names and types of columns are those programs', for each database that they
know.
"""

from __future__ import annotations

from base64 import b64encode

from mycred._scram import ScramKeys

from .databases import DatabaseServer

# Postfixadmin keeps what isn't a person's name in latin1.
_LATIN = "character set latin1 collate latin1_general_ci"

# Dates of before dates were kept, in Postfixadmin.
_NEVER = "'2000-01-01'"

_UTF8 = "engine=InnoDB character set utf8mb4 collate utf8mb4_unicode_ci"

#: Postfixadmin 3.3 to 4.0: a mailbox is named by its address, and C{name} is the
#: person's.
POSTFIXADMIN = {
    "postgresql": (
        "create table domain (domain varchar(255) primary key, description varchar(255)"
        " not null default '', active boolean not null default true,"
        " password_expiry int default 0)",
        "create table mailbox (username varchar(255) primary key, password varchar(255)"
        " not null default '', name varchar(255) not null default '', maildir"
        " varchar(255) not null default '', quota bigint not null default 0, domain"
        " varchar(255) references domain (domain), local_part varchar(255) not null,"
        " active boolean not null default true,"
        f" password_expiry timestamp with time zone default {_NEVER})",
    ),
    "mysql": (
        "create table domain (domain varchar(255) not null, description varchar(255)"
        " character set utf8mb4 not null default '', active tinyint(1) not null default"
        f" '1', password_expiry int default 0, primary key (domain)) {_LATIN}",
        "create table mailbox (username varchar(255) not null, password varchar(255) not"
        " null, name varchar(255) character set utf8mb4 not null, maildir varchar(255)"
        " not null, quota bigint(20) not null default '0', local_part varchar(255) not"
        " null, domain varchar(255) not null, active tinyint(1) not null default '1',"
        f" password_expiry datetime not null default {_NEVER}, primary key (username),"
        f" key domain (domain)) {_LATIN}",
    ),
}

_DOVECOT = (
    "create table users (username varchar(128) not null, domain varchar(128) not null,"
    " password varchar(255) not null, home varchar(255) not null, uid integer not null,"
    " gid integer not null, active char(1) default 'Y' not null)"
)

#: The table of Dovecot's C{dovecot-sql.conf.ext}, with a column for passwords into which
#: the longest hashes fit.
DOVECOT = {"postgresql": (_DOVECOT,), "mysql": (_DOVECOT,)}


def _ejabberd(mysqlHost: str, postgresqlHost: str) -> dict[str, tuple[str, ...]]:
    """
    Return ejabberd's table.

    @param mysqlHost: what it has of the host, in MySQL.
    @param postgresqlHost: the same, in PostgreSQL.
    """
    key = f"{'server_host, ' if mysqlHost else ''}username, type"
    return {
        "postgresql": (
            f"create table users (username text not null, {postgresqlHost} type smallint"
            " not null, password text not null, serverkey text not null default '', salt"
            " text not null default '', iterationcount integer not null default 0,"
            f" created_at timestamp not null default now(), primary key ({key}))",
        ),
        "mysql": (
            f"create table users (username varchar(191) not null, {mysqlHost} type"
            " smallint not null, password text not null, serverkey varchar(128) not null"
            " default '', salt varchar(128) not null default '', iterationcount integer"
            " not null default 0, created_at timestamp not null default"
            f" current_timestamp, primary key ({key})) {_UTF8}",
        ),
    }


#: ejabberd's C{pg.sql} and C{mysql.sql}, since 25.03: one host.
EJABBERD = _ejabberd("", "")

#: ejabberd's C{pg.new.sql} and C{mysql.new.sql}, since 25.03: any number of hosts.
EJABBERD_HOSTS = _ejabberd(
    "server_host varchar(191) not null,", "server_host text not null,"
)

#: What ejabberd calls the hash of SCRAM in the column C{type}.
EJABBERD_TYPES = {"sha1": 2, "sha256": 3}


def ejabberdRow(user: str, keys: ScramKeys, host: str = "") -> dict[str, object]:
    """
    Return the row that ejabberd makes of a user with keys for SCRAM.

    @param host: the host, where the table has it.
    """
    stored, server, salt = (
        b64encode(part).decode() for part in (keys.storedKey, keys.serverKey, keys.salt)
    )
    return {
        "username": user,
        "type": EJABBERD_TYPES[keys.hash],
        "password": stored,
        "serverkey": server,
        "salt": salt,
        "iterationcount": keys.iterations,
        **({"server_host": host} if host else {}),
    }


def insert(
    server: DatabaseServer, database: str, table: str, row: dict[str, object]
) -> None:
    """
    Insert a row, as the server's administrator.
    """
    connection = server.connect(database)
    try:
        places = ", ".join(["%s"] * len(row))
        statement = f"insert into {table} ({', '.join(row)}) values ({places})"
        connection.cursor().execute(statement, [*row.values()])
    finally:
        connection.close()


__all__ = [
    "DOVECOT",
    "EJABBERD",
    "EJABBERD_HOSTS",
    "EJABBERD_TYPES",
    "POSTFIXADMIN",
    "ejabberdRow",
    "insert",
]
