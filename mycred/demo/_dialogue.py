"""
Connections whose commands come in lines, and are carried out one after another, no faster
than the client reads the answers.

Twisted's mail servers begin with the next command before the last one is done, and keep
in memory all that a client doesn't read.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.protocols.policies import TimeoutMixin
from twisted.python.failure import Failure

from .._contracts import InterfaceType
from ..credentials import CramMD5Credentials
from ..error import LoginFailed, TemporaryFailure
from ._sasl import Challenger, Malformed, take


class Refused(Exception):
    """
    A command makes sense, and can't be carried out.  The client is sent the text.
    """


class Dialogue(LineReceiver, TimeoutMixin):
    """
    A connection that carries out one command after another, each by a coroutine.

    @cvar timeOut: how long a client may be idle, in seconds.
    @cvar WRONG: the code for wrong credentials.
    @cvar UNSURE: the code for L{TemporaryFailure}.
    @ivar avatar: the user's avatar; L{None} before the login.
    @ivar isBusy: whether a command is being carried out that doesn't wait for the client.
    @ivar isGone: whether the connection is lost.
    """

    timeOut: int
    WRONG: str
    UNSURE: str

    factory: Any
    portal: Any
    transport: Any

    avatar: Any = None
    isBusy = isGone = False

    _log = Logger()
    _isFull = False
    _onLogout: Callable[[], object] | None = None
    _line: Deferred[bytes] | None = None
    _room: Deferred[None] | None = None

    def connectionMade(self) -> None:
        """
        Start the time-out for idle clients.
        """
        self.setTimeout(self.timeOut)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Log out, and forget what the client has sent.
        """
        self.isGone = True
        self.setTimeout(None)
        self.clearLineBuffer()
        for waiting in (self._line, self._room):
            if waiting is not None:
                waiting.cancel()
        if self._onLogout is not None:
            self._onLogout()

    def timeoutConnection(self) -> None:
        """
        Disconnect a client that is idle, or doesn't read.
        """
        if self._isFull or self.transport.disconnecting:
            self.transport.abortConnection()
        else:
            self.hangUp()

    def hangUp(self) -> None:
        """
        End the connection once the client has read everything, or when it is idle for
        too long.
        """
        if self.avatar is not None:
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

    async def authenticate(self, mechanism: bytes, initial: bytes | None) -> Challenger:
        """
        Get credentials from the client by SASL.

        @param initial: the client's answer to the first challenge, if it was sent with
            the command; C{=} stands for an empty one (RFC 4959, RFC 5034).

        @return: the credentials, complete.

        @raise Malformed: if an answer makes no sense.
        @raise Refused: if there is no such mechanism, or the answers are refused.
        """
        made = self.factory.challengers.get(mechanism.upper())
        if made is None:
            raise Refused("There is no such mechanism")
        credentials: Challenger = made()
        if initial is not None and isinstance(credentials, CramMD5Credentials):
            raise Malformed("This mechanism begins with a challenge")
        line = b"" if initial == b"=" else initial
        while True:
            challenge = credentials.getChallenge()
            if line is None:
                self.sendLine(b"+ " + b64encode(challenge))
                line = await self.awaitLine()
            try:
                if take(credentials, line):
                    return credentials
            except LoginFailed:
                raise Refused(f"{self.WRONG} Authentication failed") from None
            line = None

    async def logIn(self, credentials: object, interface: InterfaceType) -> None:
        """
        Log in.

        @param interface: the interface of the avatar.

        @raise Refused: if the login fails.
        """
        try:
            login = await self.portal.login(credentials, None, interface)
        except TemporaryFailure:
            raise Refused(f"{self.UNSURE} Temporarily unavailable") from None
        except LoginFailed:
            raise Refused(f"{self.WRONG} Authentication failed") from None
        _, self.avatar, self._onLogout = login
        # What is sent to a client before its login is limited otherwise.
        self.transport.registerProducer(self, True)

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
        Go on with what the client has sent, or leave it unread.  After the login it waits
        in the system's buffers; before that what a client sends is limited otherwise, and
        goes on being read, so that a lost connection is noticed.
        """
        isOver = self.isGone or self.transport.disconnecting
        self.paused = self.isBusy or self._isFull or isOver
        if not self.paused:
            self.transport.resumeProducing()
            self.dataReceived(b"")
        elif self.avatar is not None and not isOver:
            self.transport.pauseProducing()


__all__ = ["Dialogue", "Refused"]
