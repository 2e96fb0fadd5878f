"""
The mailbox as POP3 shows it.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, overload

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.mail.pop3 import IMailbox, IServerFactory

from ..portal import Portal
from ._limits import LOGIN_TIMEOUT
from ._pop3server import POP3Server
from ._sasl import mechanismsOf
from ._sessions import MOST_REFUSED, SessionFactory
from ._store import Mailbox, StoreService


@implementer(IMailbox)
class MailDrop:
    """
    A mailbox at the moment of the login, as RFC 1939 wants it: messages are
    marked, and go when the client says QUIT.
    """

    _log = Logger()

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        self._store = store
        self._user = mailbox.user
        self._uidValidity = mailbox.uidValidity
        self._messages = mailbox.messages
        self._deleted: set[int] = set()

    @overload
    def listMessages(self) -> list[int]: ...

    @overload
    def listMessages(self, i: int) -> int: ...

    def listMessages(self, i: int | None = None) -> int | list[int]:
        """
        Tell the size of a message, or of all; 0 stands for a deleted one.
        """
        if i is None:
            return [self.listMessages(n) for n in range(len(self._messages))]
        self._check(i)
        return 0 if i in self._deleted else self._messages[i].size

    def getMessage(self, i: int) -> Any:
        """
        Fetch the content of a message.
        """

        def cbContent(content: bytes | None) -> BytesIO:
            if content is None:
                raise ValueError(b"that message is gone")
            return BytesIO(content)

        self._check(i)
        uid = self._messages[i].uid
        return self._store.content(self._user, uid).addCallback(cbContent)

    def getUidl(self, i: int) -> bytes:
        """
        Tell the identifier of a message.
        """
        self._check(i)
        return b"%d.%d" % (self._uidValidity, self._messages[i].uid)

    def deleteMessage(self, i: int) -> None:
        """
        Mark a message.
        """
        self._check(i)
        self._deleted.add(i)

    def undeleteMessages(self) -> None:
        """
        Unmark all messages.
        """
        self._deleted.clear()

    def sync(self) -> None:
        """
        Remove what is marked.
        """
        uids = [self._messages[i].uid for i in sorted(self._deleted)]
        removing: Deferred[None] = self._store.delete(self._user, uids)
        removing.addErrback(
            lambda failure: self._log.failure("Mail was not removed", failure=failure)
        )

    def logout(self) -> None:
        """
        Leave.  What is only marked stays.
        """

    def _check(self, i: int) -> None:
        """
        Insist on a message that exists; the protocol wants bytes in the error.
        """
        if not 0 <= i < len(self._messages):
            raise ValueError(b"no such message")


@implementer(IServerFactory)
class POP3Factory(Factory):
    """
    Build POP3 connections.

    @ivar challengers: for each SASL mechanism, how to make its credentials.
        There is none of the name where it isn't offered.
    """

    noisy = False

    def __init__(self, portal: Portal) -> None:
        mechanisms = mechanismsOf(portal)
        if mechanisms:
            self.challengers = mechanisms

    def buildProtocol(self, addr: object) -> Any:
        """
        Build a connection.
        """
        protocol: Any = POP3Server()
        protocol.factory = self
        # A greeting without a time stamp: with one, clients try APOP, which
        # Twisted's server never accepts.
        protocol.magic = b"mycred example server"
        return protocol

    def cap_IMPLEMENTATION(self) -> bytes:
        """
        Name the server.
        """
        return b"mycred"

    def cap_EXPIRE(self) -> None:
        """
        Promise to keep messages for ever.
        """

    def cap_LOGIN_DELAY(self) -> bytes:
        """
        Allow logins one upon another, in seconds between them.
        """
        return b"0"

    def perUserExpiration(self) -> bool:
        """
        Treat all users alike.
        """
        return False

    def perUserLoginDelay(self) -> bool:
        """
        Treat all users alike.
        """
        return False


def makeFactory(
    portal: Portal,
    loginTimeout: float = LOGIN_TIMEOUT,
    reactor: Any = None,
    mostRefused: int = MOST_REFUSED,
) -> IProtocolFactory:
    """
    Serve a portal over POP3.

    @param loginTimeout: how long a client may take until somebody is logged in, in
        seconds.
    @param reactor: what counts the time; the reactor that is installed if L{None}.
    @param mostRefused: how many wrong passwords end a connection.
    """
    factory = POP3Factory(portal)
    return SessionFactory(factory, portal, "pop3", mostRefused, loginTimeout, reactor)


__all__ = ["MailDrop", "makeFactory"]
