"""
Log little of what clients send.
"""

from __future__ import annotations

from twisted.logger import Logger, LogLevel

#: As long as a name can be (RFC 4250, section 4.6.1).
LONGEST = 64


class CutLogger(Logger):
    """
    A logger that cuts every field.

    Whatever conch's classes log of what a client has sent, they log by their C{_log}.
    """

    def emit(self, level: LogLevel, format: str | None = None, **fields: object) -> None:
        """
        Emit an event.
        """
        super().emit(level, format, **{name: _cut(fields[name]) for name in fields})


def _cut(value: object) -> object:
    """
    Return a value, of a long text its beginning.
    """
    return value[:LONGEST] if isinstance(value, (bytes, str)) else value


__all__ = ["LONGEST", "CutLogger"]
