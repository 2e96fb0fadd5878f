"""
The tables in which a database keeps shared state, which are made at the first use.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..._sql.client import BadStatement, Database, Transaction

#: The version of the tables.
VERSION = 1

# What makes the tables, in their order.  An entry is a bucket, a source that is known, a
# password that was tried, or a value; the first letter of its name says which.  The row
# of the other table says that this one is there, and could be used then.
_MAKE = (
    """
    create {unlogged} table if not exists mycred_state_entries (
        name {bytes} not null primary key,
        empty_at double precision not null,
        last_at double precision not null,
        until_at double precision not null,
        kind integer not null default 0,
        content {content}{index}
    ){more}
    """,
    "{makeIndex}",
    """
    create table if not exists mycred_state_schema (
        version integer not null primary key
    ){more}
    """,
)

# What has no effect but that it fails where a table is another's or may not be changed.
_TRY = (
    "insert into mycred_state_entries (name, empty_at, last_at, until_at, kind, content)"
    " select name, empty_at, last_at, until_at, kind, content"
    " from mycred_state_entries where 1 = 0",
    "update mycred_state_entries set last_at = 0 where 1 = 0",
    "delete from mycred_state_entries where 1 = 0",
)

_INDEX = (
    "create index if not exists mycred_state_until on mycred_state_entries (until_at)"
)

# How databases differ in that.  What PostgreSQL doesn't log is quick to write, and gone
# after a crash, as failures may be.
_SPELLED: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "unlogged": "",
        "bytes": "blob",
        "content": "blob",
        "index": "",
        "makeIndex": _INDEX,
        "more": "",
        "note": "insert or ignore into mycred_state_schema values (:version)",
    },
    "postgresql": {
        "unlogged": "unlogged",
        "bytes": "bytea",
        "content": "bytea",
        "index": "",
        "makeIndex": _INDEX,
        "more": "",
        "note": (
            "insert into mycred_state_schema values (:version) on conflict do nothing"
        ),
    },
    "mysql": {
        "unlogged": "",
        "bytes": "varbinary(100)",
        "content": "blob",
        "index": ", key mycred_state_until (until_at)",
        "makeIndex": "",
        "more": " engine=InnoDB default charset=ascii",
        "note": "insert ignore into mycred_state_schema values (:version)",
    },
}

#: The dialects of the databases that can be a home of shared state.
DIALECTS = frozenset(_SPELLED)

# What has a change take a fifth of the time in an SQLite file, for good: the disk writes
# once for it.  Where the file system can't do that nothing changes.
_HASTEN = "pragma journal_mode = wal"

# Two programs that start at once mustn't both make the tables: PostgreSQL has no "if not
# exists" that holds then.  The number is any that others don't use.
_LOCK = "select pg_advisory_xact_lock(7235420417338275438)"


class WrongTables(Exception):
    """
    The tables of the database are of another version, or another program's.
    """


def insistOnTables(database: Database, until: float) -> None:
    """
    Insist on the tables, and make them if there are none.

    @param until: the deadline, by L{time.monotonic}.

    @raise WrongTables: if there are others of the same names, or if they can't be used.
    @raise Fault: if the database can't be used.
    """
    version = _versionIn(database, until)
    if version is None:
        if database.dialect == "sqlite":
            database.read(_HASTEN, {}, until)
        database.transaction(_make, until)
    elif version != VERSION:
        raise WrongTables(
            f"its tables are of version {version}, and those of this program of version "
            f"{VERSION}"
        )
    else:
        database.transaction(_try, until)


def _versionIn(database: Database, until: float) -> int | None:
    """
    Return the version of the tables; L{None} if there are none.
    """
    statement = "select max(version) from mycred_state_schema"
    try:
        version: int | None = database.read(statement, {}, until).rows[0][0]
    except BadStatement:
        return None
    return version


def _make(transaction: Transaction) -> None:
    """
    Make the tables.  Where a database makes each of them at once, what was begun is gone
    on with.
    """
    if transaction.dialect == "postgresql":
        transaction.execute(_LOCK)
    spelled = _SPELLED[transaction.dialect]
    for statement in (*_MAKE, *_TRY, "{note}"):
        _execute(transaction, statement.format(**spelled))


def _try(transaction: Transaction) -> None:
    """
    Insist on tables that can be used.
    """
    for statement in _TRY:
        _execute(transaction, statement)


def _execute(transaction: Transaction, statement: str) -> None:
    """
    Execute a statement, if there is one.

    @raise WrongTables: if it fails.
    """
    try:
        if statement:
            transaction.execute(statement, version=VERSION)
    except BadStatement as error:
        raise WrongTables(
            f"the tables mycred_state_... can't be made or used ({error}); let its user "
            "make tables, or name a database without others of those names"
        ) from None


__all__ = ["DIALECTS", "VERSION", "WrongTables", "insistOnTables"]
