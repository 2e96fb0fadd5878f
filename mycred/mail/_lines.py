"""
The lines of a client, which wait while it logs in, and are thrown away where they were
sent in the clear behind STARTTLS.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

from .._peers import hostOf
from .._secrets import printable
from ..tls import upToDate
from ._handshakes import isHandshaking

# What a waiting line takes besides its bytes, and how much all of them may take, in
# bytes.
_OBJECT, _MOST_WAITING = 64, 64 * 1024

# How long the client may take to read the last answer, in seconds.
_LAST_MOMENTS = 60


class Lines(Protocol, TimeoutMixin):
    """
    A mix-in for a server's protocol of lines: it stands between L{dataReceived} and what
    Twisted's class makes of each line.

    =======================  ==================================================
    State                    A line that comes
    =======================  ==================================================
    the client is asked      is the answer
    a command isn't done     waits: a login, or another that takes time
    the connection ends      is thrown away
    STARTTLS was answered    is thrown away: it was sent in the clear
    else                     is a command
    =======================  ==================================================
    """

    transport: Any
    factory: Any
    ctx: Any = None
    startedTLS = False

    _log = Logger()
    _isOver = _isGone = _isTaking = _isStarting = _isLooking = False
    _holds = _weight = 0
    _answer: Deferred[bytes] | None = None

    @cached_property
    def _lines(self) -> deque[bytes]:
        """
        The lines that wait.
        """
        return deque()

    def dataReceived(self, data: bytes) -> None:
        """
        Take what the client sends, unless the connection ends, or a handshake isn't over.
        """
        if self._isOver:
            return
        if self._isStarting:
            if self._isLooking or isHandshaking(self.transport):
                return
            self._isStarting = False
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        """
        Take a line.
        """
        if self._isOver or self._isStarting:
            return
        self._lines.append(line)
        self._weight += len(line) + _OBJECT
        if self._weight > _MOST_WAITING:
            # Of these all but the first are waiting.
            self.hangUp("too much was sent ahead")
        self._take()

    def lineLengthExceeded(self, line: bytes) -> None:
        """
        End the connection: what is in the rest of a line that is too long can't be told.
        """
        if not (self._isOver or self._isStarting):
            self._forget()
            self._sendTooLong()
            self.hangUp("a line was too long")

    def _sendTooLong(self) -> None:
        """
        Tell the client that a line is too long.
        """
        raise NotImplementedError

    def commandReceived(self, line: bytes) -> None:
        """
        Take a line that is a command, or a part of one: hand it to Twisted's class.
        """
        super().lineReceived(line)  # type: ignore[misc]

    def _answerReceived(self, line: bytes, answer: Deferred[bytes]) -> None:
        """
        Take a line that the client was asked for.
        """
        raise NotImplementedError

    def _take(self) -> None:
        """
        Take the lines that needn't wait, one after another.
        """
        if self._isTaking:
            # A line has led to this: the next one is taken when it is done.
            return
        self._isTaking = True
        try:
            while self._lines and (self._answer is not None or not self._holds):
                if self.transport.disconnecting:
                    # The line before was QUIT.
                    self._forget()
                    break
                line = self._lines.popleft()
                self._weight -= len(line) + _OBJECT
                awaited, self._answer = self._answer, None
                if awaited is None:
                    self.commandReceived(line)
                else:
                    self.resetTimeout()
                    self._answerReceived(line, awaited)
        finally:
            self._isTaking = False

    def _awaitAnswer(self) -> Deferred[bytes]:
        """
        Return what the client answers: the next line is no command.
        """
        answer: Deferred[bytes] = Deferred(self._stopAsking)
        self._answer = answer
        self._take()
        return answer

    def _stopAsking(self, answer: Deferred[bytes]) -> None:
        """
        Take the next line for a command, after all.
        """
        if self._answer is answer:
            self._answer = None

    def _hold(self) -> None:
        """
        Have commands wait, until L{_release} was called as often as this.
        """
        self._holds += 1

    def _release(self) -> None:
        """
        Take the commands that have waited.
        """
        self._holds -= 1
        self._take()

    def startTLS(self, tell: Callable[[], object], refuse: Callable[[], object]) -> None:
        """
        Begin with TLS, and forget what the client has sent.

        @param tell: what tells the client to begin.
        @param refuse: what tells it that it can't.
        """

        def cbContext(contextFactory: Any) -> None:
            self._isLooking = False
            if not self._isOver:
                tell()
                self.transport.startTLS(contextFactory)

        def ebContext(failure: Failure) -> None:
            self._isLooking = self._isStarting = self.startedTLS = False
            if not self._isOver:
                self._log.failure("TLS can't be begun", failure)
                refuse()

        def ebStart(failure: Failure) -> None:
            # The client was told to begin: what it sends now is no command.
            self._log.failure("TLS can't be begun", failure)
            self.hangUp()

        self._isStarting = self._isLooking = self.startedTLS = True
        self._forget()
        looking: Deferred[Any] = maybeDeferred(upToDate, self.ctx)
        looking.addCallbacks(cbContext, ebContext).addErrback(ebStart)

    def _forget(self) -> None:
        """
        Forget what the client has sent.
        """
        self._lines.clear()
        self._weight = 0
        # The name of both LineReceiver and LineOnlyReceiver for the beginning of a line.
        self._buffer = b""

    def hangUp(self, why: str = "") -> None:
        """
        End the connection once the client has read everything, or hasn't for a while.

        @param why: the reason, for the log, if it isn't the client's wish.
        """
        if self._isOver:
            return
        self._stop()
        if why:
            peer = printable(hostOf(self.transport.getPeer()) or "?")
            self._log.info("Disconnected: {peer}: {why}", peer=peer, why=why)
        self.setTimeout(_LAST_MOMENTS)
        self.transport.loseConnection()

    def timeoutConnection(self) -> None:
        """
        End the connection of an idle client, at once if it was to end already.
        """
        if self._isOver:
            self.transport.abortConnection()
        else:
            self._stop()
            self.setTimeout(_LAST_MOMENTS)
            super().timeoutConnection()

    def _stop(self) -> None:
        """
        Take nothing more of what the client sends.
        """
        self._isOver = True
        self._forget()

    def setTimeout(self, period: float | None) -> None:
        """
        Set the time-out, unless the connection is lost: Twisted's classes do so at the
        end of what takes time, too.
        """
        super().setTimeout(None if self._isGone else period)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Forget everything.
        """
        self._isGone = True
        self._stop()
        self._answer = None
        self.setTimeout(None)
        super().connectionLost(reason)


__all__ = ["Lines"]
