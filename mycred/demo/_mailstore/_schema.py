"""
The tables of the store, which are made at the first use.
"""

from __future__ import annotations

from ..._sql.client import BadStatement, Database, Transaction
from ._notices import newChannel

#: The version of the tables.
VERSION = 1

# What makes the tables, in their order, and what has no effect but that it fails where a
# table is another's or may not be changed.
_TABLES = {
    "mail_users": (
        """
        create table if not exists mail_users (
            name {name} not null primary key,
            uidvalidity bigint not null,
            uidnext bigint not null
        ){more}
        """,
        "insert into mail_users (name, uidvalidity, uidnext)"
        " select name, uidvalidity, uidnext from mail_users where 1 = 0",
        "update mail_users set uidnext = 1 where 1 = 0",
    ),
    "mail_messages": (
        """
        create table if not exists mail_messages (
            name {name} not null,
            uid bigint not null,
            flags varchar(200) not null,
            received double precision not null,
            octets bigint not null,
            size bigint not null,
            content {content} not null,
            primary key (name, uid),
            foreign key (name) references mail_users (name)
        ){more}
        """,
        "insert into mail_messages (name, uid, flags, received, octets, size, content)"
        " select name, uid, flags, received, octets, size, content"
        " from mail_messages where 1 = 0",
        "update mail_messages set flags = '' where 1 = 0",
        "delete from mail_messages where 1 = 0",
    ),
    # Last, since its row says that the others are there.
    "mycred_schema": (
        """
        create table if not exists mycred_schema (
            version integer not null primary key,
            channel varchar(40) not null
        ){more}
        """,
        "select version, channel from mycred_schema where 1 = 0",
    ),
}

# What notes the version, and does nothing if another program has noted it just now.
_NOTE = {
    "sqlite": "insert or ignore into mycred_schema values (:version, :channel)",
    "postgresql": (
        "insert into mycred_schema values (:version, :channel) on conflict do nothing"
    ),
    "mysql": "insert ignore into mycred_schema values (:version, :channel)",
}

# What databases call strings of bytes: a name has up to 1024.  MariaDB's tables take
# part in transactions if that is said.
_SPELLED = {
    "sqlite": {"name": "blob", "content": "blob", "more": ""},
    "postgresql": {"name": "bytea", "content": "bytea", "more": ""},
    "mysql": {
        "name": "varbinary(1024)",
        "content": "longblob",
        "more": " engine=InnoDB row_format=dynamic default charset=ascii",
    },
}

#: The dialects of the databases that can be the store.
DIALECTS = frozenset(_SPELLED)

# Two programs that start at once mustn't both make the tables: PostgreSQL has no "if not
# exists" that holds then.  The number is any that others don't use.
_LOCK = "select pg_advisory_xact_lock(7235420417338275437)"

# What becomes of the file of an earlier version of mycred, which had no version.
_MIGRATE = [
    "alter table users rename to mail_users",
    "alter table messages rename to mail_messages",
    "alter table mail_messages rename column user to name",
    "alter table mail_messages rename column date to received",
    "alter table mail_messages add column octets bigint not null default 0",
    "alter table mail_messages add column size bigint not null default 0",
    # On the wire there is another octet at each end of a line.
    "update mail_messages set octets = length(content), size = 2 * length(content)"
    " - length(cast(replace(content, x'0a', x'') as blob))",
]


class WrongTables(Exception):
    """
    The tables of the database are of another version, or another program's.
    """


def insistOnTables(database: Database, until: float) -> None:
    """
    Insist on the tables of the store, and make them if there are none.

    @param until: the deadline, by L{time.monotonic}.

    @raise WrongTables: if there are others of the same names, or if they can't be used.
    @raise Fault: if the database can't be used.
    """
    version = _versionIn(database, until)
    if version is None:
        database.transaction(_make, until)
    else:
        # Those of another version have other columns.
        insistOnVersion(version)
        database.transaction(_check, until)


def insistOnVersion(version: int | None) -> None:
    """
    Insist on tables of this program's version.

    @raise WrongTables: if they are of another.
    """
    if version != VERSION:
        raise WrongTables(
            f"its tables are of version {version}, and those of this program of version "
            f"{VERSION}"
        )


def _versionIn(database: Database, until: float) -> int | None:
    """
    Return the version of the tables; L{None} if there are none.
    """
    try:
        rows = database.read("select max(version) from mycred_schema", {}, until).rows
    except BadStatement:
        return None
    version: int | None = rows[0][0]
    return version


def _make(transaction: Transaction) -> None:
    """
    Make the tables.  Where a database makes each of them at once, what was begun is gone
    on with.

    @raise WrongTables: if that fails.
    """
    dialect = transaction.dialect
    if dialect == "postgresql":
        transaction.execute(_LOCK)
    if dialect == "sqlite" and _isEarlier(transaction):
        for statement in _MIGRATE:
            transaction.execute(statement)
    _execute(transaction, 0)
    transaction.execute(_NOTE[dialect], version=VERSION, channel=newChannel())
    rows = transaction.execute("select max(version) from mycred_schema").rows
    insistOnVersion(rows[0][0])


def _check(transaction: Transaction) -> None:
    """
    Insist on tables that can be used.

    @raise WrongTables: if they can't.
    """
    _execute(transaction, 1)


def _execute(transaction: Transaction, first: int) -> None:
    """
    Execute the statements of each table.

    @param first: with which one to begin.

    @raise WrongTables: if one fails.
    """
    for table, statements in _TABLES.items():
        for statement in statements[first:]:
            try:
                transaction.execute(statement.format(**_SPELLED[transaction.dialect]))
            except BadStatement as error:
                raise WrongTables(
                    f"the table {table} can't be made or used ({error}); let its user "
                    "make tables, or name a database without other tables of that name"
                ) from None


def _isEarlier(transaction: Transaction) -> bool:
    """
    Return whether an SQLite file is the store of an earlier version of mycred.
    """
    found = transaction.execute(
        "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c"
        " where m.name in ('users', 'messages') and c.name in ('uidvalidity', 'content')"
    ).rows
    return {("users", "uidvalidity"), ("messages", "content")} == set(found)


__all__ = ["DIALECTS", "VERSION", "WrongTables", "insistOnTables", "insistOnVersion"]
