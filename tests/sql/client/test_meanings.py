"""
Tests for L{mycred._sql.client._meanings}, L{mycred._sql.client._refusals} and
L{mycred._sql.client._errors}.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import pymysql
from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._failover import Elsewhere, Fault, Lost, Unsure
from mycred._sql.client import BadStatement, BadValue, Refused
from mycred._sql.client._errors import HARMLESS, BadRow, Conflict
from mycred._sql.client._meanings import byClass, byNumber, byResult, bySQLState

KINDS = (BadRow, BadStatement, BadValue, Conflict, Elsewhere, Fault, Lost, Refused)


class MeaningTests(SynchronousTestCase):
    """
    Tests for what errors mean.
    """

    def test_postgresql(self) -> None:
        """
        An error of PostgreSQL's means what its code says.
        """
        for code, kind in (
            *(("08006", Lost), ("57P01", Lost), ("57P03", Lost), ("25P03", Lost)),
            *(("53300", Elsewhere), ("25006", Elsewhere), ("57014", Elsewhere)),
            *(("28P01", Refused), ("28000", Refused), ("3D000", Refused)),
            *(("40001", Conflict), ("40P01", Conflict), ("55P03", Conflict)),
            *(("22021", BadValue), ("22P05", BadValue), ("23505", BadValue)),
            *(("42601", BadStatement), ("42P01", BadStatement), ("42501", BadStatement)),
            *(("58030", Fault), ("XX000", Fault), ("XX001", Fault)),
        ):
            error = psycopg.OperationalError("x")
            error.sqlstate = code
            self.assertIs(bySQLState(error), kind, code)

    def test_otherDrivers(self) -> None:
        """
        The other drivers of PostgreSQL tell the code in ways of their own.
        """

        class OfPsycopg2(Exception):
            pgcode = "42P01"

        self.assertIs(bySQLState(OfPsycopg2()), BadStatement)
        self.assertIs(bySQLState(Exception({"C": "22021"})), BadValue)

    def test_mysql(self) -> None:
        """
        An error of MySQL's or MariaDB's means what its number says.
        """
        for number, kind in (
            *((2006, Lost), (2013, Lost), (1053, Lost), (1927, Lost), (0, Lost)),
            *((1040, Elsewhere), (1290, Elsewhere), (1317, Elsewhere), (1969, Elsewhere)),
            *((1045, Refused), (1049, Refused), (1205, Conflict), (1213, Conflict)),
            *((1267, BadValue), (1366, BadValue), (1406, BadValue), (1062, BadValue)),
            *((1064, BadStatement), (1054, BadStatement), (1146, BadStatement)),
            *((1142, BadStatement), (1030, Fault), (1194, Fault), (9999, Fault)),
        ):
            self.assertIs(byNumber(pymysql.OperationalError(number, "x")), kind, number)

    def test_sqlite(self) -> None:
        """
        An error of SQLite's means what its code says, or its text where Python has no
        code.
        """
        for code, text, kind in (
            ("SQLITE_BUSY_SNAPSHOT", "database is locked", Conflict),
            ("SQLITE_CANTOPEN", "unable to open database file", Refused),
            ("SQLITE_CONSTRAINT_UNIQUE", "UNIQUE constraint failed", BadValue),
            ("SQLITE_CORRUPT", "database disk image is malformed", Fault),
            ("SQLITE_ERROR", "no such table: users", BadStatement),
            ("SQLITE_FULL", "database or disk is full", Fault),
            ("SQLITE_IOERR_READ", "disk I/O error", Fault),
            ("SQLITE_NOTADB", "file is not a database", Refused),
        ):
            error: Any = sqlite3.OperationalError(text)
            if code.startswith("SQLITE_CONSTRAINT"):
                error = sqlite3.IntegrityError(text)
            self.assertIs(byResult(error), kind, text)
            error.sqlite_errorname = code
            self.assertIs(byResult(error), kind, code)

    def test_withoutCode(self) -> None:
        """
        An error without a code is of the connection, the value or the statement by its
        class, and a fault if it is of no class that drivers have.
        """
        for error, kind in (
            (psycopg.OperationalError("server closed the connection"), Lost),
            (pymysql.InterfaceError(0, ""), Lost),
            (psycopg.DataError("NUL"), BadValue),
            (psycopg.ProgrammingError("x"), BadStatement),
            (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), BadValue),
            (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), BadRow),
            (ValueError("too many digits"), BadRow),
            (RecursionError(), BadRow),
            (OverflowError(), BadValue),
            (KeyError(), Fault),
            (OSError(), Fault),
            (MemoryError(), Fault),
        ):
            if isinstance(error, pymysql.InterfaceError):
                self.assertIs(byNumber(error), kind)
            else:
                self.assertIs(byClass(error), kind, error)

    def test_row(self) -> None:
        """
        What a driver of PostgreSQL's can't parse, and the server doesn't complain of, is
        in a row.
        """
        error = psycopg.DataError("timestamp too large (after year 10K): 'infinity'")
        self.assertIs(bySQLState(error), BadRow)
        error.sqlstate = "22P02"
        self.assertIs(bySQLState(error), BadValue)

    @given(
        st.one_of(st.text(), st.none(), st.binary(), st.integers()),
        st.one_of(
            st.integers(), st.text(), st.none(), st.dictionaries(st.text(), st.text())
        ),
    )
    def test_anyCode(self, state: Any, number: Any) -> None:
        """
        Whatever code a server makes up, the error has a meaning.
        """
        error: Any = pymysql.OperationalError(number, "x")
        error.sqlstate = error.sqlite_errorname = state
        for meaningOf in (bySQLState, byNumber, byResult, byClass):
            self.assertIn(meaningOf(error), KINDS)

    def test_refusals(self) -> None:
        """
        What isn't the server's fault is no L{Fault}, and an outage is none of those.
        """
        for kind in HARMLESS:
            self.assertFalse(issubclass(kind, Fault))
        self.assertTrue(issubclass(BadStatement, Unsure))
        self.assertTrue(issubclass(Refused, Fault))
