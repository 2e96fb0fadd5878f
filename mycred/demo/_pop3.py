"""
The mailbox as POP3 shows it.
"""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.mail.pop3 import IMailbox

from ._mailfactories import MailFactory, SessionFactory
from ._pop3server import POP3Server
from ._store import Mailbox, StoreService


@implementer(IMailbox)
class MailDrop:
    """
    A mailbox at the moment of the login, as RFC 1939 wants it: messages are
    marked, and go when the client says QUIT.
    """

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        self._store = store
        self._user = mailbox.user
        self._uidValidity = mailbox.uidValidity
        self._messages = mailbox.messages
        self._deleted: set[int] = set()

    def listMessages(self, i: int | None = None) -> Any:
        """
        Tell the size of a message, or of all; 0 stands for a deleted one.
        """
        if i is None:
            return [self.listMessages(n) for n in range(len(self._messages))]
        return 0 if i in self._deleted else self._messages[i].size

    def getMessage(self, i: int) -> Any:
        """
        Fetch the content of a message, as it goes over the wire; L{None} if another
        session has removed it.
        """

        def cbContent(content: bytes | None) -> BytesIO | None:
            return None if content is None else BytesIO(content.replace(b"\n", b"\r\n"))

        uid = self._messages[i].uid
        return self._store.content(self._user, uid).addCallback(cbContent)

    def getUidl(self, i: int) -> bytes:
        """
        Tell the identifier of a message.
        """
        return b"%d.%d" % (self._uidValidity, self._messages[i].uid)

    def deleteMessage(self, i: int) -> None:
        """
        Mark a message.
        """
        self._deleted.add(i)

    def undeleteMessages(self) -> None:
        """
        Unmark all messages.
        """
        self._deleted.clear()

    def sync(self) -> Deferred[None]:
        """
        Remove what is marked.
        """
        uids = [self._messages[i].uid for i in sorted(self._deleted)]
        return self._store.delete(self._user, uids)

    def logout(self) -> None:
        """
        Leave.  What is only marked stays.
        """


class POP3Factory(MailFactory):
    """
    Build POP3 connections.
    """

    protocol = POP3Server
    service = "pop3"


#: Serve a portal over POP3.
makeFactory = partial(SessionFactory, POP3Factory)

__all__ = ["MailDrop", "makeFactory"]
