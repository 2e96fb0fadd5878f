"""
What may come to an SSH server on conch, when, and how much of it.
"""

from __future__ import annotations

from twisted.conch.ssh.transport import (
    DISCONNECT_PROTOCOL_ERROR,
    MSG_DISCONNECT,
    SSHServerTransport as ConchServerTransport,
    messages,
)
from twisted.python.failure import Failure

from ._exchange import Exchange
from ._logger import CutLogger
from ._malformed import MALFORMED, Malformed, failureText

# Before a user is logged in a connection holds less than 256 KiB: a packet that isn't
# complete, how keys are exchanged, a request that is answered, of which there are some
# copies, those that wait, and what is written but not read.
#
# As large as a packet may have to be (RFC 4253, section 6.1), in bytes.
_LARGEST = 35000
# As much as is written, for all that is asked; what a packet takes besides its payload.
_MOST_WRITTEN, _AROUND = 2**16, 100
# As many messages as are read: each may be a line in the log.
_MOST_MESSAGES = 1000
# As much as a client may tell of its extensions.
_MOST_EXTENSIONS = 1024

# The first message that isn't the transport's own.
_FIRST_OF_SERVICES = 50


class BoundedTransport(ConchServerTransport):
    """
    A connection that ends when a client sends what makes no sense, or too much before
    a user is logged in.

    @ivar isEnding: whether nothing is read and written any more.
    """

    _log = CutLogger()
    sessionID: bytes
    isEnding = False
    _isLoggedIn = False
    _messages = _written = 0

    def connectionMade(self) -> None:
        """
        Begin with an exchange of keys.
        """
        self._exchange = Exchange()
        super().connectionMade()

    def loggedIn(self) -> None:
        """
        Take more, since a user is logged in.
        """
        self._isLoggedIn = True

    def dataReceived(self, data: bytes) -> None:
        """
        Take what comes, until the connection is to end.
        """
        if not self.isEnding:
            super().dataReceived(data)

    def getPacket(self) -> bytes | None:
        """
        Return the next packet; L{None} if it isn't there yet, or can't be one.
        """
        if self.isEnding:
            return None
        packet: bytes | None = super().getPacket()
        size = len(self.buf) - _AROUND if packet is None else len(packet)
        if packet == b"" or (size > _LARGEST and not self._isLoggedIn):
            self.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"bad packet length")
            return None
        return packet

    def dispatchMessage(self, messageNum: int, payload: bytes) -> None:
        """
        Do what a message asks for; one that makes no sense ends the connection.
        """
        keys = getattr(self, "nextEncryptions", None)
        hasKeys = keys is not None and keys.decBlockSize > 0
        self._messages += 1
        try:
            if self._messages > _MOST_MESSAGES and not self._isLoggedIn:
                raise Malformed("too many messages")
            self._exchange.insist(messageNum, hasKeys, self._isLoggedIn)
            if self._isKnown(messageNum):
                super().dispatchMessage(messageNum, payload)
            else:
                self._log.debug("Message {number} isn't known", number=messageNum)
                super().sendUnimplemented()
        except Exception as error:
            # The others are conch's alone: no defect of a program shows in them.
            if messageNum >= _FIRST_OF_SERVICES and not isinstance(error, MALFORMED):
                raise
            self.endMalformed(messageNum, Failure())

    def _isKnown(self, number: int) -> bool:
        """
        Return whether there is something that takes a message: conch would log it.
        """
        name = messages.get(number)
        if number < _FIRST_OF_SERVICES and name is not None:
            return hasattr(self, f"ssh_{name[4:]}")
        return self.service is not None

    def endMalformed(self, number: int, failure: Failure) -> None:
        """
        End the connection, since a message makes no sense.
        """
        self._log.info(
            "Message {number} makes no sense: {error}",
            number=number,
            error=failureText(failure),
        )
        self.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"malformed packet")

    def sendPacket(self, messageType: int, payload: bytes) -> None:
        """
        Write a message; before a user is logged in, not more than so much.
        """
        if self.isEnding:
            return
        if not self._isLoggedIn and messageType != MSG_DISCONNECT:
            self._written += len(payload) + _AROUND
            if self._written > _MOST_WRITTEN:
                # It isn't known whether it is read; to log in takes less.
                self.sendDisconnect(DISCONNECT_PROTOCOL_ERROR, b"too many requests")
                return
        super().sendPacket(messageType, payload)

    def sendDisconnect(self, reason: int, desc: bytes) -> None:
        """
        End the connection: what is there already of more messages isn't read.
        """
        if not self.isEnding:
            super().sendDisconnect(reason, desc)
            self.isEnding = True

    def ssh_NEWKEYS(self, packet: bytes) -> None:
        """
        Use the new keys, and forget by what they were exchanged.
        """
        super().ssh_NEWKEYS(packet)
        self.otherKexInitPayload = b""

    def ssh_EXT_INFO(self, packet: bytes) -> None:
        """
        Take the client's extensions, if they are few.
        """
        if len(packet) > _MOST_EXTENSIONS:
            raise Malformed("too many extensions")
        super().ssh_EXT_INFO(packet)


__all__ = ["BoundedTransport"]
