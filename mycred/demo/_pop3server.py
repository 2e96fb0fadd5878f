"""
POP3 as clients really speak it: whatever they send is answered by +OK or -ERR
(RFC 1939, 2449, 3206 and 5034).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable
from typing import Any

from twisted.internet.defer import CancelledError, maybeDeferred
from twisted.mail.pop3 import IMailbox

from ..credentials import UsernamePassword
from ._dialogue import Dialogue, Refused
from ._sasl import Malformed

_number = re.compile(rb"[0-9]{1,9}")


def _nothing(rest: bytes) -> tuple[bytes, ...]:
    """
    Read no argument.
    """
    if rest.strip():
        raise Refused("this command has no arguments")
    return ()


def _all(rest: bytes) -> tuple[bytes, ...]:
    """
    Read one argument, in which there may be spaces.
    """
    if not rest:
        raise Refused("this command has an argument")
    return (rest,)


def _mechanism(rest: bytes) -> tuple[bytes, ...]:
    """
    Read a mechanism and an initial response, or nothing.
    """
    words = rest.split()
    if len(words) > 2:
        raise Refused("this command has a mechanism and a response")
    return tuple(words)


def _numbers(least: int, most: int) -> Callable[[bytes], tuple[int, ...]]:
    """
    Make what reads so many numbers.
    """

    def read(rest: bytes) -> tuple[int, ...]:
        words = rest.split()
        if not least <= len(words) <= most or not all(map(_number.fullmatch, words)):
            raise Refused("this command has other arguments, which are numbers")
        return tuple(map(int, words))

    return read


# How the arguments of each command are read, before a login, after it, or always.
_BEFORE: dict[bytes, Callable[[bytes], tuple[Any, ...]]] = {
    b"AUTH": _mechanism,
    b"PASS": _all,
    b"USER": _all,
}
_AFTER: dict[bytes, Callable[[bytes], tuple[Any, ...]]] = {
    b"DELE": _numbers(1, 1),
    b"LIST": _numbers(0, 1),
    b"NOOP": _nothing,
    b"RETR": _numbers(1, 1),
    b"RSET": _nothing,
    b"STAT": _nothing,
    b"TOP": _numbers(2, 2),
    b"UIDL": _numbers(0, 1),
}
_ALWAYS = {b"CAPA": _nothing, b"QUIT": _nothing}


class POP3Server(Dialogue):
    """
    A connection over POP3.

    Each command is carried out by a coroutine, C{on_NAME}, which returns what the client
    is told with +OK, and raises L{Refused}.
    """

    # No less than RFC 1939 (section 3) allows.
    timeOut = 600

    WRONG, UNSURE = "[AUTH]", "[SYS/TEMP]"

    _user: bytes | None = None

    def connectionMade(self) -> None:
        """
        Greet, without a time stamp: with one, clients try APOP, which needs passwords
        that aren't hashed.
        """
        super().connectionMade()
        self.sendLine(b"+OK mycred example server")

    def commandReceived(self, line: bytes) -> None:
        """
        Take a command.
        """
        self.carryOut(self._answer(line))

    async def _answer(self, line: bytes) -> None:
        """
        Carry a command out, and tell how it went.
        """
        name, _, rest = line.partition(b" ")
        try:
            arguments = self._readerOf(name.upper())(rest)
            handler = getattr(self, f"on_{name.upper().decode('ascii')}")
            said = b"+OK " + await handler(*arguments)
        except (Refused, Malformed) as error:
            said = b"-ERR " + str(error).encode("ascii")
        except CancelledError:
            return
        except Exception:
            self._log.failure("A command failed")
            said = b"-ERR [SYS/TEMP] Server error"
        self.sendLine(said)
        if name.upper() == b"QUIT":
            self.hangUp()

    def _readerOf(self, name: bytes) -> Callable[[bytes], tuple[Any, ...]]:
        """
        Find what reads the arguments of a command.

        @raise Refused: if it isn't one for now.
        """
        now, other = (_BEFORE, _AFTER) if self.avatar is None else (_AFTER, _BEFORE)
        if name in other:
            isEarly = self.avatar is None
            raise Refused("log in first" if isEarly else "you are logged in already")
        reader = now.get(name) or _ALWAYS.get(name)
        if reader is None:
            raise Refused("unknown command")
        return reader

    async def on_CAPA(self) -> bytes:
        """
        Tell what this server can do.
        """
        can = b"TOP USER UIDL PIPELINING RESP-CODES AUTH-RESP-CODE".split()
        can += [b"EXPIRE NEVER", b"LOGIN-DELAY 0", b"IMPLEMENTATION mycred"]
        if self.factory.challengers:
            can.append(b"SASL " + b" ".join(self.factory.challengers))
        return _several(can)

    async def on_QUIT(self) -> bytes:
        """
        Remove what is marked, and end the connection.
        """
        if self.avatar is not None:
            await maybeDeferred(self.avatar.sync)
        return b"Good-bye"

    async def on_USER(self, user: bytes) -> bytes:
        """
        Take the name of who logs in.
        """
        self._user = user
        return b"Send PASS"

    async def on_PASS(self, password: bytes) -> bytes:
        """
        Log in with a password.
        """
        user, self._user = self._user, None
        if user is None:
            raise Refused("USER required before PASS")
        await self.logIn(UsernamePassword(user, password), IMailbox)
        return b"Authentication succeeded"

    async def on_AUTH(
        self, mechanism: bytes | None = None, initial: bytes | None = None
    ) -> bytes:
        """
        Log in by SASL, or list the mechanisms.
        """
        if mechanism is None:
            return _several(self.factory.challengers)
        await self.logIn(await self.authenticate(mechanism, initial), IMailbox)
        return b"Authentication succeeded"

    async def on_STAT(self) -> bytes:
        """
        Tell how many messages there are, and how large they are together.
        """
        sizes = self._sizes()
        return b"%d %d" % (len(sizes), sum(sizes.values()))

    async def on_LIST(self, number: int | None = None) -> bytes:
        """
        Tell the size of a message, or of all.
        """
        sizes = {n: b"%d" % size for n, size in self._sizes().items()}
        return self._listed(sizes, number)

    async def on_UIDL(self, number: int | None = None) -> bytes:
        """
        Tell the identifier of a message, or of all.
        """
        return self._listed(
            {n: self.avatar.getUidl(n - 1) for n in self._sizes()}, number
        )

    async def on_RETR(self, number: int) -> bytes:
        """
        Send a message.
        """
        content = await self._content(number)
        return b"%d octets\r\n" % len(content) + _spelled(content)

    async def on_TOP(self, number: int, count: int) -> bytes:
        """
        Send the headers of a message, and so many lines of it.
        """
        headers, blank, body = (await self._content(number)).partition(b"\r\n\r\n")
        lines = body.split(b"\r\n", count)[:count] if count else []
        begun = headers + blank + b"\r\n".join(lines)
        return b"Top of message follows\r\n" + _spelled(begun)

    async def on_DELE(self, number: int) -> bytes:
        """
        Mark a message.
        """
        self._insistOn(number, self._sizes())
        self.avatar.deleteMessage(number - 1)
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

    def _sizes(self) -> dict[int, int]:
        """
        Return the sizes of the messages that aren't marked, by their numbers.
        """
        return {n: size for n, size in enumerate(self.avatar.listMessages(), 1) if size}

    def _insistOn(self, number: int, known: Container[int]) -> None:
        """
        @raise Refused: if there is no message of a number.
        """
        if number not in known:
            raise Refused("no such message")

    def _listed(self, known: dict[int, bytes], number: int | None) -> bytes:
        """
        Tell something of a message, or of all.
        """
        lines = {n: b"%d %b" % (n, told) for n, told in known.items()}
        if number is None:
            return _several(lines.values())
        self._insistOn(number, lines)
        return lines[number]

    async def _content(self, number: int) -> bytes:
        """
        Load a message.
        """
        self._insistOn(number, self._sizes())
        file: Any = await maybeDeferred(self.avatar.getMessage, number - 1)
        if file is None:
            raise Refused("that message is gone")
        content: bytes = file.read()
        return content


def _several(lines: Iterable[bytes]) -> bytes:
    """
    Write an answer of several lines.
    """
    return b"\r\n".join([b"Here they are", *lines, b"."])


def _spelled(content: bytes) -> bytes:
    """
    Write a message, or the beginning of one, as an answer: a dot at the beginning of a
    line is doubled, and one alone ends it.
    """
    stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    end = b"" if not stuffed or stuffed.endswith(b"\r\n") else b"\r\n"
    return stuffed + end + b"."


__all__ = ["POP3Server"]
