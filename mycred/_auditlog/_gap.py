"""
Logins that are missing from a file or from syslog: that is logged once, and so is its
end.
"""

from __future__ import annotations

from twisted.logger import Logger

from .._secrets import printable


class Gap:
    """
    The logins that couldn't be written to one place since it worked last.
    """

    _log = Logger()

    def __init__(self, place: str) -> None:
        """
        @param place: the path of the file or of the socket.
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

    def end(self) -> None:
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


__all__ = ["Gap"]
