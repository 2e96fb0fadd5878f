"""
Log little of what clients send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.conch.ssh.service import SSHService
from twisted.logger import Logger, LogLevel

if TYPE_CHECKING:
    from ._transport import SSHServerTransport
#: As long as a name can be (RFC 4250, section 4.6.1).
LONGEST = 64


class CutLogger(Logger):
    """
    A logger that cuts every field.

    Whatever conch's classes log of what a client has sent, they log by their C{_log}.
    """

    def emit(self, level: LogLevel, format: str | None = None, **fields: object) -> None:
        """
        Emit an event.
        """
        super().emit(level, format, **{name: _cut(fields[name]) for name in fields})


def _cut(value: object) -> object:
    """
    Return a value, of a long text its beginning.
    """
    return value[:LONGEST] if isinstance(value, (bytes, str)) else value


class CutService(SSHService):
    """
    A service that logs little of what it is sent.
    """

    _log = CutLogger()

    transport: SSHServerTransport

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


__all__ = ["LONGEST", "CutLogger", "CutService"]
