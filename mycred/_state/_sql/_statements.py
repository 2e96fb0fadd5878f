"""
Statements on the entries of shared state, as each kind of database wants them.
"""

from __future__ import annotations

#: The time at the database, in seconds since 1970, when a statement begins.
NOW = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "cast(extract(epoch from clock_timestamp()) as double precision)",
    "mysql": "(timestampdiff(microsecond, '1970-01-01', utc_timestamp(6)) / 1e6)",
}

#: What makes the entries that aren't there, and locks them, in the order in which they
#: are written.  MariaDB would let two transactions share a lock that both want alone
#: later.
ADD = {
    "sqlite": "on conflict (name) do nothing",
    "postgresql": "on conflict (name) do nothing",
    "mysql": "on duplicate key update name = values(name)",
}

#: What locks them.  An SQLite file is locked as a whole.
LOCK = {"sqlite": "", "postgresql": "for update", "mysql": "for update"}

_WRITTEN = ("empty_at", "last_at", "until_at", "kind")
REPLACE = {
    **dict.fromkeys(
        ("sqlite", "postgresql"),
        "on conflict (name) do update set "
        + ", ".join(f"{column} = excluded.{column}" for column in _WRITTEN),
    ),
    "mysql": "on duplicate key update "
    + ", ".join(f"{column} = values({column})" for column in _WRITTEN),
}

#: What keeps MariaDB from locking a whole table that is small.
FORCE = {"sqlite": "", "postgresql": "", "mysql": "force index (primary)"}

#: What deletes entries that were found without a lock, unless they have changed.  Those
#: that others have locked are left to the next time, where that can be said.
DELETE = {
    "sqlite": (
        "delete from mycred_state_entries where name in ({names}) and until_at < :before"
    ),
    "postgresql": (
        "delete from mycred_state_entries where name in ("
        "select name from mycred_state_entries"
        " where name in ({names}) and until_at < :before for update skip locked)"
    ),
    "mysql": (
        "delete entry from mycred_state_entries entry force index (primary)"
        " where name in ({names}) and until_at < :before"
    ),
}
OLD = """
    select name from mycred_state_entries where until_at < :before and name < :below
    order by until_at limit :most
"""

FIND = """
    select null, {now}, 0, 0, 0
    union all
    select name, empty_at, last_at, until_at, kind
    from mycred_state_entries where name in ({names})
"""
LOCK_THEM = """
    select name from mycred_state_entries {force} where name in ({names})
    order by name {lock}
"""
INSERT = """
    insert into mycred_state_entries (name, empty_at, last_at, until_at, kind)
    values {rows} {existing}
"""
BEYOND = """
    select name from mycred_state_entries where name >= :low and name < :high
    order by until_at desc limit 100 offset {most:d}
"""
COUNT = "select count(*) from mycred_state_entries where name < :below"
#: Whatever others have written, no more is read than a value may have.
VALUE = """
    select case when length(content) <= 4096 then content end, until_at, {now}
    from mycred_state_entries where name = :name
"""
SET_VALUE = """
    update mycred_state_entries set content = :new, until_at = :until where name = :name
"""

__all__ = [
    "ADD",
    "BEYOND",
    "COUNT",
    "DELETE",
    "FIND",
    "FORCE",
    "INSERT",
    "LOCK",
    "LOCK_THEM",
    "NOW",
    "OLD",
    "REPLACE",
    "SET_VALUE",
    "VALUE",
]
