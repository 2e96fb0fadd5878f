"""
The submission of messages over SMTP, after the login (RFC 5321 and 6409).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from sqlite3 import Error as StoreError
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred

from ..._facts import ConnectionFacts
from .._dialogue import Dialogue, Refused
from .._store import MailboxFull, NoSuchUser
from ._data import DataReader, hasHeaders, whyUnfit
from ._outbox import MOST_DATA, Elsewhere
from ._paths import Path, parsePath
from ._trace import LONGEST_TRACE, traceOf

_T = TypeVar("_T")

#: The extensions: what a message may be like, and that commands may come before the
#: answers to others.
EXTENSIONS: dict[bytes, bytes] = {
    b"8BITMIME": b"",
    b"ENHANCEDSTATUSCODES": b"",
    b"PIPELINING": b"",
    b"SIZE": b"%d" % MOST_DATA,
}

#: How many recipients a message may have, as many as RFC 5321 (section 4.5.3.1.8) wants.
MOST_RECIPIENTS = 100

# The arguments of each command.
_NONE, _ANY = re.compile(rb" *"), re.compile(rb"(?: .*)?")
_COMMANDS = {
    b"AUTH": _ANY,
    b"DATA": _NONE,
    b"EHLO": re.compile(rb" +(\S+) *"),
    b"HELO": re.compile(rb" +(\S+) *"),
    b"HELP": _ANY,
    b"MAIL": re.compile(rb" +FROM(:.*)", re.IGNORECASE),
    b"NOOP": _ANY,
    b"QUIT": _NONE,
    b"RCPT": re.compile(rb" +TO(:.*)", re.IGNORECASE),
    b"RSET": _NONE,
    b"STARTTLS": _NONE,
    b"VRFY": _ANY,
}

# What is said where the store raises an exception.
_REFUSALS: dict[type[Exception], str] = {
    MailboxFull: "452 4.2.2 There is no room in the mailbox",
    NoSuchUser: "550 5.1.1 There is no such mailbox; the first login makes one",
    Elsewhere: "550 5.7.1 This server takes mail for its own users only",
    StoreError: "451 4.3.0 The message can't be stored now",
}


class Submission(Dialogue):
    """
    A connection over SMTP whose client is logged in.

    Each command is carried out by a coroutine, C{on_NAME}, which returns the answer, and
    raises L{Refused} for one that says no.

    """

    # No less than RFC 5321 (section 4.5.3.2.7) allows.
    timeOut = 5 * 60

    _reader: DataReader
    _sender: Path | None = None
    _recipients: list[bytes]

    def __init__(self, avatar: Any, host: bytes, helo: bytes) -> None:
        """
        @param avatar: the user's avatar.
        @param host: the name of this server.
        @param helo: the name by which the client has greeted.
        """
        super().__init__(avatar)
        self.host = host
        self.helo = helo
        self._forget()

    def sayIdle(self) -> None:
        """
        Tell an idle client that it is disconnected.
        """
        self.sendLine(b"421 4.4.2 You have been idle for too long")

    def commandReceived(self, line: bytes) -> None:
        """
        Take a command.
        """
        self.carryOut(self._answer(line))

    async def _answer(self, line: bytes) -> None:
        """
        Carry a command out, and send the answer.
        """
        name = line.partition(b" ")[0]
        command = name.upper()
        try:
            pattern = _COMMANDS.get(command)
            if pattern is None:
                raise Refused("500 5.5.2 There is no such command")
            found = pattern.fullmatch(line, len(name))
            if found is None:
                raise Refused("501 5.5.4 This command has other arguments")
            handler = getattr(self, f"on_{command.decode('ascii')}")
            said = await handler(*found.groups())
        except Refused as error:
            said = str(error).encode("ascii")
        except CancelledError:
            return
        except Exception:
            self._log.failure("A command failed")
            said = b"451 4.3.0 Server error"
        self.sendLine(said)
        if command == b"QUIT":
            self.hangUp()

    async def on_EHLO(self, helo: bytes) -> bytes:
        """
        Return the extensions, and forget the message that was begun.
        """
        self._greeted(helo)
        can = [b" ".join(filter(None, pair)) for pair in EXTENSIONS.items()]
        lines = [self.host, *can]
        return b"\r\n".join(
            [*(b"250-" + line for line in lines[:-1]), b"250 " + lines[-1]]
        )

    async def on_HELO(self, helo: bytes) -> bytes:
        """
        Forget the message that was begun.
        """
        self._greeted(helo)
        return b"250 " + self.host

    async def on_MAIL(self, arguments: bytes) -> bytes:
        """
        Begin a message.
        """
        if self._sender is not None:
            raise Refused("503 5.5.1 A message was begun already")
        path = _parsed(arguments, {b"SIZE", b"BODY", b"AUTH"})
        if path.parameters.get(b"BODY", b"7BIT").upper() not in (b"7BIT", b"8BITMIME"):
            raise Refused("555 5.5.4 BODY is 7BIT or 8BITMIME")
        if _sizeIn(path) > MOST_DATA:
            raise Refused(f"552 5.3.4 A message has {MOST_DATA} octets at the most")
        self._sender = path
        return b"250 2.1.0 Begun"

    async def on_RCPT(self, arguments: bytes) -> bytes:
        """
        Add a recipient.
        """
        if self._sender is None:
            raise Refused("503 5.5.1 MAIL comes first")
        if len(self._recipients) >= MOST_RECIPIENTS:
            raise Refused(f"452 4.5.3 A message has {MOST_RECIPIENTS} recipients at most")
        address = _parsed(arguments, set()).address
        if address is None:
            raise Refused("501 5.1.3 A recipient has an address")
        size = _sizeIn(self._sender) + LONGEST_TRACE
        user = await self._stored(self.avatar.recipient(address, size))
        self._recipients.append(user)
        return b"250 2.1.5 Taken"

    async def on_DATA(self) -> bytes:
        """
        Take the message, and deliver it to all recipients or to none.
        """
        if self._sender is None or not self._recipients:
            raise Refused("503 5.5.1 MAIL and RCPT come first")
        sender, recipients = self._sender.text, self._recipients
        self._forget()
        content = await self._data()
        if content is None:
            raise Refused(f"552 5.3.4 A message has {MOST_DATA} octets at the most")
        why = whyUnfit(content)
        if why is not None:
            raise Refused(f"554 5.6.0 {why}")
        facts = ConnectionFacts(self.transport, "smtp")
        trace = traceOf(sender, self.helo, facts, self.host, self.avatar.user)
        if not hasHeaders(content):
            trace += b"\r\n"
        await self._stored(self.avatar.send(recipients, trace + content))
        return b"250 2.0.0 Delivered"

    async def on_RSET(self) -> bytes:
        """
        Forget the message that was begun.
        """
        self._forget()
        return b"250 2.0.0 Forgotten"

    async def on_NOOP(self) -> bytes:
        """
        Do nothing.
        """
        return b"250 2.0.0 Done"

    async def on_HELP(self) -> bytes:
        """
        Return the names of the commands.
        """
        return b"214 2.0.0 " + b" ".join(_COMMANDS)

    async def on_VRFY(self) -> bytes:
        """
        Tell nothing of a user.
        """
        return b"252 2.1.5 Send a message, and see"

    async def on_AUTH(self) -> bytes:
        """
        Refuse another login.
        """
        raise Refused("503 5.5.1 You are logged in already")

    async def on_STARTTLS(self) -> bytes:
        """
        Refuse to change the connection after the login.
        """
        raise Refused("503 5.5.1 TLS comes before the login")

    async def on_QUIT(self) -> bytes:
        """
        End the connection.
        """
        return b"221 2.0.0 Good-bye"

    def _greeted(self, helo: bytes) -> None:
        """
        Take note of a greeting.
        """
        self.helo = helo
        self._forget()

    def _forget(self) -> None:
        """
        Forget the message that was begun.
        """
        self._sender, self._recipients = None, []

    async def _data(self) -> bytes | None:
        """
        Get the message from the client.

        @return: the message; L{None} if it is too large.
        """
        self._reader = DataReader(MOST_DATA)
        self.sendLine(b"354 Send the message, and a line with a dot")
        self.setRawMode()
        await self.awaitLine()
        content = self._reader.content()
        del self._reader
        return content

    def rawDataReceived(self, data: bytes) -> None:
        """
        Take a part of the message.
        """
        self.resetTimeout()
        rest = self._reader.feed(data)
        if rest is not None:
            # The rest isn't looked at before this message is delivered.
            self.setLineMode(rest)
            self.lineReceived(b"")

    async def _stored(self, work: Deferred[_T]) -> _T:
        """
        Return what the store answers.

        @raise Refused: if it fails in a way that has an answer.
        """
        try:
            return await work
        except tuple(_REFUSALS) as error:
            if isinstance(error, StoreError):
                self._log.failure("The store failed")
            [said] = [text for kind, text in _REFUSALS.items() if isinstance(error, kind)]
            raise Refused(said) from None


def _parsed(arguments: bytes, known: Collection[bytes]) -> Path:
    """
    Parse an address and its parameters.

    @param known: the names of the parameters that may follow.

    @raise Refused: if that fails.
    """
    try:
        path = parsePath(arguments)
    except ValueError as error:
        raise Refused(f"501 5.5.4 {error}") from None
    if not path.parameters.keys() <= set(known):
        raise Refused("555 5.5.4 There is no such parameter")
    return path


def _sizeIn(path: Path) -> int:
    """
    Return the size that a client has announced (RFC 1870), in octets; 0 if it hasn't.

    @raise Refused: if it is no number.
    """
    size = path.parameters.get(b"SIZE", b"0")
    if not 1 <= len(size) <= 20 or not size.isdigit():
        raise Refused("501 5.5.4 SIZE is a number of octets")
    return int(size)


__all__ = ["EXTENSIONS", "MOST_RECIPIENTS", "Submission"]
