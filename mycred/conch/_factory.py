"""
An SSH server, on conch's.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from twisted.conch.ssh.factory import SSHFactory as ConchFactory
from twisted.conch.ssh.transport import (
    DISCONNECT_PROTOCOL_ERROR,
    SSHServerTransport as ConchServerTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from .._sshkeys import KeyPolicy, UnusableKey
from ._connection import SSHConnection
from ._userauth import ConnectionPortal, SSHUserAuthServer

_anyKey = KeyPolicy()

# What conch raises where a packet isn't what it should be.
_MALFORMED = (
    IndexError,
    KeyError,
    TypeError,
    UnicodeError,
    UnusableKey,
    struct.error,
)


class SSHServerTransport(ConchServerTransport):
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
        conch: Any = super()
        conch.connectionMade()
        factory: Any = self.factory
        clock = factory.reactor
        if clock is None:
            from twisted.internet import reactor as clock
        self._timer = clock.callLater(self.loginTimeout, self._tooLate)

    def loggedIn(self) -> None:
        """
        Somebody is logged in, and may stay.
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

    def dispatchMessage(self, messageNum: int, payload: bytes) -> None:
        """
        Do what a packet asks for; one that makes no sense ends the connection.
        """
        conch: Any = super()
        try:
            conch.dispatchMessage(messageNum, payload)
        except _MALFORMED as error:
            self._log.info(
                "A packet {number} makes no sense: {error!r}",
                number=messageNum,
                error=type(error).__name__,
            )
            self._log.debug("{trace}", trace=Failure().getTraceback())
            conch.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"malformed packet")

    def ssh_SERVICE_REQUEST(self, packet: bytes) -> None:
        """
        Start the service in which users log in, once: it counts what fails.
        """
        conch: Any = super()
        if self.service is not None:
            conch.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"one service at a time")
            return
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
        super().connectionLost(reason)
        self.loggedIn()
        if self._portal is not None:
            self._portal.close()


class SSHFactory(ConchFactory):
    """
    An SSH server whose users can do what their keys permit.

    @ivar portal: where users log in, for L{IConchUser
        <twisted.conch.interfaces.IConchUser>}.
    @ivar policy: by which algorithms they may sign.
    @ivar reactor: what counts the time; the reactor that is installed if L{None}.
    """

    protocol = SSHServerTransport
    services = {
        b"ssh-userauth": SSHUserAuthServer,
        b"ssh-connection": SSHConnection,
    }

    def __init__(
        self,
        portal: Any,
        hostKeys: Iterable[Any],
        policy: KeyPolicy = _anyKey,
        *,
        reactor: Any = None,
    ) -> None:
        """
        @param portal: where users log in.
        @param hostKeys: conch's private keys, one of each type.
        @param policy: by which algorithms users may sign.
        @param reactor: what counts the time; the reactor that is installed if L{None}.
        """
        self.portal = portal
        self.policy = policy
        self.reactor = reactor
        keys = {key.sshType(): key for key in hostKeys}
        self.privateKeys = keys
        self.publicKeys = {name: key.public() for name, key in keys.items()}

    def getService(self, transport: Any, service: bytes) -> Any:
        """
        Find a service; L{None} if there is none of this name.
        """
        conch: Any = super()
        return conch.getService(transport, service) if service in self.services else None


__all__ = ["SSHFactory", "SSHServerTransport"]
