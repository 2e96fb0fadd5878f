"""
A connection to an SSH server, on conch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from twisted.conch.ssh.transport import DISCONNECT_PROTOCOL_ERROR
from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from .._sshkeys import Fields, KeyPolicy
from ..portal import Portal
from ._bounded import BoundedTransport
from ._connectionportal import ConnectionPortal
from ._malformed import Malformed
from ._names import isName


class Server(Protocol):
    """
    What a connection needs to know of its server: L{SSHFactory
    <mycred.conch.SSHFactory>} does.
    """

    portal: Portal
    policy: KeyPolicy
    reactor: IReactorTime | None


class SSHServerTransport(BoundedTransport):
    """
    A connection.

    @cvar loginTimeout: how long a client may take from its first byte until a user is
        logged in, in seconds; as long as sshd's C{LoginGraceTime}.  A service that
        gives less time from its own beginning (L{SSHUserAuthServer.loginTimeout
        <mycred.conch.SSHUserAuthServer.loginTimeout>}) shortens it.
    """

    loginTimeout: float = 120

    # Before a user is logged in, a few bytes would become as many as there is memory.
    supportedCompressions = [b"none"]

    factory: Server  # type: ignore[assignment]
    transport: ITCPTransport
    _portal: ConnectionPortal | None = None
    _timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """
        Begin, and wait for a login only for so long.
        """
        super().connectionMade()
        self._timer = self._clock.callLater(self.loginTimeout, self._tooLate)

    def limitLogin(self, seconds: float) -> None:
        """
        Wait for a login no longer than so many seconds from now.
        """
        timer = self._timer
        if timer is None or not timer.active():
            return
        if timer.getTime() > self._clock.seconds() + seconds:
            timer.reset(seconds)

    @property
    def _clock(self) -> IReactorTime:
        """
        What counts the time.
        """
        clock: IReactorTime | None = self.factory.reactor
        if clock is None:
            from twisted.internet import reactor

            clock = IReactorTime(reactor)
        return clock

    def loggedIn(self) -> None:
        """
        Let a user stay who is logged in.
        """
        super().loggedIn()
        self._stopTimer()

    def _stopTimer(self) -> None:
        """
        Wait for a login no longer.
        """
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _tooLate(self) -> None:
        """
        Hang up on a client that hasn't logged in.
        """
        self._log.info("Nobody has logged in within {s} s", s=self.loginTimeout)
        self.transport.abortConnection()

    def sessionPortal(self) -> ConnectionPortal:
        """
        Return the portal of this connection.
        """
        if self._portal is None:
            self._portal = ConnectionPortal(self.factory.portal, self)
        return self._portal

    def sendDisconnect(self, reason: int, desc: bytes) -> None:
        """
        End the connection, and the logins that are under way.
        """
        super().sendDisconnect(reason, desc)
        if self._portal is not None and not self._isLoggedIn:
            self._portal.close()

    def ssh_SERVICE_REQUEST(self, packet: bytes) -> None:
        """
        Start the service in which users log in, once: it counts what fails.
        """
        if self.service is not None:
            self.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"one service at a time")
            return
        if not isName(Fields(packet).string()):
            raise Malformed("no name of a service")
        super().ssh_SERVICE_REQUEST(packet)

    def sendExtInfo(self, extensions: Iterable[tuple[bytes, bytes]]) -> None:
        """
        Tell the client by which algorithms users may sign (RFC 8308, section 3.1):
        conch names those of the host keys.
        """
        names = ",".join(self.factory.policy.algorithms).encode("ascii")
        others = [one for one in extensions if one[0] != b"server-sig-algs"]
        super().sendExtInfo([*others, (b"server-sig-algs", names)])

    def connectionLost(self, reason: Failure | None = connectionDone) -> None:
        """
        End the logins that are under way.
        """
        try:
            super().connectionLost(reason)
        finally:
            self.isEnding = True
            self._stopTimer()
            if self._portal is not None:
                self._portal.close()


__all__ = ["SSHServerTransport"]
