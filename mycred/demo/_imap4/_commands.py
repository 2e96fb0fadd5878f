"""
The commands of IMAP4, and what their arguments are (RFC 3501, section 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ._fetch import fetchedBy
from ._search import searchedBy
from ._syntax import Arguments

#: What STATUS tells of a folder.
FIGURES = [b"MESSAGES", b"RECENT", b"UIDNEXT", b"UIDVALIDITY", b"UNSEEN"]

_STORED = {
    b"FLAGS": (0, False),
    b"+FLAGS": (1, False),
    b"-FLAGS": (-1, False),
    b"FLAGS.SILENT": (0, True),
    b"+FLAGS.SILENT": (1, True),
    b"-FLAGS.SILENT": (-1, True),
}

_CHARSETS = [b"US-ASCII", b"UTF-8"]


class UnknownCharset(Exception):
    """
    A client searches in a charset that isn't known.
    """


@dataclass(frozen=True)
class Command:
    """
    A command.

    @ivar states: in which states of the connection there is such a command.
    @ivar readers: what reads each of its arguments.
    """

    states: str
    readers: tuple[Callable[[Arguments], Any], ...] = ()

    def read(self, arguments: Arguments) -> list[Any]:
        """
        Read the arguments.

        @raise ValueError: if they make no sense.
        """
        read = [reader(arguments) for reader in self.readers]
        arguments.end()
        return read


def _astring(arguments: Arguments) -> bytes:
    """
    Read a string.
    """
    arguments.skip()
    return arguments.astring()


def _mailbox(arguments: Arguments) -> str:
    """
    Read the name of a mailbox, or a pattern.
    """
    arguments.skip()
    return arguments.mailbox()


def _mechanism(arguments: Arguments) -> bytes:
    """
    Read the name of a SASL mechanism.
    """
    arguments.skip()
    return arguments.atom()


def _initial(arguments: Arguments) -> bytes | None:
    """
    Read the initial response of a login by SASL (RFC 4959), if there is one.
    """
    return None if arguments.isEmpty() else _astring(arguments)


def _figures(arguments: Arguments) -> list[bytes]:
    """
    Read what is asked of a folder.
    """
    arguments.skip()
    names = arguments.listOf(arguments.atom)
    if not names or not set(names) <= set(FIGURES):
        raise ValueError("Names of figures expected")
    return names


def _optionalFlags(arguments: Arguments) -> list[str]:
    """
    Read the flags of a new message, if there are some.
    """
    arguments.skip()
    return arguments.flags() if arguments.begins(b"(") else []


def _optionalDate(arguments: Arguments) -> float | None:
    """
    Read when a new message came in, if that is said.
    """
    arguments.skip()
    return arguments.dateTime() if arguments.begins(b'"') else None


def _content(arguments: Arguments) -> bytes:
    """
    Read a new message.
    """
    arguments.skip()
    content = arguments.literal()
    if content is None:
        raise ValueError("A literal expected")
    return content


def _numbers(arguments: Arguments) -> Any:
    """
    Read numbers of messages.
    """
    arguments.skip()
    return arguments.sequenceSet()


def _fetched(arguments: Arguments) -> Any:
    """
    Read what is fetched.
    """
    arguments.skip()
    return fetchedBy(arguments)


def _stored(arguments: Arguments) -> tuple[int, bool]:
    """
    Read how flags are changed.

    @return: 1 to add them, -1 to take them away, 0 to replace them; and whether the
        client knows what that makes of them.
    """
    arguments.skip()
    name = arguments.atom()
    if name not in _STORED:
        raise ValueError("FLAGS, +FLAGS or -FLAGS expected")
    return _STORED[name]


def _flags(arguments: Arguments) -> list[str]:
    """
    Read flags.
    """
    arguments.skip()
    return arguments.flags()


def _searched(arguments: Arguments) -> Any:
    """
    Read what is searched for.

    @raise UnknownCharset: if it is in a charset that isn't known.
    """
    arguments.skip()
    if arguments.word(b"CHARSET"):
        if _astring(arguments).upper() not in _CHARSETS:
            raise UnknownCharset
        arguments.skip()
    return searchedBy(arguments)


_ALWAYS, _LOGGED_IN = "unauth auth select", "auth select"

#: The commands.
COMMANDS = {
    b"APPEND": Command(_LOGGED_IN, (_mailbox, _optionalFlags, _optionalDate, _content)),
    b"AUTHENTICATE": Command("unauth", (_mechanism, _initial)),
    b"CAPABILITY": Command(_ALWAYS),
    b"CHECK": Command("select"),
    b"CLOSE": Command("select"),
    b"COPY": Command("select", (_numbers, _mailbox)),
    b"CREATE": Command(_LOGGED_IN, (_mailbox,)),
    b"DELETE": Command(_LOGGED_IN, (_mailbox,)),
    b"EXAMINE": Command(_LOGGED_IN, (_mailbox,)),
    b"EXPUNGE": Command("select"),
    b"FETCH": Command("select", (_numbers, _fetched)),
    b"IDLE": Command(_LOGGED_IN),
    b"LIST": Command(_LOGGED_IN, (_mailbox, _mailbox)),
    b"LOGIN": Command("unauth", (_astring, _astring)),
    b"LOGOUT": Command(_ALWAYS),
    b"LSUB": Command(_LOGGED_IN, (_mailbox, _mailbox)),
    b"NAMESPACE": Command(_LOGGED_IN),
    b"NOOP": Command(_ALWAYS),
    b"RENAME": Command(_LOGGED_IN, (_mailbox, _mailbox)),
    b"SEARCH": Command("select", (_searched,)),
    b"SELECT": Command(_LOGGED_IN, (_mailbox,)),
    b"STATUS": Command(_LOGGED_IN, (_mailbox, _figures)),
    b"STORE": Command("select", (_numbers, _stored, _flags)),
    b"SUBSCRIBE": Command(_LOGGED_IN, (_mailbox,)),
    b"UNSUBSCRIBE": Command(_LOGGED_IN, (_mailbox,)),
}

#: The commands that speak of UIDs instead of numbers, after the word UID.
UID_COMMANDS = {
    **{name: COMMANDS[name] for name in (b"COPY", b"FETCH", b"SEARCH", b"STORE")},
    b"EXPUNGE": Command("select", (_numbers,)),
}

__all__ = ["COMMANDS", "FIGURES", "UID_COMMANDS", "Command", "UnknownCharset"]
