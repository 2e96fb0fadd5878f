"""
Files of which one value is made, and which are read again when they differ.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from threading import Lock
from typing import Generic, TypeVar

from twisted.logger import Logger

from .._files import Signature, Watch, readWhole, signatureOf
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
        self._paths = paths
        self._parse = parse
        self._lock = Lock()
        self._watches = [Watch() for _ in paths]
        # The state of the files that was looked at last; None if they may have changed
        # since without its telling.
        self._seen: list[Signature] | None = None
        self._digests: list[bytes] = []
        self._complaint = ""
        self._value = self._parse(self._load())

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
        Read the files again if they differ.
        """
        if self._seen is not None and self._seen == self._signatures():
            return
        digests = self._digests
        texts = self._load()
        self._complaint = ""
        if self._digests != digests:
            self._value = self._parse(texts)
            self._log.info("TLS uses what {paths} hold now", paths=self._shown())

    def _load(self) -> list[bytes]:
        """
        Return what the files hold.
        """
        self._seen = None
        texts, states = zip(*map(readWhole, self._paths, self._watches))
        if not any(state.isProvisional for state in states):
            # Also if it turns out to be of no use: then it isn't parsed again for each
            # client until it differs.
            self._seen = [state.signature for state in states]
        self._digests = [sha256(text).digest() for text in texts]
        return list(texts)

    def _signatures(self) -> list[Signature]:
        """
        Return what tells the state of the files from others.
        """
        return [signatureOf(os.stat(path)) for path in self._paths]

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
        return printable(" and ".join(self._paths))


__all__ = ["KeptFiles"]
