"""
Tests for L{mycred.demo._realm}.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.mail.pop3 import IMailbox
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import ANONYMOUS
from mycred.demo._realm import MailRealm
from mycred.error import TemporaryFailure, UnauthorizedLogin


class BrokenStore:
    """
    A store whose file is damaged.
    """

    def mailbox(self, user: bytes) -> Deferred[Any]:
        """
        Fail.
        """
        return fail(sqlite3.DatabaseError("file is not a database"))


class RealmTests(SynchronousTestCase):
    """
    Tests for L{MailRealm}.
    """

    def setUp(self) -> None:
        self.realm = MailRealm(BrokenStore())  # type: ignore[arg-type]

    def test_brokenStore(self) -> None:
        """
        If the store fails, the user is told to come back later and no more; the log
        knows why.
        """
        login: Any = self.realm.requestAvatar(b"alice", None, IMailbox)
        failure = self.failureResultOf(login, TemporaryFailure)
        self.assertNotIn("database", str(failure.value))
        self.assertEqual(len(self.flushLoggedErrors(sqlite3.DatabaseError)), 1)

    def test_anonymous(self) -> None:
        """
        Nobody reads mail without a name.
        """
        self.assertRaises(
            UnauthorizedLogin, self.realm.requestAvatar, ANONYMOUS, None, IMailbox
        )
