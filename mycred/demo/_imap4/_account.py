"""
The avatar of a user over IMAP4.
"""

from __future__ import annotations

import re

from zope.interface import implementer

from twisted.internet.defer import Deferred, succeed
from twisted.mail.imap4 import IAccount, MailboxException

from .._mailstore import Mailbox, StoreService
from ._folder import Folder


@implementer(IAccount)
class Account:
    """
    The avatar of a user, who has one folder, INBOX.
    """

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        self._store = store
        self._user = mailbox.user

    def logout(self) -> None:
        """
        Do nothing: a connection closes its folder itself.
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
        Return the folders that match a pattern.
        """
        # Several wildcards side by side match the same as one, and would take long.
        pattern = re.sub(r"[*%]+", "*", ref + wildcard).split("*")
        fitting = re.compile(".*".join(map(re.escape, pattern)), re.ASCII | re.IGNORECASE)
        if not fitting.fullmatch("INBOX"):
            return []
        return [("INBOX", Folder(self._store, Mailbox(self._user, 0, 0, []), True))]

    def isSubscribed(self, name: str) -> bool:
        """
        Return whether a folder is subscribed to.
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
        Refuse to add, remove or rename a folder.
        """
        raise MailboxException("there is only INBOX")

    create = delete = rename = addMailbox


def _isInbox(name: str | bytes) -> bool:
    """
    Return whether a name is that of the only folder.
    """
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
    return re.fullmatch("inbox", text, re.ASCII | re.IGNORECASE) is not None


__all__ = ["Account"]
