"""
What a user has open in a connection.
"""

from __future__ import annotations

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.connection import (
    OPEN_ADMINISTRATIVELY_PROHIBITED,
    OPEN_RESOURCE_SHORTAGE,
)
from twisted.conch.ssh.session import SSHSession

from .._conchcontracts import ConchError
from .._sshkeys import Fields
from ._channels import Channels
from ._names import SESSION
from ._restricted import RestrictedUser

# As many as sshd allows (sshd_config(5), "MaxSessions").
_MOST_SESSIONS = 10

# As much as may wait for a session that nothing was asked of, in bytes.
_MOST_WAITING = 2**20


class SSHConnection(Channels):
    """
    The service in which users who are logged in do what they came for, as far as their
    keys permit it.
    """

    def openChannel(self, channel: SSHChannel, extra: bytes = b"") -> None:
        """
        Open a channel to the client, in which the key permits no more than in others.
        """
        avatar = self._avatar()
        if isinstance(avatar, RestrictedUser):
            avatar.restrict(channel)
        super().openChannel(channel, extra)

    def _avatar(self) -> object:
        """
        Return the avatar that is logged in; L{None} if there is none yet.
        """
        return getattr(self.transport, "avatar", None)

    def insistOnChannel(self, channelType: bytes, most: int, data: bytes) -> None:
        """
        Insist that a channel can be opened, that the key permits it, and that there
        aren't too many.
        """
        super().insistOnChannel(channelType, most, data)
        avatar = self._avatar()
        if isinstance(avatar, RestrictedUser) and not avatar.permits(channelType, data):
            raise ConchError("the key forbids it", OPEN_ADMINISTRATIVELY_PROHIBITED)
        sessions = [one for one in self.channels.values() if one.name == SESSION]
        if channelType == SESSION and len(sessions) >= _MOST_SESSIONS:
            raise ConchError("there are too many sessions", OPEN_RESOURCE_SHORTAGE)

    def ssh_CHANNEL_DATA(self, packet: bytes) -> None:
        """
        Take data, but only so much for a session that nothing was asked of.
        """
        super().ssh_CHANNEL_DATA(packet)
        channel = self.channels.get(Fields(packet).number(4))
        if isinstance(channel, SSHSession) and channel.client is None:
            if channel.buf is not None and len(channel.buf) > _MOST_WAITING:
                self.sendClose(channel)


__all__ = ["SSHConnection"]
