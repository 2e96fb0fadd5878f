"""
Faults that last: they are logged once, and so is their end.
"""

from __future__ import annotations

from twisted.logger import Logger

from .._secrets import printable


class Fault:
    """
    What keeps logins from being written somewhere.
    """

    _log = Logger()

    def __init__(self, place: str) -> None:
        """
        @param place: where they are written.
        """
        self._place = printable(place)
        self._missing = 0

    def note(self, error: OSError, count: int = 1) -> None:
        """
        Note that logins couldn't be written.

        @param count: how many.
        """
        if not self._missing:
            self._log.error(
                "Logins can't be written to {place}: {why}.  Until that works they are "
                "missing there",
                place=self._place,
                why=printable(error.strerror or str(error)),
            )
        self._missing += count

    def clear(self) -> None:
        """
        Note that a login was written.
        """
        if self._missing:
            self._log.warn(
                "Logins are written to {place} again; {missing} are missing there",
                place=self._place,
                missing=self._missing,
            )
            self._missing = 0


__all__ = ["Fault"]
