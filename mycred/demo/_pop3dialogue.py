"""
POP3 as clients really speak it: whatever they send is answered by +OK or -ERR
(RFC 1939, 2449, 3206 and 5034).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from io import BytesIO

from twisted.internet.defer import maybeDeferred

from ._commandlines import CommandLines
from ._dialogue import Refused

# The commands that there are before a login only.
_BEFORE = {b"APOP", b"AUTH", b"PASS", b"STLS", b"USER"}

# The arguments of each command.
_COMMANDS = {
    b"CAPA": re.compile(rb" *"),
    b"DELE": re.compile(rb" +([0-9]{1,9}) *"),
    b"LIST": re.compile(rb"(?: +([0-9]{1,9}))? *"),
    b"NOOP": re.compile(rb" *"),
    b"QUIT": re.compile(rb" *"),
    b"RETR": re.compile(rb" +([0-9]{1,9}) *"),
    b"RSET": re.compile(rb" *"),
    b"STAT": re.compile(rb" *"),
    b"TOP": re.compile(rb" +([0-9]{1,9}) +([0-9]{1,9}) *"),
    b"UIDL": re.compile(rb"(?: +([0-9]{1,9}))? *"),
}

#: The capabilities, besides those of the login.
CAPABILITIES = [
    *(b"TOP", b"UIDL", b"PIPELINING", b"RESP-CODES", b"AUTH-RESP-CODE"),
    *(b"EXPIRE NEVER", b"LOGIN-DELAY 0", b"IMPLEMENTATION mycred"),
]


class POP3Dialogue(CommandLines):
    """
    A connection over POP3 whose client is logged in.
    """

    # No less than RFC 1939 (section 3) allows.
    timeOut = 600

    commands = _COMMANDS
    yes, no = b"+OK ", b"-ERR "
    unknown = "unknown command"
    misused = "this command has other arguments"
    unavailable = "[SYS/TEMP] Try again later"
    defect = "[SYS/TEMP] Server error"

    def argumentsOf(self, command: bytes) -> re.Pattern[bytes]:
        """
        Return the pattern of the arguments of a command.

        @raise Refused: if there is none.
        """
        if command in _BEFORE:
            raise Refused("you are logged in already")
        return super().argumentsOf(command)

    async def on_CAPA(self) -> bytes:
        """
        Return the capabilities of this server.
        """
        return _several(CAPABILITIES)

    async def on_QUIT(self) -> bytes:
        """
        Remove the marked messages, and end the connection.
        """
        await maybeDeferred(self.avatar.sync)
        return b"Good-bye"

    async def on_STAT(self) -> bytes:
        """
        Return how many messages there are, and how large they are together.
        """
        sizes = self.avatar.listMessages()
        return b"%d %d" % (len(self._undeleted()), sum(sizes))

    async def on_LIST(self, number: bytes | None = None) -> bytes:
        """
        Return the size of a message, or of all.
        """
        return self._listed(lambda i: b"%d" % self.avatar.listMessages(i), number)

    async def on_UIDL(self, number: bytes | None = None) -> bytes:
        """
        Return the unique identifier of a message, or of all.
        """
        return self._listed(self.avatar.getUidl, number)

    async def on_RETR(self, number: bytes) -> bytes:
        """
        Return a message.
        """
        content = await self._content(number)
        return b"%d octets\r\n" % len(content) + _dotStuffed(content)

    async def on_TOP(self, number: bytes, count: bytes) -> bytes:
        """
        Return the headers of a message, and a number of its lines.
        """
        headers, blank, body = (await self._content(number)).partition(b"\r\n\r\n")
        lines = body.split(b"\r\n")[: int(count)]
        begun = headers + blank + b"\r\n".join(lines)
        return b"Top of message follows\r\n" + _dotStuffed(begun)

    async def on_DELE(self, number: bytes) -> bytes:
        """
        Mark a message as deleted.
        """
        self.avatar.deleteMessage(self._indexOf(number))
        return b"Marked"

    async def on_RSET(self) -> bytes:
        """
        Unmark all messages.
        """
        self.avatar.undeleteMessages()
        return b"Nothing is marked"

    async def on_NOOP(self) -> bytes:
        """
        Do nothing.
        """
        return b"Done"

    def _undeleted(self) -> list[int]:
        """
        Return the indices of the messages that aren't marked, from 0.
        """
        return [i for i, size in enumerate(self.avatar.listMessages()) if size]

    def _indexOf(self, number: bytes) -> int:
        """
        Return the index of the message with a number.

        @raise Refused: if there is none.
        """
        index = int(number) - 1
        if index not in self._undeleted():
            raise Refused("no such message")
        return index

    def _listed(self, describe: Callable[[int], bytes], number: bytes | None) -> bytes:
        """
        Return the answer to a command about one message, or all.

        @param describe: what returns the answer for the message with an index.
        """
        if number is not None:
            return number + b" " + describe(self._indexOf(number))
        return _several(b"%d %b" % (i + 1, describe(i)) for i in self._undeleted())

    async def _content(self, number: bytes) -> bytes:
        """
        Return the content of a message.
        """
        file: BytesIO | None = await maybeDeferred(
            self.avatar.getMessage, self._indexOf(number)
        )
        if file is None:
            raise Refused("that message is gone")
        return file.read()


def _several(lines: Iterable[bytes]) -> bytes:
    """
    Return an answer of several lines.
    """
    return b"\r\n".join([b"Here they are", *lines, b"."])


def _dotStuffed(content: bytes) -> bytes:
    """
    Return a message, or the beginning of one, as an answer: a dot at the beginning of a
    line is doubled, and one dot alone ends it.
    """
    stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    end = b"" if not stuffed or stuffed.endswith(b"\r\n") else b"\r\n"
    return stuffed + end + b"."


__all__ = ["CAPABILITIES", "POP3Dialogue"]
