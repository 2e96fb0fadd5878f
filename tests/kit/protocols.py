"""
What tests of logins over real sockets have in common.
"""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import ServerFactory
from twisted.protocols.ftp import FTPRealm
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.filepath import FilePath
from twisted.trial.unittest import TestCase

# How long a client waits for an answer that doesn't come, in seconds.
PATIENCE = 10


class Refused(Exception):
    """
    The server didn't let the client in.

    @ivar answer: what it said.
    """

    def __init__(self, answer: object) -> None:
        super().__init__(answer)
        self.answer = str(answer)


class Connections(WrappingFactory):
    """
    The connections of a server, which can be waited for.
    """

    noisy = False

    def __init__(self, factory: ServerFactory) -> None:
        super().__init__(factory)
        self._waiting: list[Deferred[None]] = []

    def unregisterProtocol(self, protocol: ProtocolWrapper) -> None:
        """
        Notice that a connection is gone.
        """
        super().unregisterProtocol(protocol)
        while self._waiting and not self.protocols:
            self._waiting.pop().callback(None)

    def allGone(self) -> Deferred[None]:
        """
        Wait until there are no connections.
        """
        gone: Deferred[None] = Deferred()
        if not self.protocols:
            return succeed(None)
        self._waiting.append(gone)
        return gone


class LoginTestCase(TestCase):
    """
    Base of the tests that serve one protocol on 127.0.0.1.

    @ivar port: where the protocol is served.
    @ivar connections: the connections to it.
    """

    timeout = 30

    def serve(self, factory: ServerFactory) -> None:
        """
        Serve a protocol until the end of the test.
        """
        self.connections = Connections(factory)
        listening: IListeningPort = reactor.listenTCP(
            0, self.connections, interface="127.0.0.1"
        )
        self.port: int = listening.getHost().port
        self.addCleanup(self._close, listening, self.connections)

    def _close(
        self, listening: IListeningPort, connections: Connections
    ) -> Deferred[None]:
        """
        Stop serving, and wait for the connections to end.
        """
        stopped = maybeDeferred(listening.stopListening)
        for connection in list(connections.protocols):
            connection.transport.loseConnection()
        return stopped.addCallback(lambda _: connections.allGone())


class NotingFTPRealm(FTPRealm):
    """
    Twisted's realm, and a note of the names that it was given.
    """

    def __init__(self, anonymousRoot: str, userHome: str) -> None:
        super().__init__(anonymousRoot, userHome)
        self.names: list[Any] = []

    def getHomeDirectory(self, avatarId: Any) -> FilePath[str]:
        """
        Find a home directory.
        """
        self.names.append(avatarId)
        return super().getHomeDirectory(avatarId)
