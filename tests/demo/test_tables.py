"""
Tests for L{mycred.demo._tables}.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._tables import SCHEMA, insert


class Interrupted(sqlite3.Cursor):
    """
    A transaction in which something else happens after each statement.
    """

    meanwhile: Any

    def execute(self, *args: Any) -> sqlite3.Cursor:
        """
        Execute a statement.
        """
        super().execute(*args)
        self.meanwhile()
        return self


class ProcessesTests(SynchronousTestCase):
    """
    Tests for a file that several processes have open.
    """

    def setUp(self) -> None:
        path = self.mktemp()
        self.ours, self.other = (sqlite3.connect(path, timeout=0) for _ in range(2))
        for connection in (self.ours, self.other):
            self.addCleanup(connection.close)
            connection.executescript(SCHEMA)
        with self.ours:
            self.ours.execute("insert into users values (?, 1, 1)", (b"alice",))

    def test_insert(self) -> None:
        """
        A message that another process adds meanwhile has a UID of its own.
        """
        other = []

        def meanwhile() -> None:
            # One that would have to wait for ours comes another time.
            with contextlib.suppress(sqlite3.OperationalError), self.other:
                other.append(insert(self.other.cursor(), b"alice", b"x", 0, ()).uid)

        cursor = self.ours.cursor(Interrupted)
        cursor.meanwhile = meanwhile
        with self.ours:
            own = insert(cursor, b"alice", b"y", 0, ()).uid
        meanwhile()
        rows = self.ours.execute("select uid from messages order by uid")
        self.assertEqual([uid for (uid,) in rows], sorted([own, *other]))
        self.assertNotEqual(other, [])
