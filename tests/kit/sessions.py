"""
A realm and a checker that answer when a test says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import StringTransport

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.credentials import (
    IUsernameHashedPassword,
    IUsernamePassword,
)
from mycred.portal import IRealm


@implementer(IRealm)
class Realm:
    """
    A realm whose avatars arrive when the test says so.

    @ivar asked: the avatar IDs that it was asked for.
    @ivar logouts: how many avatars were logged out.
    @ivar waiting: the Deferred that it answers with; one that has fired if
        L{None}.
    """

    def __init__(self, makeAvatar: Callable[[], Any] = object) -> None:
        self.makeAvatar = makeAvatar
        self.asked: list[Any] = []
        self.logouts = 0
        self.waiting: Deferred[Any] | None = None
        self.interface: Any = None

    def requestAvatar(self, avatarId: Any, mind: object, *interfaces: Any) -> Any:
        """
        Answer now or later.
        """
        self.asked.append(avatarId)
        self.interface = interfaces[0] if interfaces else None
        if self.waiting is not None:
            return self.waiting
        return succeed(self.login())

    def login(self) -> tuple[Any, Any, Callable[[], None]]:
        """
        Make the answer.
        """
        return self.interface, self.makeAvatar(), self.logout

    def logout(self) -> None:
        """
        Count.
        """
        self.logouts += 1


class WaitingChecker:
    """
    A checker that can't tell before the test says so.

    @ivar waiting: the Deferred that it answers with.
    """

    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)

    def __init__(self) -> None:
        self.waiting: Deferred[bytes] = Deferred()

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Answer later.
        """
        return self.waiting


def localTransport() -> StringTransport:
    """
    Make the transport of a client of this machine, who may send passwords as they are.
    """
    return StringTransport(peerAddress=IPv4Address("TCP", "127.0.0.1", 1025))


def makeChecker() -> InMemoryUsernamePasswordDatabaseDontUse:
    """
    Make a checker that knows Alice.
    """
    return InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
