"""
The mailbox over SSH: a handful of commands.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Sequence

from zope.interface import implementer

from twisted.conch.avatar import ConchUser
from twisted.conch.insults.insults import ServerProtocol
from twisted.conch.interfaces import ISession
from twisted.conch.manhole_ssh import TerminalSessionTransport
from twisted.conch.recvline import HistoricRecvLine
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.session import SSHSession, SSHSessionProcessProtocol
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IProtocolFactory
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.components import registerAdapter
from twisted.python.failure import Failure

from ..conch import SSHFactory
from ..portal import Portal
from ._mailstore import Mailbox, StoreService, Unavailable

_help = """\
list      the messages, with their sizes and dates
read N    message N
quit      leave
"""

# Characters that could command a terminal.
_controls = re.compile(r"[^\S\n\t ]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# How long a command may be, and how much a client may leave unread, in bytes.
_LONGEST, _MOST_WAITING = 1024, 2**18

# How many lines the history of a terminal holds.
_MOST_HISTORY = 100


class MailUser(ConchUser):
    """
    The avatar of a user, who reads mail by commands.
    """

    _log = Logger()

    def __init__(self, store: StoreService, mailbox: Mailbox, mind: object) -> None:
        super().__init__()
        self.channelLookup = {b"session": SSHSession}
        self._store = store
        self._mailbox = mailbox

    def logout(self) -> None:
        """
        Do nothing.
        """

    def run(self, line: bytes) -> Deferred[tuple[int, str]]:
        """
        Run a command.

        @return: a L{Deferred} that fires with its exit status, and what it writes.
        """
        try:
            words = shlex.split(line[:_LONGEST].decode("utf-8", "replace"))
        except ValueError:
            words = []
        if words == ["list"]:
            return succeed((0, self._list()))
        if words == ["help"]:
            return succeed((0, _help))
        if len(words) == 2 and words[0] == "read":
            return self._read(words[1])
        return succeed((127, f"There is no such command. There are:\n{_help}"))

    def _list(self) -> str:
        """
        Return the list of messages.
        """
        lines = [
            f"{number:4} {message.size:8} {_date(message.date)}\n"
            for number, message in enumerate(self._mailbox.messages, 1)
        ]
        return "".join(lines) or "No mail.\n"

    def _read(self, number: str) -> Deferred[tuple[int, str]]:
        """
        Return the exit status and the output of C{read}.
        """
        messages = self._mailbox.messages
        if not re.fullmatch("[0-9]{1,9}", number) or not 0 < int(number) <= len(messages):
            return succeed((1, f"There are messages 1 to {len(messages)}.\n"))
        uid = messages[int(number) - 1].uid
        loading = self._store.content(self._mailbox.user, uid)

        def cbLoaded(content: bytes | None) -> tuple[int, str]:
            if content is None:
                return 1, "It is gone.\n"
            return 0, _shown(content)

        def ebLoaded(failure: Failure) -> tuple[int, str]:
            if not failure.check(Unavailable):
                self._log.failure("Mail could not be read", failure=failure)
            return 75, "Temporarily unavailable\n"

        return loading.addCallbacks(cbLoaded, ebLoaded)


@implementer(ISession)
class MailSession:
    """
    A session of a user: one command, or a shell.
    """

    def __init__(self, user: MailUser) -> None:
        self._user = user
        self._size: tuple[int, int] | None = None
        self._input: Lines | None = None
        self._end: Callable[[], None] | None = None

    def getPty(self, term: bytes, windowSize: Sequence[int], modes: object) -> None:
        """
        Remember the size of the client's terminal.
        """
        self._size = windowSize[0], windowSize[1]

    def execCommand(self, proto: SSHSessionProcessProtocol, command: bytes) -> None:
        """
        Run a command.
        """
        proto.makeConnection(_Nothing())

        def ended(result: tuple[int, str]) -> None:
            status, text = result
            proto.outReceived(self._encode(text))
            ending = ProcessTerminated(status) if status else ProcessDone(0)
            proto.processEnded(Failure(ending))

        self._user.run(command).addCallback(ended)

    def openShell(self, proto: SSHSessionProcessProtocol) -> None:
        """
        Start a shell, for one command after another.
        """

        def end() -> None:
            proto.processEnded(Failure(ProcessDone(0)))

        self._end = end

        def isFull() -> bool:
            return len(proto.session.buf or b"") > _MOST_WAITING

        if self._size is not None:
            height, width = self._size
            shell = ServerProtocol(Terminal, self._user, end, isFull)
            TerminalSessionTransport(proto, shell, self._user, width, height)
            return
        self._input = Lines(self._user, proto.outReceived, end, isFull)
        proto.makeConnection(_Nothing(self._input.dataReceived))

    def _encode(self, text: str) -> bytes:
        """
        Return text as bytes, with the line ends that a terminal wants if there is one.
        """
        if self._size is not None:
            text = text.replace("\n", "\r\n")
        return text.encode("utf-8")

    def windowChanged(self, newWindowSize: object) -> None:
        """
        Do nothing: lines aren't wrapped here.
        """

    def eofReceived(self) -> None:
        """
        End the shell, since no commands come any more.
        """
        if self._input is not None:
            self._input.lineReceived(b"quit")
        elif self._end is not None:
            self._end()

    def closed(self) -> None:
        """
        Do nothing.
        """


registerAdapter(MailSession, MailUser, ISession)


class Lines(LineReceiver):
    """
    Commands that come line by line.
    """

    delimiter = b"\n"
    MAX_LENGTH = _LONGEST

    def __init__(
        self,
        user: MailUser,
        write: Callable[[bytes], None],
        end: Callable[[], None],
        isFull: Callable[[], bool],
    ) -> None:
        self._user = user
        self._write = write
        self._end = end
        self._isFull = isFull
        self._last: Deferred[None] = succeed(None)

    def lineReceived(self, line: bytes) -> None:
        """
        Run a command, after those before it.
        """
        words = line.split()
        if self._isFull():
            # The client doesn't read the output.
            self._end()
        elif words == [b"quit"]:
            self._last.addCallback(lambda _: self._end())
        elif words:
            self._last.addCallback(lambda _: self._run(line))

    def _run(self, line: bytes) -> Deferred[None]:
        """
        Run a command, and write its output.
        """
        running = self._user.run(line)
        return running.addCallback(lambda result: self._write(result[1].encode("utf-8")))

    def lineLengthExceeded(self, line: bytes) -> None:
        """
        End the session.
        """
        self._end()


class Terminal(HistoricRecvLine):
    """
    Commands that are typed at a terminal.
    """

    ps = (b"mail> ", b"")

    def __init__(
        self, user: MailUser, end: Callable[[], None], isFull: Callable[[], bool]
    ) -> None:
        super().__init__()
        self._user = user
        self._end = end
        self._isFull = isFull

    def keystrokeReceived(self, keyID: bytes, modifier: object) -> None:
        """
        Take a key, unless the line is too long.  End if the client doesn't read the
        output.
        """
        if self._isFull():
            self._end()
        elif len(self.lineBuffer) < _LONGEST or keyID in (b"\r", b"\n", b"\x7f"):
            super().keystrokeReceived(keyID, modifier)
            del self.historyLines[:-_MOST_HISTORY]

    def lineReceived(self, line: bytes) -> None:
        """
        Run a command.
        """
        if line.split() == [b"quit"]:
            self._end()
        elif line.split():
            self._user.run(line).addCallback(self._cbRun)
        else:
            self._prompt()

    def _cbRun(self, result: tuple[int, str]) -> None:
        """
        Show the output of a command.
        """
        self.terminal.write(result[1].replace("\n", "\r\n").encode("utf-8"))
        self._prompt()

    def _prompt(self) -> None:
        """
        Show the prompt.
        """
        self.terminal.write(self.ps[0])


class _Nothing:
    """
    A stand-in for the process that C{proto} expects.
    """

    def __init__(self, write: Callable[[bytes], None] | None = None) -> None:
        self._write = write

    def write(self, data: bytes) -> None:
        """
        Hand on what the client sends.
        """
        if self._write is not None:
            self._write(data)

    def loseConnection(self) -> None:
        """
        Do nothing.
        """


def _date(seconds: float) -> str:
    """
    Return the date of a message as the list shows it.
    """
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _shown(content: bytes) -> str:
    """
    Return the text of a message without characters that could command a terminal.
    """
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    return _controls.sub("\ufffd", text)


def makeFactory(portal: Portal, hostKey: Key) -> IProtocolFactory:
    """
    Return a factory that serves a portal over SSH.

    @param hostKey: the private key by which clients recognize the server.
    """
    factory: IProtocolFactory = SSHFactory(portal, [hostKey])
    return factory


__all__ = ["MailUser", "makeFactory"]
