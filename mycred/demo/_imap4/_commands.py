"""
The commands of IMAP4, and their arguments (RFC 3501, section 6).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .._dialogue import Refused
from ._fetch import fetchedBy
from ._search import Key, searchedBy
from ._syntax import Arguments

# The figures of a folder that STATUS returns.
_FIGURES = [b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN"]

# How STORE changes flags, and whether the client gets the new ones.
_STORED = {
    prefix + b"FLAGS" + suffix: (change, isTold)
    for prefix, change in {
        b"": lambda before, given: given,
        b"+": lambda before, given: before | given,
        b"-": lambda before, given: before - given,
    }.items()
    for suffix, isTold in {b"": True, b".SILENT": False}.items()
}

_charset = re.compile(rb"(?i:CHARSET)(?= )")


@dataclass(frozen=True)
class Command:
    """
    A command.

    @ivar states: the states of the connection in which there is such a command.
    @ivar readers: the parsers of its arguments.
    """

    states: str
    readers: tuple[Callable[[Arguments], object], ...] = ()

    def read(self, arguments: Arguments) -> list[object]:
        """
        Parse the arguments.

        @raise ValueError: if they make no sense.
        """
        read = [reader(arguments) for reader in self.readers]
        arguments.end()
        return read


def _figures(arguments: Arguments) -> list[bytes]:
    """
    Parse the names of the figures that STATUS asks for.
    """
    names = arguments.listOf(arguments.atom)
    if not names or not set(names) <= set(_FIGURES):
        raise ValueError("Names of figures expected")
    return names


def _optionalFlags(arguments: Arguments) -> list[str]:
    """
    Parse the flags of a new message, if there are some.
    """
    return arguments.flags() if arguments.begins(b"(") else []


def _optionalDate(arguments: Arguments) -> float | None:
    """
    Parse the date at which a new message came in, if there is one.
    """
    return arguments.dateTime() if arguments.begins(b'"') else None


def _content(arguments: Arguments) -> bytes:
    """
    Parse a new message.
    """
    content = arguments.literal()
    if content is None:
        raise ValueError("A literal expected")
    return content


def _stored(
    arguments: Arguments,
) -> tuple[Callable[[set[str], set[str]], set[str]], bool]:
    """
    Parse how STORE changes flags.
    """
    name = arguments.atom()
    if name not in _STORED:
        raise ValueError("FLAGS, +FLAGS or -FLAGS expected")
    return _STORED[name]


def _searched(arguments: Arguments) -> Key:
    """
    Parse the arguments of SEARCH.

    @raise Refused: if their charset isn't known.
    """
    if arguments.match(_charset):
        if arguments.astring().upper() not in (b"US-ASCII", b"UTF-8"):
            raise Refused("[BADCHARSET (US-ASCII UTF-8)] Unknown")
    return searchedBy(arguments)


# What may be done before a login only is known, for the answer.
_EARLY = Command("")
_ALWAYS = "auth select"

_mailbox, _numbers = Arguments.mailbox, Arguments.sequenceSet

#: The commands.
COMMANDS: dict[bytes, Command] = {
    b"APPEND": Command(_ALWAYS, (_mailbox, _optionalFlags, _optionalDate, _content)),
    b"AUTHENTICATE": _EARLY,
    b"CAPABILITY": Command(_ALWAYS),
    b"CHECK": Command("select"),
    b"CLOSE": Command("select"),
    b"COPY": Command("select", (_numbers, _mailbox)),
    b"CREATE": Command(_ALWAYS, (_mailbox,)),
    b"DELETE": Command(_ALWAYS, (_mailbox,)),
    b"EXAMINE": Command(_ALWAYS, (_mailbox,)),
    b"EXPUNGE": Command("select"),
    b"FETCH": Command("select", (_numbers, fetchedBy)),
    b"IDLE": Command(_ALWAYS),
    b"LIST": Command(_ALWAYS, (_mailbox, _mailbox)),
    b"LOGIN": _EARLY,
    b"LOGOUT": Command(_ALWAYS),
    b"LSUB": Command(_ALWAYS, (_mailbox, _mailbox)),
    b"NAMESPACE": Command(_ALWAYS),
    b"NOOP": Command(_ALWAYS),
    b"RENAME": Command(_ALWAYS, (_mailbox, _mailbox)),
    b"SEARCH": Command("select", (_searched,)),
    b"SELECT": Command(_ALWAYS, (_mailbox,)),
    b"STARTTLS": _EARLY,
    b"STATUS": Command(_ALWAYS, (_mailbox, _figures)),
    b"STORE": Command("select", (_numbers, _stored, Arguments.flags)),
    b"SUBSCRIBE": Command(_ALWAYS, (_mailbox,)),
    b"UID EXPUNGE": Command("select", (_numbers,)),
    b"UNSUBSCRIBE": Command(_ALWAYS, (_mailbox,)),
}

for _name in (b"COPY", b"FETCH", b"SEARCH", b"STORE"):
    # The same with UIDs in place of numbers.
    COMMANDS[b"UID " + _name] = COMMANDS[_name]

__all__ = ["COMMANDS", "Command"]
