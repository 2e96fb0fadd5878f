"""
The order in which a channel is sent what concerns it, on conch's: first the answer to a
request, then what came of it; and the end of data after the data.

conch sends the end of what is done at once, a C{CHANNEL_CLOSE} among it, before it says
that it is done; clients that wait for an answer take that for a refusal, or for a
violation of the protocol.  And it announces the end of data that still waits for room in
the client's window, so that clients which believe it drop the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.connection import SSHConnection as ConchConnection
from twisted.internet.defer import Deferred

from .._sshkeys import Fields
from ._malformed import Malformed

# So many requests may wait for the answer to one before them, as many bytes together.
_MOST_WAITING, _MOST_BYTES = 100, 2**18

# By which methods a channel is written to.
_WRITING = ("write", "writeExtended")


class Turn:
    """
    A request to a channel that isn't answered yet.

    @ivar held: functions that send what comes after the answer.
    @ivar waiting: functions that ask what comes after it, each with the size of the
        request in bytes.
    """

    def __init__(self, channel: SSHChannel) -> None:
        self.held: deque[Callable[[], object]] = deque()
        self.waiting: deque[tuple[Callable[[], Deferred[None]], int]] = deque()
        self._channel = channel
        given = vars(channel)
        self._own = {name: given[name] for name in _WRITING if name in given}
        if not _isWaiting(channel):
            # A session has one buffer for what isn't sent yet and for what the client has
            # sent before something runs; what runs would be sent its own output.
            for name in _WRITING:
                given[name] = partial(self.hold, getattr(channel, name))

    def hold(self, send: Callable[..., object], *args: object) -> None:
        """
        Send something once the request is answered.
        """
        self.held.append(partial(send, *args))

    def release(self) -> None:
        """
        Send what was held back.
        """
        channel = self._channel
        for name in _WRITING:
            vars(channel).pop(name, None)
        vars(channel).update(self._own)
        # The channel is closed after what was written before.
        isClosing, channel.closing = channel.closing, 0
        for send in self.held:
            send()
        channel.closing = channel.closing or isClosing


class OrderedConnection(ConchConnection):
    """
    A connection that keeps the order of what it sends to each channel.
    """

    def __init__(self) -> None:
        super().__init__()
        self._turns: dict[SSHChannel, Turn] = {}
        self._afterData: dict[SSHChannel, list[Callable[[], object]]] = {}

    def askInTurn(
        self, channel: SSHChannel, ask: Callable[[], Deferred[None]], size: int
    ) -> None:
        """
        Ask something of a channel, after what was asked of it before.

        @param ask: what does so and sends the answer; it fires when it has, and never
            fails.
        @param size: how long the request is, in bytes.

        @raise Malformed: if too much waits already.
        """
        turn = self._turns.get(channel)
        if turn is None:
            turn = self._turns[channel] = Turn(channel)
            ask().addCallback(self._cbAnswered, channel, turn)
            return
        turn.waiting.append((ask, size))
        waiting = sum(size for _, size in turn.waiting)
        if len(turn.waiting) > _MOST_WAITING or waiting > _MOST_BYTES:
            raise Malformed("too many requests")

    def _cbAnswered(self, _: None, channel: SSHChannel, turn: Turn) -> None:
        """
        Send what was held back, and go on with the next request.
        """
        if self._turns.get(channel) is not turn:
            # The client has closed the channel meanwhile.
            return
        self._release(channel)
        for ask, size in turn.waiting:
            if channel in self.channelsToRemoteChannel and not channel.localClosed:
                self.askInTurn(channel, ask, size)

    def _release(self, channel: SSHChannel) -> None:
        """
        Send what was held back.
        """
        turn = self._turns.pop(channel, None)
        if turn is not None:
            turn.release()

    def _afterAnswer(
        self, send: Callable[..., object], channel: SSHChannel, *args: object
    ) -> None:
        """
        Send something once what was asked of the channel is answered.
        """
        turn = self._turns.get(channel)
        if turn is None:
            send(channel, *args)
        else:
            turn.hold(send, channel, *args)

    def _afterAll(
        self, channel: SSHChannel, send: Callable[..., object], *args: object
    ) -> None:
        """
        Send something once all data is sent.
        """
        if _isWaiting(channel):
            later = self._afterData.setdefault(channel, [])
            later.append(partial(send, channel, *args))
        else:
            send(channel, *args)

    def _dataSent(self, channel: SSHChannel) -> None:
        """
        Send what has waited for data, if all of that is sent.
        """
        if not _isWaiting(channel):
            for send in self._afterData.pop(channel, ()):
                send()

    def sendData(self, channel: SSHChannel, data: bytes) -> None:
        """
        Send data.
        """
        self._afterAnswer(super().sendData, channel, data)

    def sendExtendedData(self, channel: SSHChannel, dataType: int, data: bytes) -> None:
        """
        Send data of another kind, such as errors.
        """
        self._afterAnswer(super().sendExtendedData, channel, dataType, data)

    def sendEOF(self, channel: SSHChannel) -> None:
        """
        Tell that there is no more data.
        """
        self._afterAnswer(self._afterAll, channel, super().sendEOF)

    def sendRequest(
        self, channel: SSHChannel, requestType: bytes, data: bytes, wantReply: int = 0
    ) -> Deferred[bytes] | None:
        """
        Send a request, such as with which status something has ended.

        @return: a L{Deferred} if an answer is wanted; such a request waits for nothing.
        """
        if wantReply:
            answer: Deferred[bytes] = super().sendRequest(
                channel, requestType, data, wantReply
            )
            return answer
        asked = super().sendRequest, requestType, data
        self._afterAnswer(self._afterAll, channel, *asked)
        return None

    def sendClose(self, channel: SSHChannel) -> None:
        """
        Close a channel, once all data is sent; one that isn't open yet, when it is.
        """
        self._afterAnswer(self._close, channel)

    def _close(self, channel: SSHChannel) -> None:
        """
        Close a channel, if there is nothing to wait for.
        """
        if channel not in self.channelsToRemoteChannel:
            return
        if _isWaiting(channel):
            # It closes itself when it has sent it.
            channel.closing = 1
            return
        self._dataSent(channel)
        super().sendClose(channel)

    def channelClosed(self, channel: SSHChannel) -> None:
        """
        Forget a channel.
        """
        self._turns.pop(channel, None)
        self._afterData.pop(channel, None)
        super().channelClosed(channel)

    def ssh_CHANNEL_WINDOW_ADJUST(self, packet: bytes) -> None:
        """
        Send more, since there is room for it.
        """
        channel = self.channels[Fields(packet).number(4)]
        super().ssh_CHANNEL_WINDOW_ADJUST(packet)
        self._dataSent(channel)

    def ssh_CHANNEL_CLOSE(self, packet: bytes) -> None:
        """
        Close a channel that the client has closed: it takes no more data, and needs no
        answers.
        """
        channel = self.channels[Fields(packet).number(4)]
        channel.buf, channel.extBuf = b"", []
        self._release(channel)
        super().ssh_CHANNEL_CLOSE(packet)


def _isWaiting(channel: SSHChannel) -> bool:
    """
    Return whether a channel has data that waits for room in the client's window.
    """
    if getattr(channel, "client", channel) is None:
        # A session that nothing was asked of keeps there what the client has sent to it.
        return False
    return bool(channel.buf or channel.extBuf)


__all__ = ["OrderedConnection"]
