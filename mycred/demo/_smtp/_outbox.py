"""
The avatar of a user over SMTP: it puts messages into the mailboxes of this server.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from zope.interface import Attribute, Interface, implementer

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._mailstore import LARGEST, Mailbox, Message, NoSuchUser, StoreService
from ._paths import Address
from ._trace import LONGEST_TRACE

#: How large a message may be, in octets, before the server adds its headers.
MOST_DATA = LARGEST - LONGEST_TRACE

# The domains of users whose names have none.
_OWN = (b"", b"localhost")


class Elsewhere(Exception):
    """
    The recipient is none of this server's users.
    """


class IOutbox(Interface):
    """
    The way of a user's messages to other users of this server.
    """

    user = Attribute("The name of the user, as the checker spells it.")

    def recipient(address: Address, size: int) -> Deferred[bytes]:
        """
        Return the user to whom an address belongs.

        @param size: the size of a message for them, in octets.

        @return: a L{Deferred} that fails with L{Elsewhere}, with L{NoSuchUser}, and with
            L{MailboxFull<mycred.demo._mailstore.MailboxFull>}.
        """

    def send(users: Iterable[bytes], content: bytes) -> Deferred[Any]:
        """
        Deliver a message to all of some users, or to none.

        @return: a L{Deferred} that fires when the message can't be lost any more.
        """


@implementer(IOutbox)
class Outbox:
    """
    The way of a user's messages into the mailboxes of the store.
    """

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        self._store = store
        self.user = mailbox.user

    def logout(self) -> None:
        """
        Do nothing: a message that is sent is in the store.
        """

    def recipient(self, address: Address, size: int) -> Deferred[bytes]:
        """
        Return the user to whom an address belongs: the whole address may be their name,
        or what stands before C{@localhost}.  A user who has never logged in isn't known.
        """
        domain = address.domain.lower()
        isOwn = domain in _OWN
        names = [address.local + b"@" + d for d in (address.domain, domain) if d]
        finding = self._store.recipient(names + [address.local] * isOwn, size)
        return finding if isOwn else finding.addErrback(_ebForeign)

    def send(
        self, users: Iterable[bytes], content: bytes
    ) -> Deferred[dict[bytes, Message]]:
        """
        Deliver a message to all of some users, or to none.
        """
        return self._store.deliverToAll(users, content)


def _ebForeign(failure: Failure) -> NoReturn:
    """
    Make a failure of one for which a user of another server isn't known here.
    """
    failure.trap(NoSuchUser)
    raise Elsewhere from None


__all__ = ["MOST_DATA", "Elsewhere", "IOutbox", "Outbox"]
