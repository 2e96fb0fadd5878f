"""
The line of a login: in the log, and wherever else logins are written.
"""

from __future__ import annotations

import re

from twisted.logger import Logger, LogLevel

from ._audit import LoginEvent, authTypeOf, partOf
from ._contracts import ANONYMOUS
from ._encodings import decodedName
from ._peers import hostOf
from ._secrets import printable

#: The format of the line.
LINE = "Login {verdict}: {told}"

# How much is shown of a name, in characters.
_LONGEST_NAME = 64

# The same of a reason, and of what the server itself has chosen.
_LONGEST_REASON, _LONGEST = 300, 4096

# A namespace of its own, so that a site can send the events where it likes.
_log = Logger(namespace="mycred.login")

# The fields whose values stand between quotes, since a client or a file may have written
# them.
_QUOTED = {"user", "avatar", "key", "reason", "why"}

# What would end a value that stands without quotes.
_SPACE = re.compile(r"\s")

# The characters that could be taken for the end of a value, or for the next field.
_SIGNS = {'"', "\\", "="}


def logLogin(event: LoginEvent) -> None:
    """
    Log how a login has ended.
    """
    told, known = shownOf(event)
    _log.emit(levelOf(event), LINE, verdict=event.verdict, told=told, **known)


def levelOf(event: LoginEvent) -> LogLevel:
    """
    Return the level at which a login is logged: a warning if it is the server's fault
    that the user isn't logged in.
    """
    isFault = event.verdict in ("temporary", "failed")
    level: LogLevel = LogLevel.warn if isFault else LogLevel.info
    return level


def shownOf(event: LoginEvent) -> tuple[str, dict[str, str]]:
    """
    Return what a line says of a login after its verdict, and the values in it by the
    names of their fields.  Whatever a program's credentials, errors and avatar IDs do
    when they are shown, this raises nothing.
    """
    credentials, avatarId = event.credentials, event.avatarId
    # The address is the last one, so that a pattern for addresses can count on it.
    facts = (
        ("user", decodedName(partOf(credentials, "username")), _LONGEST_NAME),
        ("avatar", _named(avatarId), _LONGEST_NAME),
        ("key", partOf(avatarId, "provedBy"), _LONGEST_REASON),
        ("reason", event.reason, _LONGEST_REASON),
        ("why", event.why, _LONGEST_REASON),
        ("by", authTypeOf(event.checker), _LONGEST),
        ("service", partOf(credentials, "service"), _LONGEST_NAME),
        ("ms", str(round(event.seconds * 1000)), _LONGEST),
        ("peer", hostOf(partOf(credentials, "peer")), _LONGEST),
    )
    known: dict[str, str] = {}
    told: list[str] = []
    for name, value, longest in facts:
        if value is None:
            continue
        text = known[name] = _text(value, longest)
        # Nearly all texts are like this.  The time must not grow with the length of a
        # reason, which would tell a client which one it is.
        if text.isprintable() and _SIGNS.isdisjoint(text):
            isQuoted = name in _QUOTED
            shown = f'"{text}"' if isQuoted else text[:_LONGEST_NAME].replace(" ", "?")
        else:
            shown, known[name] = _value(name, text), printable(text)
        told.append(f"{name}={shown}")
    return " ".join(told), known


def _named(avatarId: object) -> object:
    """
    Return an avatar ID for the log, with a name for the anonymous one.
    """
    isAnonymous = isinstance(avatarId, tuple) and avatarId == ANONYMOUS
    return "anonymous" if isAnonymous else avatarId


def _text(value: object, longest: int) -> str:
    """
    Return as much of a value as the log shows.
    """
    if isinstance(value, bytes):
        value = value[: 4 * longest + 1].decode("utf-8", "surrogateescape")
    elif not isinstance(value, str):
        value = type(value).__name__
    return value[:longest] + "..." if len(value) > longest else value


def _value(name: str, text: str) -> str:
    """
    Return a value as it is written, so that nothing in it can be taken for a field, for
    the end of the line, or for a command to a terminal.
    """
    if name not in _QUOTED:
        return _escaped(_SPACE.sub("?", text[:_LONGEST_NAME]))
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """
    Return a text in which characters that could mislead are written by their codes.
    """
    return "".join(c if c.isprintable() and c not in _SIGNS else _codeOf(c) for c in text)


def _codeOf(character: str) -> str:
    """
    Return the code of a character, as it is written in place of it.
    """
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # A byte that isn't UTF-8 (PEP 383).
        code -= 0xDC00
    form = "\\x%02x" if code < 0x100 else "\\u%04x" if code < 0x10000 else "\\U%08x"
    return form % code


__all__ = ["LINE", "levelOf", "logLogin", "shownOf"]
