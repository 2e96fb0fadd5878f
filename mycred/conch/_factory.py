"""
An SSH server, on conch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.conch.ssh.connection import SSHConnection
from twisted.conch.ssh.factory import SSHFactory as ConchFactory
from twisted.conch.ssh.transport import SSHServerTransport as ConchServerTransport
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from .._sshkeys import KeyPolicy
from ._userauth import ConnectionPortal, SSHUserAuthServer

_anyKey = KeyPolicy()


class SSHServerTransport(ConchServerTransport):
    """
    A connection.
    """

    _portal: ConnectionPortal | None = None

    def sessionPortal(self) -> ConnectionPortal:
        """
        Return the portal of this connection.
        """
        if self._portal is None:
            factory: Any = self.factory
            self._portal = ConnectionPortal(factory.portal, self)
        return self._portal

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
        if self._portal is not None:
            self._portal.close()


class SSHFactory(ConchFactory):
    """
    An SSH server whose users can do what their keys permit.

    @ivar portal: where users log in, for L{IConchUser
        <twisted.conch.interfaces.IConchUser>}.
    @ivar policy: by which algorithms they may sign.
    """

    protocol = SSHServerTransport
    services = {
        b"ssh-userauth": SSHUserAuthServer,
        b"ssh-connection": SSHConnection,
    }

    def __init__(
        self, portal: Any, hostKeys: Iterable[Any], policy: KeyPolicy = _anyKey
    ) -> None:
        """
        @param portal: where users log in.
        @param hostKeys: conch's private keys, one of each type.
        @param policy: by which algorithms users may sign.
        """
        self.portal = portal
        self.policy = policy
        keys = {key.sshType(): key for key in hostKeys}
        self.privateKeys = keys
        self.publicKeys = {name: key.public() for name, key in keys.items()}


__all__ = ["SSHFactory", "SSHServerTransport"]
