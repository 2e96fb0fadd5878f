"""
Tests for L{mycred._sql._row}: the columns of a query, and the user in a row.
"""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._sql._row import COLUMNS, Columns, Flaw
from mycred._verdict import KnownUser, SQLAccount
from mycred.error import DenialReason

from ..kit.sqlaccounts import VALUES

NOW = 1000.0


class ColumnsTests(SynchronousTestCase):
    """
    Tests for columns.
    """

    def test_right(self) -> None:
        """
        Columns may come in any order and case.
        """
        for names in (
            ["name", "password"],
            ["PASSWORD", "Name"],
            ["name", *COLUMNS[2:6]],
            COLUMNS,
        ):
            self.assertEqual(Columns(names).names, tuple(n.lower() for n in names))

    def test_wrong(self) -> None:
        """
        What is missing, unknown or there twice is told, with what may have been meant.
        """
        for names, text in (
            (["name"], "there is no column password; write ... as password"),
            (["password"], "there is no column name; write ... as name"),
            ([], "there is no column name; write ... as name"),
            (["name", "password", "Name"], "the column name is there twice"),
            (
                ["name", "password", "expire"],
                "there is no column expire, did you mean expires?",
            ),
            (
                ["name", "scram_salt", "password"],
                "there is no column scram_iterations; write ... as scram_iterations",
            ),
        ):
            error = self.assertRaises(ValueError, Columns, names)
            self.assertEqual(str(error), text)
        error = self.assertRaises(ValueError, Columns, ["name", "password", "zzz"])
        self.assertTrue(str(error).startswith("there is no column zzz, write some of "))

    @given(st.lists(st.sampled_from(COLUMNS) | st.text(max_size=5), max_size=6))
    def test_any(self, names: list[str]) -> None:
        """
        Any names of columns are right, or refused.
        """
        with contextlib.suppress(ValueError):
            Columns(names)


class UserTests(SynchronousTestCase):
    """
    Tests for the user in a row.
    """

    def userIn(self, *flaws: Flaw, **values: Any) -> KnownUser | None:
        """
        Return the user in a row of these columns.

        @param flaws: the flaws that are to be found.
        """
        columns, found = Columns(list(values)), list[Flaw]()
        user = columns.userIn(list(values.values()), NOW, found)
        self.assertEqual(found, list(flaws))
        return user

    def test_plain(self) -> None:
        """
        A name and a hash are a user of whom nothing else is known.
        """
        user = self.userIn(name="alice", password=b"hash")
        self.assertEqual(user, KnownUser(b"alice", b"hash"))
        self.assertNotIn("hash", repr(user))

    def test_denials(self) -> None:
        """
        The first reason counts, in the order disabled, expired, password expired.
        """
        for disabled, expires, mustChange, reason in (
            (0, None, 0, None),
            (0, NOW + 1, 0, None),
            (0, NOW, 0, DenialReason.EXPIRED),
            (1, NOW, 1, DenialReason.DISABLED),
            (None, NOW - 1, 1, DenialReason.EXPIRED),
            (0, NOW + 1, 1, DenialReason.PASSWORD_EXPIRED),
        ):
            user = self.userIn(
                must_change=mustChange,
                expires=expires,
                disabled=disabled,
                name="alice",
                password=None,
            )
            self.assertEqual(user, KnownUser(b"alice", None, reason))

    def test_flaw(self) -> None:
        """
        What makes no sense denies the account, unless something else does.
        """
        flaw = Flaw("uid", "write a number from 0 to 4294967294")
        user = self.userIn(flaw, name="alice", password="p", uid="x")
        assert user is not None
        self.assertIs(user.denial, DenialReason.POLICY)
        user = self.userIn(flaw, name="alice", password="p", uid="x", disabled=1)
        assert user is not None
        self.assertIs(user.denial, DenialReason.DISABLED)

    def test_secretFlaw(self) -> None:
        """
        A password that is none, and keys that are none, deny nothing: they match nothing.
        """
        flaw = Flaw("password", "it is no text")
        user = self.userIn(flaw, name="alice", password=5)
        self.assertEqual(user, KnownUser(b"alice", None))
        keys = dict.fromkeys(COLUMNS[2:6], "x")
        flaw = Flaw(
            "scram_stored_key and the others", "keys of SCRAM that are text are base64"
        )
        user = self.userIn(flaw, name="alice", password="p", **keys)
        self.assertEqual(user, KnownUser(b"alice", b"p"))

    def test_facts(self) -> None:
        """
        Facts are there as soon as the query asks for one.
        """
        user = self.userIn(name="alice", password="p", groups=["a"], home=None)
        account = SQLAccount("alice", groups=("a",))
        self.assertEqual(user, KnownUser(b"alice", b"p", account=account))

    @given(st.lists(VALUES, min_size=len(COLUMNS), max_size=len(COLUMNS)))
    def test_any(self, values: list[Any]) -> None:
        """
        Any row is a user, or none; where a value makes no sense the account is denied.
        """
        flaws: list[Flaw] = []
        user = Columns(COLUMNS).userIn(values, NOW, flaws)
        isSecret = {"password", "scram_stored_key and the others", "name"}
        if user is not None and any(flaw.column not in isSecret for flaw in flaws):
            self.assertIsNot(user.denial, None)
