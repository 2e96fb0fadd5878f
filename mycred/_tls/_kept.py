"""
Files of which one value is made, and which are read again when they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from twisted.logger import Logger

from .._files import KeptFile
from .._secrets import printable

_T = TypeVar("_T")


class KeptFiles(Generic[_T]):
    """
    What files hold together, such as a key and a certificate for it.

    As long as what they hold now can't be used, such as a certificate whose key has yet
    to be written, the last that could is.  The methods may be called in any thread.
    """

    _log = Logger()

    def __init__(
        self, paths: Sequence[str], parse: Callable[[Sequence[bytes]], _T]
    ) -> None:
        """
        @param paths: the paths of the files.
        @param parse: returns what they mean, of what each holds.  It raises
            L{ValueError} if that can't be used.

        @raise OSError: if a file can't be read.
        @raise ValueError: as from C{parse}.
        """
        self._files = [KeptFile(path, lambda text, _: text) for path in paths]
        self._parse = parse
        self._lock = Lock()
        self._complaint = ""
        # Also if it turns out to be of no use: then it isn't parsed again for each client
        # until it differs.
        self._texts = self._load()
        self._value = self._parse(self._texts)

    def read(self) -> _T:
        """
        Return what the files mean, or have meant when they could be used last.
        """
        with self._lock:
            try:
                self._update()
            except OSError as error:
                self._complain(f"{error.filename} can't be read ({error.strerror})")
            except ValueError as error:
                self._complain(str(error))
            return self._value

    def _update(self) -> None:
        """
        Parse what the files hold, if it differs.
        """
        known, self._texts = self._texts, self._load()
        self._complaint = ""
        if self._texts != known:
            self._value = self._parse(self._texts)
            self._log.info("TLS uses what {paths} hold now", paths=self._shown())

    def _load(self) -> list[bytes]:
        """
        Return what the files hold.
        """
        return [file.read() for file in self._files]

    def _complain(self, complaint: str) -> None:
        """
        Log why the files can't be used, once.
        """
        if complaint != self._complaint:
            self._complaint = complaint
            self._log.warn(
                "TLS goes on with what it has read before of {paths}: {complaint}",
                paths=self._shown(),
                complaint=printable(complaint),
            )

    def _shown(self) -> str:
        """
        Return the paths as the log shows them.
        """
        return printable(" and ".join(file.path for file in self._files))


__all__ = ["KeptFiles"]
