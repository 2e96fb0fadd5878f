"""
What the checkers of password files have in common.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from operator import attrgetter

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .._fairqueue import Source
from .._passwordfile import PasswordFile
from .._verdict import Verdict
from ..workers import Workers
from ._passwords import PasswordChecker
from ._stores import ThreadedStore


class FileStore(ThreadedStore[PasswordFile]):
    """
    A password file that threads read.
    """

    #: How often it is found out whether the file differs, while nobody logs in, in
    #: seconds.
    PERIOD = 1.0

    def __init__(self, store: PasswordFile, workers: Workers | None = None) -> None:
        """
        @param store: the file.
        @param workers: the threads; the reactor's own if L{None}.
        """
        super().__init__(store, workers)
        self._refreshed: float | None = None

    def lookUpKeys(
        self, name: bytes, hash: str, salt: bytes, source: Source
    ) -> Deferred[Verdict]:
        """
        Look a user up, for a client that proves the password by SCRAM.

        @return: a L{Deferred} as from L{ThreadedStore.ask}.
        """
        asked = self.store.lookUpKeys, name, hash, salt
        return self.ask(*asked, source=source, isShared=True)

    def stateOf(self, name: bytes, source: Source) -> Deferred[bytes]:
        """
        Return what the file holds for a name now, as a digest.

        @return: a L{Deferred} as from L{ThreadedStore.ask}.
        """
        finding = self.ask(self.store.stateOf, name, source=source, isShared=True)
        return finding.addCallback(attrgetter("secret"))

    def preload(self) -> None:
        """
        Read the file now, if it can be read, so that what it serves is known from the
        first connection on.  This blocks: it is for constructors.
        """
        # The first login logs why it can't be read.
        with suppress(OSError):
            self.store.load()

    def scramHashes(self) -> Collection[str]:
        """
        Return the hashes of SCRAM for which a user had keys when the file was read last,
        without waiting.  If it differs, it is read for the next time.
        """
        now = self.workers.seconds()
        if self._refreshed is None or not 0 <= now - self._refreshed < self.PERIOD:
            self._refreshed = now
            self.workers.share(self.store.refresh).addErrback(self._ebRefreshed)
        self.store.noteWithoutKeys()
        self.logNotes()
        return self.store.scram.hashes

    def _ebRefreshed(self, failure: Failure) -> None:
        """
        Leave it to the next login to log why the file can't be read.
        """


class FileChecker(PasswordChecker):
    """
    Base of the checkers of passwords in a file.
    """

    _store: FileStore

    @property
    def opensLater(self) -> tuple[str, ...]:
        """
        The paths of the files that are opened for a login, with the rights that the
        server has then.
        """
        return (self._store.path,)

    def _keyStore(self) -> FileStore:
        """
        Return the file.
        """
        return self._store

    def _stateOf(self, name: bytes, source: Source, avatarId: object) -> Deferred[bytes]:
        """
        Return what the file holds for a name.
        """
        return self._store.stateOf(name, source)


__all__ = ["FileChecker", "FileStore"]
