"""
The mailbox over Perspective Broker.
"""

from __future__ import annotations

from typing import Any, NoReturn

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.spread import pb

from .._secrets import asBytes, printable
from .._types import Clock
from ..portal import Portal
from ._compose import compose
from ._limits import LOGIN_TIMEOUT, LimitedConnection, LimitedFactory
from ._mailfactories import MOST_REFUSED
from ._mailstore import (
    Mailbox,
    MailboxFull,
    Message,
    NoSuchUser,
    StoreService,
    Unavailable,
)

NOTICE = "This is the mycred example server. Mail is for those who log in by name."


class UnknownRecipient(pb.Error):
    """
    The recipient has never logged in.
    """


class NoRoom(pb.Error):
    """
    A message doesn't fit into the mailbox of its recipient.
    """


class TryLater(pb.Error):
    """
    The store can't be used now.
    """


# What the client is told where the store raises an exception.
_ERRORS = {NoSuchUser: UnknownRecipient, MailboxFull: NoRoom, Unavailable: TryLater}


class Visitor(pb.Avatar):
    """
    The avatar of anonymous users.
    """

    def perspective_notice(self) -> str:
        """
        Return the public notice.
        """
        return NOTICE


class Correspondent(Visitor):
    """
    The avatar of a user, who may read and send mail.
    """

    _log = Logger()

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: Any) -> None:
        """
        @param mind: the client's object whose C{remote_newMessage} is called
            with the UID of each message that comes in, or L{None}.
        """
        self._store = store
        self._user = mailbox.user
        self._mind = mind
        self.logout = store.watch(self._user, mailbox.uidNext, self._arrived)

    def perspective_list(self) -> Deferred[list[int]]:
        """
        Return the UIDs of the messages.

        @raise TryLater: over the wire, if the store can't be used now.
        """

        def cbMailbox(mailbox: Mailbox) -> list[int]:
            return [message.uid for message in mailbox.messages]

        loading = self._store.mailbox(self._user)
        return loading.addCallbacks(cbMailbox, _ebStore)

    def perspective_read(self, uid: int) -> Deferred[bytes | None]:
        """
        Return the message with a UID; L{None} if there is none.

        @raise TryLater: over the wire, if the store can't be used now.
        """
        return self._store.content(self._user, int(uid)).addErrback(_ebStore)

    def perspective_send(self, user: bytes | str, text: bytes | str) -> Deferred[None]:
        """
        Send a message to another user.

        @raise UnknownRecipient: over the wire, if there is no such user.
        @raise NoRoom: over the wire, if the message doesn't fit in.
        @raise TryLater: over the wire, if the store can't be used now.
        """
        recipient = asBytes(user)
        body = asBytes(text).decode("utf-8", "replace")

        content = compose(self._user, recipient, "A message", body)
        sending = self._store.deliver(recipient, content)
        return sending.addCallbacks(lambda _: None, _ebStore)

    def _arrived(self, message: Message) -> None:
        """
        Tell the client of a new message.
        """
        if self._mind is None:
            return
        telling = maybeDeferred(lambda: self._mind.callRemote("newMessage", message.uid))
        telling.addErrback(self._ebMind)

    def _ebMind(self, failure: Failure) -> None:
        """
        Log that the client has gone, or its object has failed.
        """
        # This may be the client's own text.
        why = printable(str(failure.value))
        self._log.info("The client could not be told of new mail: {why}", why=why)


def _ebStore(failure: Failure) -> NoReturn:
    """
    Make a failure of one that the client is told of.
    """
    error = failure.trap(*_ERRORS)
    raise _ERRORS[error](str(failure.value))


class _Connection(LimitedConnection):
    """
    A connection over which objects come: each ends in a byte with the highest bit set.
    """

    BEGINNINGS = bytes(range(0x80, 0x100))


def makeFactory(
    portal: Portal,
    loginTimeout: float = LOGIN_TIMEOUT,
    reactor: Clock | None = None,
    mostRefused: int = MOST_REFUSED,
) -> IProtocolFactory:
    """
    Return a factory that serves a portal over Perspective Broker.

    @param loginTimeout: how long a client may take to log in, in seconds.
    @param reactor: the clock for time-outs; the reactor that is installed if L{None}.
    @param mostRefused: how many wrong passwords end a connection.
    """
    factory = pb.PBServerFactory(portal)
    return LimitedFactory(
        factory, _Connection, loginTimeout, reactor, mostRefused=mostRefused
    )


__all__ = ["Correspondent", "Visitor", "makeFactory"]
