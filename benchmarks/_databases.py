"""
Databases with many users on this machine, and the plain drivers that ask them.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
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


#: Makes a database, in which users with these names all have the same stored password.
Make = Callable[[bytes, Iterable[str]], Users]


@contextmanager
def serving(kind: str) -> Iterator[Make]:
    """
    Have databases of a kind meanwhile.

    @param kind: one of L{KINDS}.

    @raise SkipTest: if there is no such server.
    """
    if kind == "SQLite":
        with tempfile.TemporaryDirectory() as directory:
            yield partial(_makeFile, directory)
        return
    server = PostgreSQL() if kind == "PostgreSQL" else MariaDB()
    try:
        yield partial(_makeDatabase, kind, server)
    finally:
        server.stop()


def _makeFile(directory: str, stored: bytes, names: Iterable[str]) -> Users:
    """
    Make a file of SQLite.
    """
    handle, path = tempfile.mkstemp(dir=directory)
    os.close(handle)

    def connect() -> Any:
        return sqlite3.connect(path, isolation_level=None)

    _fill(connect, stored, names, "?")
    return Users("SQLite", f"sqlite:///{path}", connect, QUERY, lambda: 0)


def _makeDatabase(
    kind: str, server: DatabaseServer, stored: bytes, names: Iterable[str]
) -> Users:
    """
    Make a database on a server.
    """
    name = server.makeDatabase()
    url = server.url(name)
    connect = _connecting(url)
    _fill(connect, stored, names, "%s")
    table, column = {
        "PostgreSQL": ("pg_stat_activity", "datname"),
        "MariaDB": ("information_schema.processlist", "db"),
    }[kind]
    counting = f"select count(*) from {table} where {column} = '{name}'"
    query = QUERY.replace(":username", "%(username)s")
    return Users(kind, url, connect, query, lambda: int(server.query(counting)[0][0]))


def _fill(
    connect: Callable[[], Any], stored: bytes, names: Iterable[str], mark: str
) -> None:
    """
    Make the table of users.

    @param mark: what stands for a value, as the driver spells it.
    """
    rows = [(name, stored.decode("ascii")) for name in names]
    with closing(connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(_TABLE)
        cursor.execute("begin")
        cursor.executemany(f"insert into users values ({mark}, {mark})", rows)
        cursor.execute("commit")


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
