"""
Databases with many users on this machine, and the plain drivers that ask them.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.kit.databases import DatabaseServer, MariaDB, PostgreSQL

#: The names of the kinds.
KINDS = ("PostgreSQL", "MariaDB", "SQLite")

#: What is asked, as mycred and as each driver spells it.
QUERY = "select name, password from users where name = :username"

_TABLE = "create table users (name varchar(190) primary key, password text not null)"


class Users(NamedTuple):
    """
    A database with users.

    @ivar kind: what to call it.
    @ivar url: its URL.
    @ivar connect: makes a connection by the plain driver, with autocommit.
    @ivar query: the query, as the driver spells it.
    @ivar connections: counts the connections to it.
    """

    kind: str
    url: str
    connect: Callable[[], Any]
    query: str
    connections: Callable[[], int]


@contextmanager
def databaseOf(kind: str, stored: bytes, names: list[str]) -> Iterator[Users]:
    """
    Have a database with users meanwhile.

    @param kind: one of L{KINDS}.
    @param stored: what is stored as the password of each.

    @raise SkipTest: if there is no such server.
    """
    rows = [(name, stored.decode("ascii")) for name in names]
    if kind == "SQLite":
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "users.sqlite"
            with closing(sqlite3.connect(path)) as connection:
                connection.execute(_TABLE)
                connection.executemany("insert into users values (?, ?)", rows)
                connection.commit()

            def connect() -> Any:
                return sqlite3.connect(path, isolation_level=None)

            yield Users(kind, f"sqlite:///{path}", connect, QUERY, lambda: 0)
        return
    server = PostgreSQL() if kind == "PostgreSQL" else MariaDB()
    try:
        yield _filled(kind, server, rows)
    finally:
        server.stop()


def _filled(kind: str, server: DatabaseServer, rows: list[tuple[str, str]]) -> Users:
    """
    Return a database on a server, with users.
    """
    name = server.makeDatabase()
    url = server.url(name)
    connect = _connecting(url)
    with closing(connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(_TABLE)
        cursor.executemany("insert into users values (%s, %s)", rows)
    table, column = {
        "PostgreSQL": ("pg_stat_activity", "datname"),
        "MariaDB": ("information_schema.processlist", "db"),
    }[kind]
    counting = f"select count(*) from {table} where {column} = '{name}'"
    query = QUERY.replace(":username", "%(username)s")
    return Users(kind, url, connect, query, lambda: int(server.query(counting)[0][0]))


def _connecting(url: str) -> Callable[[], Any]:
    """
    Return what connects by the plain driver.
    """
    if url.startswith("postgresql"):
        import psycopg

        return lambda: psycopg.connect(url, autocommit=True)
    import pymysql
    from sqlalchemy import make_url

    parsed = make_url(url)
    return lambda: pymysql.connect(
        host=parsed.host or "",
        port=parsed.port or 0,
        user=parsed.username,
        password=parsed.password or "",
        database=parsed.database,
        charset="utf8mb4",
        autocommit=True,
    )
