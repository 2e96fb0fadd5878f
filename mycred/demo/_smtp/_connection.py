"""
The commands of SMTP that are about the connection, after the login (RFC 5321).
"""

from __future__ import annotations

import re
from typing import Any

from .._commandlines import CommandLines
from .._dialogue import Refused
from ._outbox import MOST_DATA

#: The extensions: what a message may be like, and that commands may come before the
#: answers to others.
EXTENSIONS: dict[bytes, bytes] = {
    b"8BITMIME": b"",
    b"ENHANCEDSTATUSCODES": b"",
    b"PIPELINING": b"",
    b"SIZE": b"%d" % MOST_DATA,
}

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


class Connection(CommandLines):
    """
    A connection over SMTP whose client is logged in.

    @ivar host: the name of this server.
    @ivar helo: the name by which the client has greeted.
    """

    # No less than RFC 5321 (section 4.5.3.2.7) allows.
    timeOut = 5 * 60

    commands = _COMMANDS
    unknown = "500 5.5.2 There is no such command"
    misused = "501 5.5.4 This command has other arguments"
    unavailable = "451 4.3.0 The store can't be used now"
    defect = "451 4.3.0 Server error"

    def __init__(self, avatar: Any, host: bytes, helo: bytes) -> None:
        """
        @param avatar: the user's avatar.
        @param host: the name of this server.
        @param helo: the name by which the client has greeted.
        """
        super().__init__(avatar)
        self.host = host
        self.helo = helo
        self.forget()

    def sayIdle(self) -> None:
        """
        Tell an idle client that it is disconnected.
        """
        self.sendLine(b"421 4.4.2 You have been idle for too long")

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
        self.forget()

    def forget(self) -> None:
        """
        Forget the message that was begun.
        """
        raise NotImplementedError


__all__ = ["EXTENSIONS", "Connection"]
