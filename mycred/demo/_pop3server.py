"""
POP3 as clients really speak it: whatever they send is answered by +OK or -ERR.

Twisted's server takes the words of a line for the arguments of a method.  One too many,
or a number that is none, is an error of the server then.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.mail.pop3 import POP3, IMailbox
from twisted.protocols.basic import FileSender
from twisted.python.failure import Failure

from ..credentials import UsernamePassword
from ..error import LoginFailed
from ._sasl import Exchange, Malformed

_number = re.compile(rb"[0-9]{1,9}")


def _nothing(rest: bytes) -> tuple[bytes, ...]:
    """
    Read no argument.
    """
    if rest.strip():
        raise ValueError("this command has no arguments")
    return ()


def _all(rest: bytes) -> tuple[bytes, ...]:
    """
    Read one argument, in which there may be spaces.
    """
    if not rest:
        raise ValueError("this command has an argument")
    return (rest,)


def _nameAndDigest(rest: bytes) -> tuple[bytes, ...]:
    """
    Read a name, in which there may be spaces, and a digest.
    """
    name, _, digest = rest.rpartition(b" ")
    if not name or not digest:
        raise ValueError("this command has a name and a digest")
    return name, digest


def _mechanism(rest: bytes) -> tuple[bytes, ...]:
    """
    Read a mechanism and an initial response, or nothing.
    """
    words = rest.split()
    if len(words) > 2:
        raise ValueError("this command has a mechanism and a response")
    return tuple(words)


def _numbers(least: int, most: int) -> Callable[[bytes], tuple[bytes, ...]]:
    """
    Make what reads so many numbers.
    """

    def read(rest: bytes) -> tuple[bytes, ...]:
        words = tuple(rest.split())
        if not least <= len(words) <= most or not all(map(_number.fullmatch, words)):
            raise ValueError("this command has other arguments, which are numbers")
        return words

    return read


# How the arguments of each command are read, before a login, after it, or always.
_BEFORE = {
    b"APOP": _nameAndDigest,
    b"AUTH": _mechanism,
    b"PASS": _all,
    b"USER": _all,
}
_AFTER = {
    b"DELE": _numbers(1, 1),
    b"LAST": _nothing,
    b"LIST": _numbers(0, 1),
    b"NOOP": _nothing,
    b"RETR": _numbers(1, 1),
    b"RSET": _nothing,
    b"STAT": _nothing,
    b"TOP": _numbers(2, 2),
    b"UIDL": _numbers(0, 1),
}
_ALWAYS = {b"CAPA": _nothing, b"QUIT": _nothing}


class POP3Server(POP3):
    """
    POP3 that tells wrong credentials and trouble apart, as RFC 3206 has it.

    @cvar timeOut: how long a client may be idle, in seconds: no less than RFC 1939
        (section 3) allows.
    """

    timeOut = 600

    blocked: Any
    factory: Any
    mbox: Any
    portal: Any

    _log = Logger()
    _exchange: Any = None
    _isGone = False
    _isAtLineStart = True

    def listCapabilities(self) -> Any:
        """
        Tell that it does.
        """
        return [*super().listCapabilities(), b"RESP-CODES", b"AUTH-RESP-CODE"]

    def failResponse(self, message: object = b"") -> None:
        """
        Send a response, with the code for a login that has failed.
        """
        super().failResponse(self.portal.told(message, b"[AUTH]", b"[SYS/TEMP]"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Forget what the client has sent ahead.
        """
        self._isGone = True
        self.blocked = []
        super().connectionLost(reason)

    def state_COMMAND(self, line: bytes) -> None:
        """
        Take a command.
        """
        command, _, rest = line.partition(b" ")
        self.processCommand(command.upper(), rest)

    def processCommand(self, command: bytes, *args: bytes) -> None:
        """
        Carry a command out, or keep it until the one before it is done.

        @param args: one: what follows the command in the line.
        """
        if self.blocked is not None:
            self.blocked.append((command, args))
            return
        try:
            arguments = self._readerOf(command)(*args)
            getattr(self, f"do_{command.decode('ascii')}")(*arguments)
        except ValueError as error:
            (why,) = error.args
            self.failResponse(why)
        except Exception:
            self._log.failure("A command failed")
            self.failResponse(b"[SYS/TEMP] Server error")

    def _readerOf(self, command: bytes) -> Callable[[bytes], tuple[bytes, ...]]:
        """
        Find what reads the arguments of a command.

        @raise ValueError: if it isn't one for now.
        """
        now, other = (_BEFORE, _AFTER) if self.mbox is None else (_AFTER, _BEFORE)
        if command in other:
            said = "log in first" if self.mbox is None else "you are logged in already"
            raise ValueError(said)
        reader = now.get(command) or _ALWAYS.get(command)
        if reader is None:
            raise ValueError("unknown command")
        return reader

    def do_AUTH(self, mechanism: bytes | None = None, first: bytes | None = None) -> None:
        """
        Begin a login by SASL (RFC 5034), or list the mechanisms.
        """
        if mechanism is None:
            super().do_AUTH()
            return
        made = getattr(self.factory, "challengers", {}).get(mechanism.upper())
        if made is None:
            raise ValueError("unknown mechanism")
        self._exchange = Exchange(made())
        if first is None:
            self._ask(self._exchange)
        else:
            self._take(self._exchange.begin, first)

    def state_AUTH(self, line: bytes) -> None:
        """
        Take the client's answer to a challenge.
        """
        self.state = "COMMAND"
        self._take(self._exchange.take, line)

    def _ask(self, exchange: Exchange) -> None:
        """
        Send a challenge.
        """
        self.sendLine(b"+ " + exchange.challenge())
        self.state = "AUTH"

    def _take(self, take: Callable[[bytes], bool], line: bytes) -> None:
        """
        Go on with a login by SASL.

        @param take: what takes the client's answer.
        """
        exchange = self._exchange
        try:
            isComplete = take(line)
        except Malformed as error:
            self.failResponse(str(error))
        except LoginFailed:
            self.failResponse(b"[AUTH] Authentication failed")
        else:
            if isComplete:
                self._logIn(exchange.credentials)
            else:
                self._ask(exchange)

    def do_PASS(self, password: bytes, *words: bytes) -> None:
        """
        Log in.
        """
        user, self._userIs = self._userIs, None
        if user is None:
            raise ValueError("USER required before PASS")
        self._logIn(UsernamePassword(user, password))

    def do_APOP(self, user: bytes, digest: bytes) -> None:
        """
        Refuse what a client proves without having been asked to: the greeting holds no
        challenge.
        """
        raise ValueError("this server sends no challenge for APOP")

    def _logIn(self, credentials: Any) -> None:
        """
        Log in.  What the client sends meanwhile waits.
        """
        self.blocked = []
        login: Deferred[Any] = maybeDeferred(
            self.portal.login, credentials, None, IMailbox
        )
        login.addCallbacks(self._cbMailbox, self._ebMailbox, callbackArgs=(b"",))
        login.addErrback(self._ebUnexpected).addCallback(self._unblock)

    def do_LIST(self, i: bytes | None = None) -> Any:
        """
        Tell the size of a message, or of all.
        """
        return super().do_LIST(self._checked(i))

    def do_UIDL(self, i: bytes | None = None) -> Any:
        """
        Tell the identifier of a message, or of all.
        """
        return super().do_UIDL(self._checked(i))

    def do_DELE(self, i: bytes) -> None:
        """
        Mark a message.
        """
        super().do_DELE(self._checked(i))

    def _checked(self, i: bytes | None) -> bytes | None:
        """
        Return the number of a message that is there and not marked.

        @raise ValueError: if there is none.
        """
        if i is not None and (int(i) < 1 or not self.mbox.listMessages(int(i) - 1)):
            raise ValueError("no such message")
        return i

    def do_TOP(self, i: bytes, size: bytes) -> Any:
        """
        Send the headers of a message, and so many lines of it.
        """

        def top(whole: BytesIO) -> BytesIO:
            headers, blank, body = whole.read().partition(b"\n\n")
            lines = body.splitlines(keepends=True)[: int(size)]
            return BytesIO(headers + blank + b"".join(lines))

        return self._sendMessageContent(i, top, lambda _: b"Top of message follows")

    def _sendMessageContent(self, i: bytes, fpWrapper: Any, successResponse: Any) -> Any:
        """
        Send a message, or what is made of it.
        """

        def cbFile(found: tuple[int, Any] | None) -> Any:
            if found is None:
                # That was told.
                return None
            size, file = found
            self._highest = max(self._highest, int(i))
            self._isAtLineStart = True
            self.successResponse(successResponse(size))
            sending = FileSender().beginFileTransfer(
                fpWrapper(file), self.transport, self.transformChunk
            )
            # All that it fails of is that the client has gone.
            return sending.addCallbacks(self.finishedFileTransfer, lambda _: None)

        finding: Deferred[Any] = self._getMessageFile(i)
        return self._longOperation(finding.addCallback(cbFile))

    def setTimeout(self, period: int | None) -> None:
        """
        Wait so long for the client, unless it has gone.
        """
        super().setTimeout(None if self._isGone else period)

    def transformChunk(self, chunk: bytes) -> bytes:
        """
        Spell a part of a message as it goes over the wire: a dot at the beginning of a
        line is doubled, also where a part begins.
        """
        stuffed = chunk.replace(b"\n.", b"\n..")
        if self._isAtLineStart and stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        self._isAtLineStart = chunk.endswith(b"\n")
        return stuffed.replace(b"\n", b"\r\n")


__all__ = ["POP3Server"]
