"""
Stores that are asked off the reactor's thread.

Whatever is asked, and wherever: what the store has noted is logged, an outage is a
temporary failure and no wrong password, a verdict that is in doubt because a file is just
being written is asked for again, and all of it ends by the deadline of the workers.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Generic, Protocol, TypeVar

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from .._audit import withReason
from .._fairqueue import Source
from .._files import SETTLING
from .._privileged import PrivilegedClient
from .._secrets import printable
from .._verdict import Doubt, Kind, Note, Verdict
from ..error import LoginFailed, TemporaryFailure
from ..workers import Workers, workersOf

_T = TypeVar("_T")

# What part of the time that a login may take a process or a directory has for it: the
# rest is for the log to be told how it ended.
_SHARE = 29 / 30

# A login that has waited for a thread for a larger part of it isn't begun with.
_LATEST = 3 / 4

# So many threads wait for a directory: for the network, and for hashes that it verifies.
# With more of them they get into each other's way.
_THREADS = 6

# What was logged lately isn't logged again: so many lines are remembered.
_MOST_REMEMBERED = 100


class AsyncStore:
    """
    Base of the stores below: it asks in threads.

    @ivar path: what to call the store in the log.
    """

    #: How often a file that goes on changing is read before a login is given up.
    MOST_TRIES = 20

    #: For how long to wait until it is read again, in seconds.
    PAUSE = SETTLING

    _log = Logger()

    def __init__(self, path: str, workers: Workers | None = None) -> None:
        """
        @param path: what to call the store in the log.
        @param workers: the threads; if L{None}, they belong to the reactor that is
            installed when the first one is needed.
        """
        self.path = path
        self._workers = workers

    @property
    def workers(self) -> Workers:
        """
        The threads.
        """
        if self._workers is None:
            self._workers = self._makeWorkers()
        return self._workers

    def ask(
        self,
        find: Callable[..., Verdict],
        *args: Hashable,
        source: Source = (),
        isShared: bool = False,
    ) -> Deferred[Verdict]:
        """
        Have a verdict found in a thread.

        @param find: what finds it, and may block.  It raises L{OSError} if the store
            can't be read.
        @param args: what to call it with.
        @param source: where the login comes from.
        @param isShared: whether logins that ask for the same at the same time may share
            the verdict.

        @return: a L{Deferred} that fires with the verdict, after the delay that it asks
            for.  It fails with L{TemporaryFailure} if the store can't be read, if too
            many wait, or at the deadline.
        """
        workers = self.workers
        if not isShared:
            # A partial equals nothing but itself.
            find, args = partial(find, *args), ()
        return self._ask(find, args, source, workers.seconds() + workers.deadline)

    def now(self, work: Callable[[], _T]) -> _T:
        """
        Do in the caller's thread what is done in threads otherwise.

        @raise TemporaryFailure: if the store can't be read.
        """
        try:
            return work()
        except OSError as error:
            raise self.unreadable(error) from None
        finally:
            self.logNotes()

    def unreadable(self, error: object) -> TemporaryFailure:
        """
        Log why the store can't be read; the client isn't told.

        @return: the error for the client.
        """
        path = printable(self.path)
        self._log.error("{file} can't be read: {error}", file=path, error=error)
        return unavailable(f"{path} can't be read: {error}")

    def logNotes(self) -> None:
        """
        Log what threads have found out about the store.
        """
        for text, values in self._takeNotes():
            self._log.warn(text, **values)

    def _makeWorkers(self) -> Workers:
        """
        Return the threads of the reactor that is installed.
        """
        return workersOf()

    def _takeNotes(self) -> Iterable[Note]:
        """
        Take what the log should be told.
        """
        raise NotImplementedError

    def _ask(
        self,
        call: Callable[..., Verdict],
        args: tuple[Hashable, ...],
        source: Source,
        until: float,
        doubt: Doubt = None,
        tries: int = 1,
    ) -> Deferred[Verdict]:
        """
        Ask, and ask again as long as the verdict is in doubt.

        @param until: when to give up, in seconds as the workers count them.
        @param doubt: the state of the file when the last verdict was in doubt.
        @param tries: which try this is, counted from 1.
        """
        workers = self.workers

        def cbVerdict(verdict: Verdict) -> Verdict | Deferred[Verdict]:
            self._logAnswer(verdict)
            if verdict.doubt in (None, doubt):
                if not verdict.delay and verdict.pauses is None:
                    return verdict
                pauses = chain([verdict.delay], verdict.pauses or ())
                return self._waitOut(verdict, pauses)
            if tries >= self.MOST_TRIES or workers.seconds() + self.PAUSE > until:
                self._log.error("{file} goes on changing", file=self.path)
                path = printable(self.path)
                return fail(unavailable(f"{path} goes on changing"))
            again = call, args, source, until, verdict.doubt, tries + 1
            return workers.pause(self.PAUSE).addCallback(lambda _: self._ask(*again))

        within = max(0.0, until - workers.seconds())
        asking = workers.share(call, *args, within=within, source=source)
        return asking.addCallbacks(cbVerdict, self.ebFailed)

    def _logAnswer(self, verdict: Verdict) -> None:
        """
        Log what has been found out on the way to a verdict.
        """
        self.logNotes()

    def _waitOut(
        self, verdict: Verdict, pauses: Iterator[float]
    ) -> Verdict | Deferred[Verdict]:
        """
        Wait for as long as a verdict asks for, without a thread.

        @param pauses: how long, one pause after another.

        @return: the verdict.  If the client goes meanwhile it stands all the same, as
            the log is told.
        """
        # Another process has sent the first one: no reactor takes one below 0, or NaN.
        pause = next((pause for pause in pauses if pause > 0), None)
        if pause is None:
            return verdict
        pausing = self.workers.pause(min(pause, self.workers.deadline))
        return pausing.addCallbacks(
            lambda _: self._waitOut(verdict, pauses), lambda _: verdict
        )

    def ebFailed(self, failure: Failure) -> Failure:
        """
        Log what has kept a look-up from its end.

        @return: a L{TemporaryFailure}; a login that has failed, or was cancelled, comes
            back as it is.
        """
        self.logNotes()
        if failure.check(LoginFailed, CancelledError):
            return failure
        if failure.check(OSError):
            return Failure(self.unreadable(failure.value))
        self._log.failure("A look-up in {file} failed", failure, file=self.path)
        return Failure(unavailable(f"a look-up in {printable(self.path)} failed"))


class Store(Protocol):
    """
    A store, as threads see it.

    @ivar path: what to call it in the log.
    """

    path: str

    def lookUp(self, name: bytes, password: bytes | None) -> Verdict:
        """
        Look an account up, and verify its password.

        @raise OSError: if the store can't be read.
        """

    def takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told.
        """


_S = TypeVar("_S", bound=Store)


class ThreadedStore(AsyncStore, Generic[_S]):
    """
    A store that threads of this process ask.

    @ivar store: the store.
    """

    def __init__(self, store: _S, workers: Workers | None = None) -> None:
        """
        @param store: the store.
        @param workers: the threads; the reactor's own if L{None}.
        """
        super().__init__(store.path, workers)
        self.store = store

    def lookUp(
        self, name: bytes, password: bytes | None, source: Source = ()
    ) -> Deferred[Verdict]:
        """
        Look an account up, and verify its password.

        @param name: the name.
        @param password: the password; L{None} if the credentials prove it otherwise.
        @param source: where the login comes from.

        @return: a L{Deferred} as from L{ask}.
        """
        return self.ask(self.store.lookUp, name, password, source=source, isShared=True)

    def _takeNotes(self) -> Iterable[Note]:
        """
        Take what the log should be told.
        """
        return self.store.takeNotes()


class PrivilegedStore(AsyncStore):
    """
    A store that only processes with privileges can read.
    """

    def __init__(self, client: PrivilegedClient, workers: Workers | None = None) -> None:
        """
        @param client: the processes.
        @param workers: threads that wait for them, and for nothing else: as many as
            there are processes.  If L{None}, they belong to the reactor.
        """
        super().__init__("the processes that check logins", workers)
        self._client = client
        self._notes: deque[Note] = deque()
        self._logged: deque[Note] = deque(maxlen=_MOST_REMEMBERED)

    def lookUp(
        self, name: bytes, password: bytes, peer: str | None, source: Source = ()
    ) -> Deferred[Verdict]:
        """
        Look an account up, and verify its password or its key.

        @param name: the name.
        @param password: the password, or the key.
        @param peer: the address of the client, if it is known.
        @param source: where the login comes from.

        @return: a L{Deferred} as from L{ask}.
        """
        # From now on, however long it waits for a thread.
        until = time.monotonic() + self.workers.deadline * _SHARE
        return self.ask(self._askProcess, name, password, peer, until, source=source)

    def _askProcess(
        self, name: bytes, password: bytes, peer: str | None, until: float
    ) -> Verdict:
        """
        Ask one of the processes, and wait for it, in a thread.
        """
        answer = self._client.ask(name, password, peer, until)
        self._notes.extend(Note("{note}", {"note": note}) for note in answer.notes)
        return answer.verdict

    def _makeWorkers(self) -> Workers:
        """
        Return as many threads as there are processes.
        """
        from twisted.internet import reactor

        return Workers(reactor, self._client.processes)

    def _takeNotes(self) -> Iterator[Note]:
        """
        Take what the log hasn't been told lately: each process finds out by itself what
        is odd.
        """
        while self._notes:
            note = self._notes.popleft()
            if note not in self._logged:
                self._logged.append(note)
                yield note


class Directory(Protocol):
    """
    A directory, as threads see it.
    """

    def takeNotes(self) -> Iterator[str]:
        """
        Take what the log should be told of its servers.
        """

    def close(self) -> None:
        """
        Close the connections to it.
        """


_D = TypeVar("_D", bound=Directory)


class DirectoryStore(AsyncStore, Generic[_D]):
    """
    A directory, or a database, that threads wait for.

    @ivar directory: the directory.
    @ivar isWatched: whether the log is told each step of a look-up.
    """

    def __init__(
        self,
        directory: _D,
        timeout: float,
        workers: Workers | None = None,
        *,
        threads: int = _THREADS,
        path: str = "the directory",
    ) -> None:
        """
        @param directory: the directory.
        @param timeout: how long a look-up may take, in seconds.
        @param workers: the threads; if L{None}, some of the reactor that is installed.
        @param threads: how many they are then.
        @param path: what to call the directory in the log.
        """
        super().__init__(path, workers)
        self.directory = directory
        self.isWatched = False
        self._timeout = timeout
        self._threads = threads

    def lookUp(
        self, find: Callable[..., Verdict], *args: Hashable, source: Source = ()
    ) -> Deferred[Verdict]:
        """
        Have the directory looked into.

        @param find: what does it, on the arguments, the time until when, as
            L{time.monotonic} counts, and whether to list the steps.
        @param args: the arguments; the first one is the name of the account.
        @param source: where the login comes from.

        @return: a L{Deferred} as from L{ask}.
        """
        # From now on, however long it waits for a thread.
        now = time.monotonic()
        until, latest = now + self._timeout * _SHARE, now + self._timeout * _LATEST
        asked = latest, find, *args, until, self.isWatched
        return self.ask(self._askInTime, *asked, source=source)

    def _askInTime(
        self, latest: float, find: Callable[..., Verdict], name: bytes, *args: object
    ) -> Verdict:
        """
        Ask, in a thread, if there is time: otherwise the next login has some.  When more
        come than a directory can serve, all would begin too late.

        @param latest: when to begin at the latest.
        """
        if time.monotonic() > latest:
            why = f"too many logins wait for {self.path}"
            return Verdict(Kind.UNSURE, name, why)
        return find(name, *args)

    def _makeWorkers(self) -> Workers:
        """
        Return threads that wait for nothing else.
        """
        from twisted.internet import reactor

        return Workers(reactor, self._threads, deadline=self._timeout)

    def _takeNotes(self) -> Iterator[Note]:
        """
        Take what the log should be told of servers.
        """
        for note in self.directory.takeNotes():
            yield Note("{note}", {"note": printable(note)})

    def _logAnswer(self, verdict: Verdict) -> None:
        """
        Log what has been found out on the way to a verdict, with the steps.
        """
        super()._logAnswer(verdict)
        for step in verdict.steps:
            self._log.debug("{step}", step=printable(step))


def unavailable(why: str) -> TemporaryFailure:
    """
    Return the error for a client that can't be told anything now.

    @param why: what the log is told, and the client isn't.
    """
    return withReason(TemporaryFailure("Temporarily unavailable"), why)


__all__ = [
    "AsyncStore",
    "DirectoryStore",
    "PrivilegedStore",
    "Store",
    "ThreadedStore",
    "unavailable",
]
