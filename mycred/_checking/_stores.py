"""
Looks into a store that are made in threads: what the store has found out is
logged, a store that can't be read is no wrong password, and nobody is refused
because of a file that is just being written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import withReason
from .._fairqueue import Source
from .._files import SETTLING, Signature
from .._passwordfile._notes import Note
from .._secrets import printable
from ..error import LoginFailed, TemporaryFailure
from ..workers import Workers, workersOf

_T = TypeVar("_T")

# How often a file that goes on changing is read before a login is given up.
_TRIES = 20


class Store(Protocol):
    """
    Where accounts are, as threads see it.

    @ivar path: what to call it in the log.
    """

    path: str

    def look(self, name: bytes, password: Any) -> Any:
        """
        Look somebody up, and verify his password.

        @return: an object with C{matched}, and with C{doubt}: the state of a file
            that had changed just before, and so may have been half-written.

        @raise OSError: if the store can't be read.
        """

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """


_S = TypeVar("_S", bound=Store)


class Looking(Generic[_S]):
    """
    Looks into a store.

    @ivar store: the store.
    """

    _log = Logger()

    def __init__(self, store: _S, workers: Workers | None = None) -> None:
        """
        @param store: where to look.
        @param workers: where to do it; the reactor's own if L{None}.
        """
        self.store = store
        self._workers = workers

    def look(
        self, name: bytes, password: bytes | None, source: Source = ()
    ) -> Deferred[Any]:
        """
        Look somebody up, and verify his password.

        @param name: the name.
        @param password: the password; L{None} if the user proves it otherwise.
        @param source: who asks.

        @return: a L{Deferred} that fires with what the store has found, and fails
            with L{TemporaryFailure} if it can't be read, or too many wait.
        """
        if self._workers is None:
            self._workers = workersOf()
        until = self._workers.seconds() + self._workers.deadline
        return self._ask(self._workers, name, password, until, source)

    def now(self, work: Callable[[], _T]) -> _T:
        """
        Do in the caller's thread what threads do otherwise.

        @raise TemporaryFailure: if the store can't be read.
        """
        try:
            return work()
        except OSError as error:
            raise self.unreadable(error) from None
        finally:
            self._flush()

    def unreadable(self, error: object) -> TemporaryFailure:
        """
        Log why the store can't be read; the peer isn't told.
        """
        path = printable(self.store.path)
        self._log.error("{file} can't be read: {error}", file=path, error=error)
        return unavailable(f"{path} can't be read: {error}")

    def _ask(
        self,
        workers: Workers,
        name: bytes,
        password: bytes | None,
        until: float,
        source: Source,
        doubt: Signature | None = None,
        tries: int = _TRIES,
    ) -> Deferred[Any]:
        """
        Look, and look again as long as the answer is in doubt.

        @param until: when to give up, in seconds as the workers count them.
        @param source: who asks.
        @param doubt: the state of the file when the last answer was in doubt.
        @param tries: how often to look.
        """

        def cbLook(look: Any) -> Any:
            self._flush()
            if look.matched or look.doubt is None or look.doubt == doubt:
                return look
            if tries == 1 or workers.seconds() + SETTLING > until:
                self._log.error("{file} goes on changing", file=self.store.path)
                path = printable(self.store.path)
                return fail(unavailable(f"{path} goes on changing"))
            again = (workers, name, password, until, source, look.doubt, tries - 1)
            return workers.pause(SETTLING).addCallback(lambda _: self._ask(*again))

        within = max(0.0, until - workers.seconds())
        looking: Deferred[Any]
        looking = workers.share(
            self.store.look, name, password, within=within, source=source
        )
        return looking.addCallbacks(cbLook, self._ebLook)

    def _ebLook(self, failure: Failure) -> Failure:
        """
        Tell what has failed in a thread.
        """
        self._flush()
        if failure.check(LoginFailed, CancelledError):
            return failure
        if failure.check(OSError):
            return Failure(self.unreadable(failure.value))
        self._log.failure("A look into {file} failed", failure, file=self.store.path)
        return Failure(unavailable(f"a look into {printable(self.store.path)} failed"))

    def _flush(self) -> None:
        """
        Log what threads have found.
        """
        for text, values in self.store.takeNotes():
            self._log.warn(text, **values)


def unavailable(why: str) -> TemporaryFailure:
    """
    Return the error for who can't be told anything now.

    @param why: what the log is told, and the client isn't.
    """
    return withReason(TemporaryFailure("Temporarily unavailable"), why)


__all__ = ["Looking", "unavailable"]
