"""
The mailbox over POP3.
"""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.mail.pop3 import IMailbox

from .. import mail
from ._handover import HandingOver
from ._mailfactories import LimitedMailFactory, MailFactory
from ._mailstore import Mailbox, StoreService
from ._pop3dialogue import CAPABILITIES, POP3Dialogue


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
        Return the size of a message, or of all; 0 stands for a deleted one.
        """
        if i is None:
            return [self._size(n) for n in range(len(self._messages))]
        return self._size(i)

    def _size(self, i: int) -> int:
        """
        Return the size of a message; 0 if it is deleted.
        """
        return 0 if i in self._deleted else self._messages[i].size

    def getMessage(self, i: int) -> Deferred[BytesIO | None]:
        """
        Return the content of a message, as it goes over the wire; L{None} if another
        session has removed it.
        """

        def cbContent(content: bytes | None) -> BytesIO | None:
            return None if content is None else BytesIO(content.replace(b"\n", b"\r\n"))

        uid = self._messages[i].uid
        return self._store.content(self._user, uid).addCallback(cbContent)

    def getUidl(self, i: int) -> bytes:
        """
        Return the unique identifier of a message.
        """
        return b"%d.%d" % (self._uidValidity, self._messages[i].uid)

    def deleteMessage(self, i: int) -> None:
        """
        Mark a message as deleted.
        """
        self._deleted.add(i)

    def undeleteMessages(self) -> None:
        """
        Unmark all messages.
        """
        self._deleted.clear()

    def sync(self) -> Deferred[None]:
        """
        Remove the marked messages.
        """
        uids = [self._messages[i].uid for i in sorted(self._deleted)]
        return self._store.delete(self._user, uids)

    def logout(self) -> None:
        """
        Do nothing: messages that are only marked stay.
        """


class POP3Server(HandingOver, mail.POP3):
    """
    A server of POP3, whose commands are carried out in their order.

    The greeting has no time stamp: with one, clients try APOP, which needs passwords that
    aren't hashed.
    """

    # No less than RFC 1939 (section 3) allows.
    timeOut = POP3Dialogue.timeOut

    magic = b"mycred example server"
    do_APOP = None  # type: ignore[assignment]

    def listCapabilities(self) -> list[bytes]:
        """
        Return the capabilities, those after the login included.
        """
        return list(dict.fromkeys([*super().listCapabilities(), *CAPABILITIES]))

    def makeDialogue(self, avatar: Any) -> POP3Dialogue:
        """
        Return what goes on with the connection.
        """
        return POP3Dialogue(avatar)


class POP3Factory(MailFactory):
    """
    Build POP3 connections.
    """

    protocol = POP3Server
    service = "pop3"


#: Return a factory that serves a portal over POP3.
makeFactory = partial(LimitedMailFactory, POP3Factory)

__all__ = ["MailDrop", "makeFactory"]
