"""
Commands of IMAP4 as they come over the wire: whole, one after another, and each
answered.

Twisted's server begins with the next command before the last one is done, reads some
arguments in ways of its own, and tells clients, and the log, what it couldn't read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.mail.imap4 import IMAP4Server
from twisted.python.failure import Failure

from .._store import LARGEST, MailboxFull
from ._commands import COMMANDS, UID_COMMANDS, Command, UnknownCharset
from ._syntax import Arguments, literal

# How much literals of one command may hold, in bytes, before a login and after it: the
# line ends of a message are shorter in the store.
_MOST_BEFORE = 8 * 1024
_MOST_AFTER = 2 * LARGEST

_tag = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]{1,255}')


class No(Exception):
    """
    A command makes sense, and can't be carried out.  The text is what the client is
    told.
    """


class Bad(Exception):
    """
    What a client says in the middle of a command makes no sense.  The text is what the
    client is told.
    """


class Connection(IMAP4Server):
    """
    A connection that takes one command after another.

    Each is carried out by a coroutine, C{on_NAME}, which returns what the client is told
    with OK, and raises L{No} or L{Bad}.
    """

    account: Any
    blocked: Any
    challengers: Any
    mbox: Any
    portal: Any
    transport: Any

    _log = Logger()
    _awaited: Deferred[bytes] | None = None
    _hasNews = False
    _isGone = False
    _isLeaving = False
    _left = 0

    def __init__(self, challengers: Any) -> None:
        super().__init__(challengers)
        self._pieces: list[bytes] = []
        self._literal = bytearray()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Forget what the client has sent.
        """
        self._isGone = True
        self._pieces = []
        self._literal.clear()
        awaited, self._awaited = self._awaited, None
        super().connectionLost(reason)
        if awaited is not None:
            awaited.cancel()

    def lineReceived(self, line: bytes) -> None:
        """
        Take a line: a command, a part of one, or what it waits for.
        """
        self.resetTimeout()
        awaited, self._awaited = self._awaited, None
        if awaited is not None:
            self._hold()
            awaited.callback(line)
            return
        self._pieces.append(line)
        found = literal.search(line)
        if found is None:
            pieces, self._pieces = self._pieces, []
            self._begin(pieces)
        else:
            self._expect(int(found[1]), isWaiting=not found[2])

    def _expect(self, size: int, isWaiting: bool) -> None:
        """
        Get ready for a literal.

        @param isWaiting: whether the client waits for leave to send it.
        """
        taken = sum(map(len, self._pieces[1::2]))
        if size + taken > (_MOST_BEFORE if self.account is None else _MOST_AFTER):
            first, self._pieces = self._pieces[0], []
            if isWaiting:
                self.sendNegativeResponse(_tagOf(first), b"[TOOBIG] That is too much")
            else:
                # It comes all the same (RFC 7888, section 4).
                self.sendUntaggedResponse(b"BYE [TOOBIG] That is too much")
                self.transport.loseConnection()
            return
        if isWaiting:
            self.sendContinuationRequest(b"Go on")
        self._left = size
        if size:
            self.setRawMode()
        else:
            self._pieces.append(b"")

    def rawDataReceived(self, data: bytes) -> None:
        """
        Take a part of a literal.
        """
        self.resetTimeout()
        self._literal += data[: self._left]
        rest = data[self._left :]
        self._left -= len(data) - len(rest)
        if not self._left:
            self._pieces.append(bytes(self._literal))
            self._literal.clear()
            self.setLineMode(rest)

    def _begin(self, pieces: list[bytes]) -> None:
        """
        Carry out a command.

        @param pieces: the line, and the literals, each with what follows it.
        """
        tag = _tagOf(pieces[0])
        if tag is None:
            self.sendBadResponse(None, b"A tag expected")
            return
        try:
            handler, arguments = self._read(pieces)
        except ValueError as error:
            self.sendBadResponse(tag, str(error).encode("ascii", "replace"))
        except UnknownCharset:
            self.sendNegativeResponse(tag, b"[BADCHARSET (US-ASCII UTF-8)] Unknown")
        else:
            self._hold()
            # New messages are told of when it is done.
            self.blocked = []
            doing = Deferred.fromCoroutine(handler(*arguments))
            doing.addCallbacks(
                self._cbDone, self._ebDone, callbackArgs=(tag,), errbackArgs=(tag,)
            ).addErrback(self._ebDefect).addBoth(self._release)

    def _read(
        self, pieces: list[bytes]
    ) -> tuple[Callable[..., Coroutine[Any, Any, bytes]], list[Any]]:
        """
        Read a command.

        @return: what carries it out, and its arguments.

        @raise ValueError: if it makes no sense.
        """
        name, rest = _wordIn(pieces[0].partition(b" ")[2])
        commands: dict[bytes, Command] = COMMANDS
        isUID = name == b"UID"
        if isUID:
            name, rest = _wordIn(rest)
            commands = UID_COMMANDS
        command = commands.get(name)
        if command is None:
            raise ValueError("Unknown command")
        if self.state not in command.states.split():
            raise ValueError(_whyNot(command, self.state))
        arguments = command.read(Arguments(rest, *pieces[1:]))
        if commands is UID_COMMANDS:
            arguments.append(True)
        return getattr(self, f"on_{name.decode('ascii')}"), arguments

    def _cbDone(self, said: bytes, tag: bytes) -> None:
        """
        Tell that a command was carried out.
        """
        if not self._isGone:
            self.tellNews()
            self.sendPositiveResponse(tag, said)
            if self._isLeaving:
                self.transport.loseConnection()

    def _ebDone(self, failure: Failure, tag: bytes) -> None:
        """
        Tell that a command was not carried out.
        """
        if self._isGone or failure.check(CancelledError):
            # Nobody waits for it any more.
            return
        self.tellNews()
        said = str(failure.value).encode("ascii", "replace")
        if failure.check(No):
            self.sendNegativeResponse(tag, said)
        elif failure.check(Bad):
            self.sendBadResponse(tag, said)
        elif failure.check(MailboxFull):
            self.sendNegativeResponse(tag, b"[OVERQUOTA] " + said)
        else:
            self._log.failure("A command failed", failure)
            self.sendNegativeResponse(tag, b"[SERVERBUG] Server error")

    def newMessages(self, exists: int | None, recent: int | None) -> None:
        """
        Tell of new messages, or when the command that is carried out is done.
        """
        self._hasNews = True
        if self.blocked is None:
            self.tellNews()

    def tellNews(self) -> None:
        """
        Tell how many messages there are, if there are new ones.
        """
        if self._hasNews and self.mbox is not None:
            self.sendUntaggedResponse(b"%d EXISTS" % len(self.mbox.messages))
        self._hasNews = False

    def _ebDefect(self, failure: Failure) -> None:
        """
        Tell the log of what can't be told the client.
        """
        if not failure.check(CancelledError):
            self._log.failure("An answer failed", failure)

    def awaitLine(self) -> Deferred[bytes]:
        """
        Wait for the client's next line, in the middle of a command.
        """
        awaited: Deferred[bytes] = Deferred()
        self._awaited = awaited
        self._release(None)
        return awaited

    def _hold(self) -> None:
        """
        Keep what the client sends, until this command is done.  Who is logged in may
        send as much as the system keeps; before that it is limited, and a connection
        that is lost must be noticed.
        """
        self.paused = True
        if self.account is not None:
            self.transport.pauseProducing()

    def _release(self, _: object) -> None:
        """
        Go on with what the client has sent.
        """
        if self._awaited is None:
            self.blocked = None
        self.paused = False
        if not self._isGone and not self.transport.disconnecting:
            self.transport.resumeProducing()
            self.dataReceived(b"")


def _whyNot(command: Command, state: str) -> str:
    """
    Say why there is no such command in a state.
    """
    if state == "unauth":
        return "Log in first"
    isLogin = command.states == "unauth"
    return "You are logged in already" if isLogin else "Select a folder first"


def _tagOf(line: bytes) -> bytes | None:
    """
    Return the tag of a command; L{None} if there is none.
    """
    tag = line.partition(b" ")[0]
    return tag if _tag.fullmatch(tag) else None


def _wordIn(text: bytes) -> tuple[bytes, bytes]:
    """
    Return the first word of a text, in capitals, and the rest.
    """
    word, _, rest = text.lstrip(b" ").partition(b" ")
    return word.upper(), rest


__all__ = ["Bad", "Connection", "No"]
