"""
The submission of messages over SMTP, after the login (RFC 5321 and 6409).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from twisted.internet.defer import Deferred

from ..._facts import ConnectionFacts
from .._dialogue import Refused
from .._mailstore import MailboxFull, NoSuchUser
from ._connection import Connection
from ._data import DataReader, hasHeaders, whyUnfit
from ._outbox import MOST_DATA, Elsewhere
from ._paths import Path, parsePath
from ._trace import LONGEST_TRACE, traceOf

_T = TypeVar("_T")

#: How many recipients a message may have, as many as RFC 5321 (section 4.5.3.1.8) wants.
MOST_RECIPIENTS = 100

# What is said where the store raises an exception.
_REFUSALS: dict[type[Exception], str] = {
    MailboxFull: "452 4.2.2 There is no room in the mailbox",
    NoSuchUser: "550 5.1.1 There is no such mailbox; the first login makes one",
    Elsewhere: "550 5.7.1 This server takes mail for its own users only",
}


class Submission(Connection):
    """
    The commands by which a client sends messages.
    """

    _reader: DataReader
    _sender: Path | None = None
    _recipients: list[bytes]

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
        self.forget()
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
        self.forget()
        return b"250 2.0.0 Forgotten"

    def forget(self) -> None:
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
        try:
            await self.awaitLine()
            return self._reader.content()
        finally:
            # A lost connection is in circles of references, and stays a while.
            del self._reader

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


__all__ = ["MOST_RECIPIENTS", "Submission"]
