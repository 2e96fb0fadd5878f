"""
Tests for L{mycred.demo._imap4}; L{tests.demo.test_mail} has those with clients.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._imap4 import Account
from mycred.demo._mailstore import Mailbox


class AccountTests(SynchronousTestCase):
    """
    Tests for L{Account}.
    """

    def test_inbox(self) -> None:
        """
        The folder is called INBOX in any case, in letters of ASCII (RFC 3501, section
        5.1).
        """
        store: Any = None
        account = Account(store, Mailbox(b"alice", 0, 0, []), None)
        for name in ("INBOX", "inbox", b"Inbox"):
            self.assertTrue(account.isSubscribed(name))  # type: ignore[arg-type]
        # A small i without its dot, whose capital is an I.
        for other in ("\u0131nbox", "INBOX\n", "INBOX ", "INBO", ""):
            self.assertFalse(account.isSubscribed(other))
            self.assertIsNone(self.successResultOf(account.select(other)))
        self.assertEqual(len(account.listMailboxes("", "inbox")), 1)
        self.assertEqual(account.listMailboxes("", "\u0131nbox"), [])
