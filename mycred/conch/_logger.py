"""
What the log gets to see of what clients send: a little of it.
"""

from __future__ import annotations

from typing import Any

from twisted.conch.ssh.service import SSHService
from twisted.logger import Logger, LogLevel

#: As long as a name can be (RFC 4250, section 4.6.1).
LONGEST = 64


class CutLogger(Logger):
    """
    A logger that cuts every field.

    Whatever conch's classes log of what a client has sent, they log by their C{_log}.
    """

    def emit(self, level: LogLevel, format: str | None = None, **fields: Any) -> None:
        """
        Emit an event.
        """
        super().emit(level, format, **{name: _cut(fields[name]) for name in fields})


def _cut(value: Any) -> Any:
    """
    Return a value that isn't a long text.
    """
    return value[:LONGEST] if isinstance(value, (bytes, str)) else value


class CutService(SSHService):
    """
    A service that logs little of what it is sent.
    """

    _log = CutLogger()

    def packetReceived(self, messageNum: int, packet: bytes) -> None:
        """
        Do what a message asks for, and log nothing of one that isn't known: a password
        may be in it.
        """
        conch: Any = super()
        name = self.protocolMessages.get(messageNum, "")
        if hasattr(self, f"ssh_{name[4:]}"):
            conch.packetReceived(messageNum, packet)
        else:
            self._log.debug("Message {number} isn't known", number=messageNum)
            transport: Any = self.transport
            transport.sendUnimplemented()


__all__ = ["LONGEST", "CutLogger", "CutService"]
