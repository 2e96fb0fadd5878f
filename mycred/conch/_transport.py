"""
A connection to an SSH server, on conch's.
"""

from __future__ import annotations

from typing import Any

from twisted.conch.ssh.transport import DISCONNECT_PROTOCOL_ERROR
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from .._sshkeys import Fields
from ._bounded import BoundedTransport
from ._malformed import Malformed
from ._names import isName
from ._userauth import ConnectionPortal


class SSHServerTransport(BoundedTransport):
    """
    A connection.

    @cvar loginTimeout: how long a client may take until somebody is logged in, in
        seconds; as long as sshd's C{LoginGraceTime}.
    """

    loginTimeout = 120

    # Before somebody is logged in, a few bytes would become as many as there is memory.
    supportedCompressions = [b"none"]

    _portal: ConnectionPortal | None = None
    _timer: Any = None

    def connectionMade(self) -> None:
        """
        Begin, and wait for a login only for so long.
        """
        super().connectionMade()
        factory: Any = self.factory
        clock = factory.reactor
        if clock is None:
            from twisted.internet import reactor as clock
        self._timer = clock.callLater(self.loginTimeout, self._tooLate)

    def loggedIn(self) -> None:
        """
        Somebody is logged in, and may stay.
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
        Hang up on who hasn't logged in.
        """
        self._log.info("Nobody has logged in within {s} s", s=self.loginTimeout)
        transport: Any = self.transport
        transport.abortConnection()

    def sessionPortal(self) -> ConnectionPortal:
        """
        Return the portal of this connection.
        """
        if self._portal is None:
            factory: Any = self.factory
            self._portal = ConnectionPortal(factory.portal, self)
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
        conch: Any = super()
        conch.ssh_SERVICE_REQUEST(packet)

    def sendExtInfo(self, extensions: Any) -> None:
        """
        Tell the client by which algorithms users may sign (RFC 8308, section 3.1):
        conch names those of the host keys.
        """
        factory: Any = self.factory
        conch: Any = super()
        names = ",".join(factory.policy.algorithms).encode("ascii")
        others = [one for one in extensions if one[0] != b"server-sig-algs"]
        conch.sendExtInfo([*others, (b"server-sig-algs", names)])

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
