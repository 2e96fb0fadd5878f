"""
An SSH server, on conch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.conch.ssh.factory import SSHFactory as ConchFactory
from twisted.conch.ssh.keys import Key
from twisted.internet.interfaces import IReactorTime

from .._sshkeys import KeyPolicy
from ..portal import Portal
from ._connection import SSHConnection
from ._transport import SSHServerTransport
from ._userauth import SSHUserAuthServer

_anyKey = KeyPolicy()


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
        portal: Portal,
        hostKeys: Iterable[Key],
        policy: KeyPolicy = _anyKey,
        *,
        reactor: IReactorTime | None = None,
    ) -> None:
        """
        @param portal: where users log in.
        @param hostKeys: conch's private keys, one of each type.
        @param policy: by which algorithms users may sign.
        @param reactor: what counts the time; the reactor that is installed if L{None}.
        """
        self.portal = portal
        self.policy = policy
        self.reactor: IReactorTime | None = reactor
        keys = {key.sshType(): key for key in hostKeys}
        self.privateKeys = keys
        self.publicKeys = {name: key.public() for name, key in keys.items()}

    def getService(self, transport: Any, service: bytes) -> Any:
        """
        Return a service; L{None} if there is none of this name.
        """
        return (
            super().getService(transport, service) if service in self.services else None
        )


__all__ = ["SSHFactory"]
