"""
The log of a worker, as it goes to the process of C{twistd}: a line of JSON for each
event, so that no text of an event can look like another one.
"""

from __future__ import annotations

import json
import os
from collections import deque
from contextlib import suppress
from threading import RLock
from typing import Any

from zope.interface import implementer

from twisted.logger import ILogObserver, LogEvent, LogLevel, eventAsText

#: How long a line may be, in bytes.  JSON writes a character by at most twelve.
LONGEST_LINE = 2**20

# How much is sent of a text, in characters.
_LONGEST_TEXT = 2**15

# What isn't sent: every program of twistd says it when it starts and ends.
_UNSAID = "twisted.scripts._twistd_unix.UnixAppLogger"

# The fields that every event has, and the type of each.
_FIELDS: dict[str, tuple[type, ...]] = {
    "log_time": (float,),
    "log_level": (str,),
    "log_namespace": (str,),
    "log_system": (str, type(None)),
    "log_format": (str,),
}

# The types of other fields that are sent.
_PLAIN = (str, int, float, bool, type(None))

# Those that have a meaning in Twisted's old log, in which the text would be lost.
_OLD = {"failure", "format", "isError", "message", "system", "time"}

# What time an event may have: otherwise it couldn't be written.
_LAST_TIME = 2.0**33


class RelayError(ValueError):
    """
    A line is no event.
    """


@implementer(ILogObserver)
class Relay:
    """
    An observer that sends events.

    It waits when they aren't read as fast as they come: a flood takes no memory, and
    pushes nothing out of the log.
    """

    def __init__(self, descriptor: int) -> None:
        """
        @param descriptor: the pipe.
        """
        self._descriptor = descriptor
        # The handler of a signal may come while its thread has the lock.
        self._lock = RLock()
        self._isWriting = False
        self._lines: deque[bytes] = deque()

    def __call__(self, event: LogEvent) -> None:
        """
        Send an event.
        """
        if event.get("log_namespace") != _UNSAID:
            self._send(encodeEvent(event))

    def ready(self) -> None:
        """
        Say that the worker serves clients.
        """
        self._send(READY + b"\n")

    def _send(self, line: bytes) -> None:
        """
        Write a line, whole: not in the middle of another thread's line, nor of one that
        the handler of a signal has interrupted.
        """
        with self._lock:
            self._lines.append(line)
            if self._isWriting:
                return
            self._isWriting = True
            try:
                while self._lines:
                    self._write(self._lines.popleft())
            finally:
                self._isWriting = False

    def _write(self, data: bytes) -> None:
        """
        Write data, unless nobody reads it any more.
        """
        with suppress(OSError):
            while data:
                data = data[os.write(self._descriptor, data) :]


#: The line that says that a worker serves clients.
READY = b"ready"


def encodeEvent(event: LogEvent) -> bytes:
    """
    Return the line of an event.  Its text is complete in it, tracebacks included; of its
    fields it has those that are plain values.
    """
    text = eventAsText(event, includeTimestamp=False, includeSystem=False)
    level = event.get("log_level")
    fields = {name: _cut(value) for name, value in event.items() if _isSent(name, value)}
    fields |= {
        "log_time": float(event.get("log_time") or 0),
        "log_level": (level or LogLevel.info).name,
        "log_namespace": _cut(str(event.get("log_namespace") or "")),
        "log_system": _cut(event.get("log_system")),
        "log_format": _cut(text),
    }
    line = json.dumps(fields)
    if len(line) >= LONGEST_LINE:
        line = json.dumps({name: fields[name] for name in _FIELDS})
    return line.encode("ascii") + b"\n"


def decodeEvent(line: bytes) -> dict[str, Any]:
    """
    Return the event of a line.

    @raise RelayError: if it is none.
    """
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise RelayError("no JSON") from None
    if not isinstance(event, dict):
        raise RelayError("no object")
    for name, kinds in _FIELDS.items():
        if type(event.get(name)) not in kinds:
            raise RelayError(f"no {name}")
    for name, value in event.items():
        if not (name in _FIELDS or _isSent(name, value)):
            raise RelayError("a field that isn't sent")
    if not 0 <= event["log_time"] < _LAST_TIME:
        raise RelayError("no time")
    event["log_level"] = _levelOf(event["log_level"])
    # The text has no fields in it any more, whatever it looks like.
    event["log_format"] = event["log_format"].replace("{", "{{").replace("}", "}}")
    return event


def _isSent(name: str, value: object) -> bool:
    """
    Return whether a field is sent besides those that each event has.
    """
    isOwn = not (name.startswith("log_") or name in _OLD)
    return isOwn and type(value) in _PLAIN


def _levelOf(name: str) -> object:
    """
    Return a level.

    @raise RelayError: if there is none of this name.
    """
    with suppress(ValueError):
        level: object = LogLevel.lookupByName(name)
        return level
    raise RelayError("no level")


def _cut(value: Any) -> Any:
    """
    Return a value, no longer than it may be.
    """
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


__all__ = [
    "LONGEST_LINE",
    "READY",
    "Relay",
    "RelayError",
    "decodeEvent",
    "encodeEvent",
]
