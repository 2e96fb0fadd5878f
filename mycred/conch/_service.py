"""
What the services of a connection have in common.
"""

from __future__ import annotations

from twisted.conch.ssh.service import SSHService

from ._bounded import BoundedTransport
from ._logger import CutLogger


class CutService(SSHService):
    """
    A service that logs little of what it is sent.
    """

    _log = CutLogger()

    transport: BoundedTransport

    def packetReceived(self, messageNum: int, packet: bytes) -> None:
        """
        Do what a message asks for, and log nothing of one that isn't known: a password
        may be in it.
        """
        name = self.protocolMessages.get(messageNum, "")
        if hasattr(self, f"ssh_{name[4:]}"):
            super().packetReceived(messageNum, packet)
        else:
            self._log.debug("Message {number} isn't known", number=messageNum)
            self.transport.sendUnimplemented()


__all__ = ["CutService"]
