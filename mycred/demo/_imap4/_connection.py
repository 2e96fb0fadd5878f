"""
The commands of IMAP4 on the wire: a line, or several with literals between them (RFC
3501, section 2.2).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from twisted.internet.defer import CancelledError
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from ...mail._imap4 import TAG
from .._dialogue import Dialogue, Malformed, Refused
from .._mailstore import LARGEST, MailboxFull, Unavailable
from ._commands import COMMANDS
from ._folder import Folder
from ._syntax import Arguments, literal

# How long the literals of one command may be in all, in bytes (the line ends of a message
# are shorter in the store), and how many there may be.
_MOST_OCTETS = 2 * LARGEST
_MOST_LITERALS = 50

#: The capabilities, besides those of the login.
CAPABILITIES = [b"IMAP4rev1", b"IDLE", b"LITERAL+", b"NAMESPACE", b"UIDPLUS"]

_name = re.compile(rb" *((?:UID +)?[A-Z]+)(?= |\Z)", re.IGNORECASE)


class Connection(Dialogue):
    """
    A connection over IMAP4 whose client is logged in.

    Each command is carried out by a coroutine, C{on_NAME}, which returns the text that
    the client gets with OK, and raises L{Refused} for NO and L{Malformed} for BAD.

    @ivar folder: the folder that is selected; L{None} if none is.
    @ivar isLeaving: whether the client has sent LOGOUT.
    """

    # No less than RFC 3501 (section 5.4) allows.
    timeOut = 30 * 60

    folder: Folder | None = None
    isLeaving = False

    _hasNews = False
    _left = 0

    def connectionMade(self) -> None:
        """
        Make ready for a command.
        """
        super().connectionMade()
        self._pieces: list[bytes] = []
        self._literal = bytearray()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Forget what the client has sent, and close the folder.
        """
        self._pieces = []
        self._literal.clear()
        self.closeFolder()
        super().connectionLost(reason)

    def sayIdle(self) -> None:
        """
        Tell an idle client that it is disconnected.
        """
        self.tell(b"BYE You have been idle for too long")

    def closeFolder(self) -> None:
        """
        Close the folder that is selected.
        """
        if self.folder is not None:
            self.folder.close()
            self.folder = None

    def tell(self, line: bytes) -> None:
        """
        Send an untagged response.
        """
        self.sendLine(b"* " + line)

    def commandReceived(self, line: bytes) -> None:
        """
        Take a line, and any literal that follows it.
        """
        self._pieces.append(line)
        found = literal.search(line)
        if found is None:
            pieces, self._pieces = self._pieces, []
            self.carryOut(self._answer(pieces))
        else:
            self._expect(int(found[1]), isWaiting=not found[2])

    def _expect(self, size: int, isWaiting: bool) -> None:
        """
        Get ready for a literal.

        @param size: its size, in bytes.
        @param isWaiting: whether the client waits for permission to send it.
        """
        literals = self._pieces[1::2]
        octets = size + sum(map(len, literals))
        isMuch = octets > _MOST_OCTETS or len(literals) >= _MOST_LITERALS
        if isMuch and isWaiting:
            tag = _tagOf(self._pieces[0]) or b"*"
            self._pieces = []
            self.sendLine(tag + b" NO [TOOBIG] That is too much")
        elif isMuch:
            # The client sends it all the same (RFC 7888, section 4).
            self.tell(b"BYE [TOOBIG] That is too much")
            self.hangUp()
        else:
            if isWaiting:
                self.sendLine(b"+ Go on")
            self._left = size
            self.setRawMode()

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

    async def _answer(self, pieces: list[bytes]) -> None:
        """
        Carry a command out, and send the answer.

        @param pieces: the line, and the literals, each with what follows it.
        """
        tag = _tagOf(pieces[0])
        try:
            handler, arguments = self._read(tag, pieces)
            said = b"OK " + await handler(*arguments)
        except Malformed as error:
            said = b"BAD " + _said(error)
        except Refused as error:
            said = b"NO " + _said(error)
        except MailboxFull as error:
            said = b"NO [OVERQUOTA] " + _said(error)
        except Unavailable:
            said = b"NO [UNAVAILABLE] Try again later"
        except CancelledError:
            return
        except Exception:
            self._log.failure("A command failed")
            said = b"NO [SERVERBUG] Server error"
        if not self.isGone:
            self.tellNews()
            self.sendLine((tag or b"*") + b" " + said)
            if self.isLeaving:
                self.hangUp()

    def _read(
        self, tag: bytes | None, pieces: list[bytes]
    ) -> tuple[Callable[..., Awaitable[bytes]], list[object]]:
        """
        Parse a command.

        @return: the coroutine function for it, and its arguments.

        @raise Malformed: if it can't be parsed.
        """
        if tag is None:
            raise Malformed("A tag expected")
        found = _name.match(pieces[0], len(tag))
        words = found[1].upper().split() if found else []
        command = COMMANDS.get(b" ".join(words))
        if found is None or command is None:
            raise Malformed("Unknown command")
        if self.state not in command.states.split():
            isEarly = not command.states
            raise Malformed(
                "You are logged in already" if isEarly else "Select a folder first"
            )
        try:
            rest = pieces[0][found.end() :]
            arguments = command.read(Arguments(rest, *pieces[1:]))
        except ValueError as error:
            raise Malformed(str(error)) from None
        isUID = [True] * (len(words) - 1)
        return getattr(self, f"on_{words[-1].decode('ascii')}"), arguments + isUID

    @property
    def state(self) -> str:
        """
        The state, which decides what commands there are (RFC 3501, section 3).
        """
        return "auth" if self.folder is None else "select"

    def newMessages(self) -> None:
        """
        Tell the client of new messages, now or after the present command.
        """
        self._hasNews = True
        if not self.isBusy:
            self.tellNews()

    def tellNews(self) -> None:
        """
        Tell the client how many messages there are, if there are new ones.
        """
        if self._hasNews and self.folder is not None:
            self.tell(b"%d EXISTS" % len(self.folder.messages))
        self._hasNews = False


def _said(error: Exception) -> bytes:
    """
    Return the text of an error.
    """
    return str(error).encode("ascii", "replace")


def _tagOf(line: bytes) -> bytes | None:
    """
    Return the tag of a command; L{None} if there is none.
    """
    found = TAG.match(line)
    return found[0] if found else None


__all__ = ["CAPABILITIES", "Connection"]
