"""
The formats in which logins are written, each as one line of text.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from twisted.logger import LogEvent, formatEvent, formatTime


def _textLine(event: LogEvent) -> str:
    """
    Return the line that the log has, after the time in this machine's zone.
    """
    return f"{formatTime(event['log_time'])} {formatEvent(event)}\n"


def _jsonLine(event: LogEvent) -> str:
    """
    Return a JSON object.  Its names have dots, and it has no other objects in it: so a
    pattern can look for one field, which no text of a client's can be taken for, since
    the quotes in a text are escaped.
    """
    # In ASCII, without what some programs take for the end of a line.
    return json.dumps(event["fields"], separators=(",", ":")) + "\n"


#: The formats by name.
FORMATS: dict[str, Callable[[LogEvent], str]] = {"line": _textLine, "json": _jsonLine}

__all__ = [
    "FORMATS",
]
