"""
What comes after a login: commands in lines, which are carried out one after another, no
faster than the client reads the answers.

Twisted's mail servers begin with the next command before the last one is done, and keep
in memory all that a client doesn't read.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure


class Malformed(Exception):
    """
    What a client sends makes no sense.  The client may be sent the text.
    """


class Refused(Exception):
    """
    A command makes sense, and can't be carried out.  The client is sent the text.
    """


class Dialogue(LineReceiver, TimeoutMixin):
    """
    A connection whose client is logged in, and that carries out one command after
    another, each by a coroutine.

    @cvar timeOut: how long a client may be idle, in seconds.
    @ivar avatar: the user's avatar.
    @ivar isBusy: whether a command is being carried out that doesn't wait for the client.
    @ivar isGone: whether the connection is lost.
    """

    timeOut: int

    transport: Any

    isBusy = isGone = False

    _log = Logger()
    _isFull = False
    _line: Deferred[bytes] | None = None
    _room: Deferred[None] | None = None

    def __init__(self, avatar: Any) -> None:
        """
        @param avatar: the user's avatar.
        """
        self.avatar = avatar

    def connectionMade(self) -> None:
        """
        Start the time-out for idle clients.
        """
        # An answer in several pieces would wait until the client's system acknowledges
        # the first, which it delays by 40 ms.
        if ITCPTransport.providedBy(self.transport):
            # A UNIX socket claims to be one.
            with suppress(OSError):
                self.transport.setTcpNoDelay(True)
        self.setTimeout(self.timeOut)
        self.transport.registerProducer(self, True)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Forget what the client has sent.
        """
        self.isGone = True
        self.setTimeout(None)
        self.clearLineBuffer()
        for waiting in (self._line, self._room):
            if waiting is not None:
                waiting.cancel()

    def timeoutConnection(self) -> None:
        """
        Disconnect a client that is idle, or doesn't read.  One that waits for an answer
        isn't idle: without it, mail would be sent again.
        """
        if self._isFull or self.transport.disconnecting:
            self.transport.abortConnection()
        elif self.isBusy:
            self.setTimeout(self.timeOut)
        else:
            self.sayIdle()
            self.hangUp()

    def sayIdle(self) -> None:
        """
        Tell an idle client that it is disconnected, if the protocol has words for that.
        """

    def hangUp(self) -> None:
        """
        End the connection once the client has read everything, or when it is idle for
        too long.  What the client still sends isn't taken any more, since there would be
        no answer.
        """
        self.paused = True
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        self.setTimeout(self.timeOut)

    def lineLengthExceeded(self, line: bytes) -> None:
        """
        Disconnect a client whose lines are too long.
        """
        self.hangUp()

    def lineReceived(self, line: bytes) -> None:
        """
        Take a line: a command, or the line that a command waits for.
        """
        self.resetTimeout()
        awaited, self._line = self._line, None
        if awaited is None:
            self.commandReceived(line)
        else:
            self.isBusy = True
            self._pace()
            awaited.callback(line)

    def commandReceived(self, line: bytes) -> None:
        """
        Take a line of a command.
        """
        raise NotImplementedError

    def carryOut(self, command: Coroutine[Any, Any, None]) -> None:
        """
        Carry out a command.
        """

        def ebCommand(failure: Failure) -> None:
            # After the client has gone nothing needs an answer.
            if not failure.check(CancelledError):
                self._log.failure("A command failed", failure)

        def done(_: object) -> None:
            self.isBusy = False
            self._pace()

        self.isBusy = True
        self._pace()
        Deferred.fromCoroutine(command).addErrback(ebCommand).addBoth(done)

    def awaitLine(self) -> Deferred[bytes]:
        """
        Return the client's next line, in the middle of a command.
        """
        line: Deferred[bytes] = Deferred()
        self._line = line
        self.isBusy = False
        self._pace()
        return line

    async def room(self) -> None:
        """
        Wait until the client has read enough, and give other connections their turn.
        """
        turn: Deferred[None] = Deferred()
        self.callLater(0, lambda: turn.callback(None))
        await turn
        if self._isFull and not self.isGone:
            self._room = Deferred()
            await self._room
        if self.isGone:
            raise CancelledError

    def pauseProducing(self) -> None:
        """
        Wait until the client has read what was written to it.
        """
        self._isFull = True
        self._pace()

    def resumeProducing(self) -> None:
        """
        Go on: the client has read it.
        """
        self._isFull = False
        self.resetTimeout()
        room, self._room = self._room, None
        if room is not None:
            room.callback(None)
        self._pace()

    def stopProducing(self) -> None:
        """
        Do nothing: L{connectionLost} does what is due.
        """

    def _pace(self) -> None:
        """
        Go on with what the client has sent, or leave it in the system's buffers.
        """
        isOver = self.isGone or self.transport.disconnecting
        self.paused = self.isBusy or self._isFull or isOver
        if not self.paused:
            self.transport.resumeProducing()
            self.dataReceived(b"")
        elif not isOver:
            self.transport.pauseProducing()


__all__ = ["Dialogue", "Malformed", "Refused"]
