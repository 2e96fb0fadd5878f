"""
Tests for L{mycred.demo._realm}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.mail.pop3 import IMailbox
from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import ANONYMOUS
from mycred.demo._mailstore import StoreService
from mycred.demo._realm import MailRealm
from mycred.error import TemporaryFailure, UnauthorizedLogin


class RealmTests(SynchronousTestCase):
    """
    Tests for L{MailRealm}.
    """

    def setUp(self) -> None:
        path = Path(self.mktemp())
        path.write_text("This is no database. " * 100)
        store = StoreService(str(path))
        store.startService()
        self.addCleanup(store.stopService)
        self.realm = MailRealm(store)

    def test_brokenStore(self) -> None:
        """
        If the store fails, the user is told to come back later and no more; the log
        knows why.
        """
        with capturedLogs() as events:
            login: Any = self.realm.requestAvatar(b"alice", None, IMailbox)
        failure = self.failureResultOf(login, TemporaryFailure)
        self.assertNotIn("database", str(failure.value))
        [line] = map(formatEvent, events)
        self.assertRegex(line, "The store failed: .* is not a database")

    def test_anonymous(self) -> None:
        """
        Nobody reads mail without a name.
        """
        self.assertRaises(
            UnauthorizedLogin, self.realm.requestAvatar, ANONYMOUS, None, IMailbox
        )
