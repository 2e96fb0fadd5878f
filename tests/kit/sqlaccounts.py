"""
Tables of accounts in real databases, and checkers that ask them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from shutil import rmtree
from typing import Any, ClassVar

from hypothesis import strategies as st

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred import hashes
from mycred._checking import _lookups
from mycred.checkers.sql import SQLChecker, sqlSettings
from mycred.testing import SteppedWorkers

from .databases import USER, DatabaseServer, serverOf

#: A hash of C{sesame} that takes a millisecond.
HASH = hashes.make("sesame", cost=4).decode("ascii")

#: How a user is found.
QUERY = "select * from accounts where name = :username"

#: Whatever a driver may return.
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text()
    | st.binary()
    | st.binary().map(memoryview)
    | st.datetimes()
    | st.datetimes(timezones=st.timezones())
    | st.dates()
    | st.timedeltas()
    | st.lists(st.text() | st.none() | st.integers(), max_size=3)
    | st.dictionaries(st.text(), st.integers(), max_size=2)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}[+-][0-9]{2}")
)


# By the dialect: the types of columns, where databases differ.  In SQLite any column can
# hold anything.
_TYPES = {
    "postgresql": {
        "bytes": "bytea",
        "flag": "boolean",
        "moment": "timestamp with time zone",
        "names": "text[]",
    },
    "mysql": {
        "bytes": "blob",
        "flag": "bit(1)",
        "moment": "datetime",
        "names": "text",
    },
    "sqlite": {"bytes": "blob", "flag": "integer", "moment": "", "names": ""},
}


class SQLTestCase(SynchronousTestCase):
    """
    Base of tests with accounts in a database: mix it with a class of
    L{tests.kit.sqlplaces}.  All is done at once, in the test's own thread.

    @cvar kind: the kind of server.
    @ivar server: the database's server.
    @ivar database: the name of a database of the test's own.
    @ivar logged: what was logged.
    """

    kind: ClassVar[type[DatabaseServer]]

    def setUp(self) -> None:
        # Which takes a quarter of a second otherwise, until somebody is known.
        self.patch(_lookups, "_DECOY", HASH.encode("ascii"))
        self.home = Path(tempfile.mkdtemp())
        self.addCleanup(rmtree, self.home)
        self.server = serverOf(self.kind)
        self.database = self.server.makeDatabase()
        self.logged: list[str] = []
        globalLogPublisher.addObserver(self._remember)
        self.addCleanup(globalLogPublisher.removeObserver, self._remember)

    def makeTable(self, columns: str = "", *, key: str = "primary key") -> None:
        """
        Make a table C{accounts} with the columns C{name} and C{password}, and others.

        @param columns: the others, with types in braces where databases differ.
        @param key: what is said of the name.
        """
        given = ", ".join([f"name varchar(200) {key}, password text", columns])
        table = f"create table accounts ({given.removesuffix(', ')})"
        self.execute(table.format(**_TYPES[self.server.dialect]))
        if self.server.dialect == "postgresql":
            self.execute(f"grant all on accounts to {USER}")

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """
        Execute a statement as the administrator.
        """
        rows: list[tuple[Any, ...]] = self.server.query(statement, self.database)
        return rows

    def add(self, name: Any, password: Any = HASH, **more: Any) -> None:
        """
        Add an account.
        """
        values = {"name": name, "password": password, **more}
        mark = "?" if self.server.dialect == "sqlite" else "%s"
        quote = "`" if self.server.dialect == "mysql" else '"'
        columns = ", ".join(f"{quote}{column}{quote}" for column in values)
        marks = ", ".join([mark] * len(values))
        with closing(self.server.connect(self.database)) as connection:
            connection.cursor().execute(
                f"insert into accounts ({columns}) values ({marks})",
                self._bound(list(values.values())),
            )

    def _bound(self, values: Sequence[Any]) -> Any:
        """
        Return values as the driver takes them.
        """
        return tuple(values)

    def checker(self, query: str = QUERY, **more: str) -> SQLChecker:
        """
        Return a checker for the table.
        """
        url = self.server.url(self.database)
        settings = sqlSettings(**{"url": url, "query": query, **more})
        checker = SQLChecker(
            settings,
            workers=SteppedWorkers(running=False),
            databaseWorkers=SteppedWorkers(running=False),
        )
        self.addCleanup(checker.close)
        return checker

    def writeINI(self, **keys: str) -> str:
        """
        Write a file of settings, and return its path.
        """
        path = self.home / "accounts.ini"
        given = {"url": self.server.url(self.database), "query": QUERY, **keys}
        lines = [f"{key} = {value}".replace("\n", "\n  ") for key, value in given.items()]
        path.write_text("\n".join(["[sql]", *lines, ""]))
        os.chmod(path, 0o600)
        return str(path)

    def _remember(self, event: Any) -> None:
        """
        Remember what is logged.
        """
        self.logged.append(str(formatEvent(event)))


__all__ = [
    "HASH",
    "QUERY",
    "VALUES",
    "SQLTestCase",
]
