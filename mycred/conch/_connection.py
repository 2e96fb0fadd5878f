"""
What a user has open in a connection.
"""

from __future__ import annotations

import struct
from typing import Any

from twisted.conch.ssh.connection import (
    MSG_CHANNEL_OPEN_FAILURE,
    OPEN_ADMINISTRATIVELY_PROHIBITED,
    OPEN_RESOURCE_SHORTAGE,
    SSHConnection as ConchConnection,
)
from twisted.conch.ssh.session import SSHSession

from .._sshkeys import Fields, string
from ._restricted import RestrictedUser

# As many as sshd allows (sshd_config(5), "MaxSessions").
_MOST_SESSIONS = 10

# As much as may wait for a session that nothing was asked of, in bytes.
_MOST_WAITING = 2**20


class SSHConnection(ConchConnection):
    """
    The service in which users who are logged in do what they came for.
    """

    def ssh_CHANNEL_OPEN(self, packet: bytes) -> None:
        """
        Open a channel, unless the key forbids it, or there are enough.
        """
        fields = Fields(packet)
        channelType, number = fields.string(), fields.number(4)
        fields.take(8)
        reason = self._whyNot(channelType, packet[fields.position :])
        if reason is None:
            conch: Any = super()
            conch.ssh_CHANNEL_OPEN(packet)
            return
        code, text = reason
        self._log.info("No channel {kind!r}: {why}", kind=channelType[:64], why=text)
        transport: Any = self.transport
        transport.sendPacket(
            MSG_CHANNEL_OPEN_FAILURE,
            struct.pack(">2L", number, code) + string(text.encode("ascii")) + string(b""),
        )

    def ssh_CHANNEL_DATA(self, packet: bytes) -> None:
        """
        Take data, but not for ever for a session that nothing was asked of.
        """
        conch: Any = super()
        conch.ssh_CHANNEL_DATA(packet)
        channel = self.channels.get(Fields(packet).number(4))
        if isinstance(channel, SSHSession) and channel.client is None:
            if channel.buf is not None and len(channel.buf) > _MOST_WAITING:
                conch.sendClose(channel)

    def _whyNot(self, channelType: bytes, data: bytes) -> tuple[int, str] | None:
        """
        Tell why a channel can't be opened.
        """
        transport: Any = self.transport
        avatar = getattr(transport, "avatar", None)
        if isinstance(avatar, RestrictedUser) and not avatar.permits(channelType, data):
            return OPEN_ADMINISTRATIVELY_PROHIBITED, "the key forbids it"
        sessions = [one for one in self.channels.values() if one.name == b"session"]
        if channelType == b"session" and len(sessions) >= _MOST_SESSIONS:
            return OPEN_RESOURCE_SHORTAGE, "there are too many sessions"
        return None


__all__ = ["SSHConnection"]
