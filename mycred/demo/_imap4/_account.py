"""
What a user has over IMAP4.
"""

from __future__ import annotations

import re

from zope.interface import implementer

from twisted.internet.defer import Deferred, succeed
from twisted.mail.imap4 import IAccount, MailboxException

from .._store import Mailbox, StoreService
from ._folder import Folder


@implementer(IAccount)
class Account:
    """
    What a user has: one folder, INBOX.
    """

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        self._store = store
        self._user = mailbox.user

    def logout(self) -> None:
        """
        Leave.  A connection closes its folder itself.
        """

    def select(self, name: str, rw: bool = True) -> Deferred[Folder | None]:
        """
        Open a folder.

        @param name: its name.
        @param rw: whether changes are allowed.
        """
        if not _isInbox(name):
            return succeed(None)
        loading = self._store.mailbox(self._user)
        return loading.addCallback(lambda mailbox: Folder(self._store, mailbox, bool(rw)))

    def listMailboxes(self, ref: str, wildcard: str) -> list[tuple[str, Folder]]:
        """
        List the folders that fit a pattern.
        """
        # One wildcard is as good as many, and takes no time.
        pattern = re.sub(r"[*%]+", "*", ref + wildcard).split("*")
        fitting = re.compile(".*".join(map(re.escape, pattern)), re.ASCII | re.IGNORECASE)
        if not fitting.fullmatch("INBOX"):
            return []
        return [("INBOX", Folder(self._store, Mailbox(self._user, 0, 0, []), True))]

    def isSubscribed(self, name: str) -> bool:
        """
        Tell whether a folder is subscribed to.
        """
        return _isInbox(name)

    def subscribe(self, name: str) -> None:
        """
        Subscribe to a folder.
        """
        if not _isInbox(name):
            raise MailboxException("there is only INBOX")

    def unsubscribe(self, name: str) -> None:
        """
        Refuse to unsubscribe.
        """
        raise MailboxException("INBOX stays subscribed")

    def addMailbox(self, *names: object) -> None:
        """
        Refuse another folder than INBOX, and INBOX to be another.
        """
        raise MailboxException("there is only INBOX")

    create = delete = rename = addMailbox


def _isInbox(name: str | bytes) -> bool:
    """
    Tell whether this is the name of the folder that there is.
    """
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return re.fullmatch("inbox", text, re.ASCII | re.IGNORECASE) is not None


__all__ = ["Account"]
