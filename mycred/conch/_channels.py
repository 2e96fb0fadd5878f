"""
The channels of a connection, and what is asked of them, on conch's: what makes no sense
ends the connection or isn't done, and has no traceback.
"""

from __future__ import annotations

import struct

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.connection import (
    MSG_CHANNEL_FAILURE,
    MSG_CHANNEL_OPEN_CONFIRMATION,
    MSG_CHANNEL_OPEN_FAILURE,
    MSG_CHANNEL_SUCCESS,
    MSG_CHANNEL_WINDOW_ADJUST,
    OPEN_CONNECT_FAILED,
    OPEN_UNKNOWN_CHANNEL_TYPE,
)
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from .._conchcontracts import ConchError
from .._sshkeys import Fields, string
from ._arguments import insistOnPlace, insistOnRequest
from ._malformed import MALFORMED, Malformed, failureText
from ._names import LISTEN, OPEN, isName
from ._ordered import OrderedConnection
from ._service import CutService


class Channels(CutService, OrderedConnection):
    """
    The service in which users who are logged in do what they came for.
    """

    def packetReceived(self, messageNum: int, packet: bytes) -> None:
        """
        Do what a message asks for, if its channel is one of which it may be.
        """
        if MSG_CHANNEL_OPEN_CONFIRMATION <= messageNum <= MSG_CHANNEL_FAILURE:
            channel = self.channels[Fields(packet).number(4)]
            isOpen = channel in self.channelsToRemoteChannel
            if isOpen != (messageNum >= MSG_CHANNEL_WINDOW_ADJUST):
                raise Malformed("the channel is open, or isn't")
        super().packetReceived(messageNum, packet)

    def gotGlobalRequest(self, requestType: bytes, data: bytes) -> object:
        """
        Do what is asked of the whole connection.
        """
        try:
            if not isName(requestType):
                raise Malformed("no name of a request")
            if requestType == LISTEN:
                insistOnPlace(data)
            return super().gotGlobalRequest(requestType, data)
        except Exception:
            return self._ebAsked(Failure(), requestType)

    def _ebAsked(self, failure: Failure, what: bytes) -> int:
        """
        Log why something isn't done; of a defect, all that is known.

        @return: 0, for "not done".
        """
        if failure.check(ConchError):
            why = _reasonOf(failure.value)[1]
        elif failure.check(*MALFORMED):
            why = failureText(failure)
        else:
            self._log.failure("{what!r} fails", failure=failure, what=what)
            return 0
        self._log.info("Refused: {what!r}, {why}", what=what, why=why)
        return 0

    def ssh_CHANNEL_OPEN(self, packet: bytes) -> None:
        """
        Open a channel, unless the key forbids it, or there are enough: without a
        traceback, where conch has one.
        """
        fields = Fields(packet)
        channelType = fields.string()
        number, window, most = (fields.number(4) for _ in range(3))
        data = packet[fields.position :]
        try:
            self.insistOnChannel(channelType, most, data)
            channel = self.getChannel(channelType, window, most, data)
        except Exception as error:
            self._ebAsked(Failure(), channelType)
            code, text = _reasonOf(error)
            self._send(
                MSG_CHANNEL_OPEN_FAILURE,
                struct.pack(">2L", number, code)
                + string(text.encode("ascii", "replace"))
                + string(b""),
            )
        else:
            self._confirm(channel, number, data)

    def _send(self, number: int, data: bytes) -> None:
        """
        Send a message.
        """
        self.transport.sendPacket(number, data)

    def insistOnChannel(self, channelType: bytes, most: int, data: bytes) -> None:
        """
        Insist that a channel can be opened.

        @param most: the largest packet that the client takes, in bytes.

        @raise ConchError: if there is a reason why not, or L{Malformed}.
        """
        if not isName(channelType):
            raise ConchError("no name of a channel", OPEN_UNKNOWN_CHANNEL_TYPE)
        if channelType == OPEN:
            insistOnPlace(data)
        if not most:
            raise Malformed("nothing can be sent to it")

    def _confirm(self, channel: SSHChannel, number: int, data: bytes) -> None:
        """
        Tell the client that a channel is open.
        """
        channel.id = self.localChannelID  # type: ignore[assignment]
        self.localChannelID += 1
        self.channels[channel.id] = channel
        self.channelsToRemoteChannel[channel] = number
        self.localToRemoteChannel[channel.id] = number
        sizes = channel.localWindowSize, channel.localMaxPacket
        self._send(
            MSG_CHANNEL_OPEN_CONFIRMATION,
            struct.pack(">4L", number, channel.id, *sizes) + channel.specificData,
        )
        try:
            channel.channelOpen(data)
        except Exception:
            self._ebAsked(Failure(), channel.name or b"channel")
            self.sendClose(channel)

    def ssh_CHANNEL_OPEN_CONFIRMATION(self, packet: bytes) -> None:
        """
        Use a channel that the client has accepted, if there is still a use for it.
        """
        fields = Fields(packet)
        number, _, _, most = (fields.number(4) for _ in range(4))
        if not most:
            raise Malformed("nothing can be sent to it")
        super().ssh_CHANNEL_OPEN_CONFIRMATION(packet)
        channel = self.channels[number]
        if channel.closing:
            channel.loseConnection()

    def ssh_CHANNEL_REQUEST(self, packet: bytes) -> None:
        """
        Do what is asked of a channel, and answer whether it was done if the client wants
        to know; if it doesn't, conch would log a traceback for what can't be done.  For a
        channel that the server has closed nothing more is done or answered, as by sshd.
        """
        fields = Fields(packet)
        number, kind, wantReply = fields.number(4), fields.string(), fields.number(1)
        channel, data = self.channels[number], packet[fields.position :]
        if channel.localClosed:
            return

        def receive() -> object:
            insistOnRequest(kind, data)
            return channel.requestReceived(kind, data)

        def cbAsked(isDone: object) -> None:
            # It may have been closed meanwhile, by either side.
            remote = self.channelsToRemoteChannel.get(channel)
            if wantReply and remote is not None and not channel.localClosed:
                answer = MSG_CHANNEL_SUCCESS if isDone else MSG_CHANNEL_FAILURE
                self._send(answer, struct.pack(">L", remote))

        def ask() -> Deferred[None]:
            asking: Deferred[object] = maybeDeferred(receive)
            return asking.addErrback(self._ebAsked, kind).addCallback(cbAsked)

        self.askInTurn(channel, ask, len(packet))


def _reasonOf(error: BaseException | None) -> tuple[int, str]:
    """
    Return why a channel can't be opened, as the client is told it.
    """
    if not isinstance(error, ConchError):
        return OPEN_CONNECT_FAILED, "unknown failure"
    # In either order, as in Twisted.
    codes = [one for one in error.args if isinstance(one, int)]
    texts = [one for one in error.args if isinstance(one, str)]
    return (*codes, OPEN_CONNECT_FAILED)[0], (*texts, "unknown failure")[0]


__all__ = ["Channels"]
