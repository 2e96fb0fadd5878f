"""
The threads in which work that blocks is done, such as reading files and verifying
hashes.

A checker asks L{workersOf} for them, and gives each function that must not keep the
reactor waiting to L{Workers.run}.  They are mycred's own: the reactor's default pool
resolves names, and many logins at a time must not hold those up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, cast

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._fairqueue import UNKNOWN, FairQueue, Source
from ._gauged import THREADS
from ._peers import sourceOf
from ._threads import ThreadPool, processorCount
from ._types import Reactor, Timer
from .error import TemporaryFailure

_T = TypeVar("_T")

# Jobs that take longer than this, in seconds, are slow: no thread gets a second one in
# advance, since it can afford to wait for the reactor, and a source that comes meanwhile
# is really next.
_SLOW = 0.02

# The attribute in which a reactor keeps its workers.
_ATTRIBUTE = "_mycredWorkers"


class _Lost:
    """
    The outcome of a job whose thread has died, or couldn't say how it failed.
    """


class _Pool(Protocol):
    """
    What does the jobs.
    """

    def callInThread(self, job: Callable[[], object], /) -> object:
        """
        Have a job done.

        @raise RuntimeError: if there is no thread, and none can be started.
        """

    def lost(self) -> list[Callable[[], object]]:
        """
        Replace the threads that have died.

        @return: the jobs that they haven't finished.
        """

    def stop(self) -> object:
        """
        End the threads, which have nothing to do.
        """


class Workers:
    """
    A bounded pool of threads with a bounded queue, and a deadline for each job::

        def requestAvatarId(self, credentials):
            checking = workersOf().run(
                self._check, credentials.username, source=sourceOf(credentials)
            )
            return checking.addCallback(self._cbChecked)

    The queue is fair: sources take turns, so that a client that sends very many logins
    keeps no others waiting.  When it is full, the source with most waiting loses the
    job that came last.

    The threads are started for the first job, and end with the reactor.  While the
    reactor doesn't run there is nothing that could wait: then a job is done at once, in
    the caller's thread.

    @ivar queueLimit: how many callers may wait at a time.
    @ivar deadline: how long a caller waits at most, in seconds.
    @ivar job: what the log calls what waits.
    @cvar GRACE: how long the end of the reactor waits for jobs that are under way, in
        seconds.
    """

    GRACE = 10.0

    _log = Logger()

    def __init__(
        self,
        reactor: object,
        threads: int | None = None,
        queueLimit: int = 1000,
        deadline: float = 30.0,
        *,
        pool: _Pool | None = None,
        job: str = "login",
    ) -> None:
        """
        @param reactor: the reactor whose thread gets the results, and with whose end
            the threads end.
        @param threads: how many threads there may be; as many as there are processors
            if L{None}.
        @param queueLimit: how many callers may wait at a time.
        @param deadline: how long a caller waits at most, in seconds.
        @param pool: what does the jobs in place of threads, with methods
            C{callInThread}, C{lost} and C{stop}.
        @param job: what the log calls what waits.
        """
        self.job = job
        self.queueLimit = queueLimit
        self.deadline = deadline
        self._reactor = cast(Reactor, reactor)
        self._threads = threads or processorCount()
        self._pool: _Pool = pool or ThreadPool(self._threads)
        # How many callers wait, and how many were refused since that was logged last.
        self._callers = self._refused = 0
        # Whether the job that was done last was slow.
        self._isSlow = False
        # Until when no more refusals are logged.
        self._quietUntil = 0.0
        self._queue: FairQueue[_Job[Any]] = FairQueue()
        # What waits for a thread or has one, with what the pool was given for it.
        self._dispatched: dict[_Job[Any], Callable[[], None]] = {}
        self._shared: dict[Hashable, _Job[Any]] = {}
        self._isStarted = self._isStopped = False
        self._ended: Deferred[None] = Deferred()
        THREADS.add(self)

    def run(
        self, function: Callable[..., _T], *args: object, source: Source = ()
    ) -> Deferred[_T]:
        """
        Call a function in a thread.

        @param function: what to call.  It must not touch Twisted.
        @param args: what to call it with.
        @param source: where the request comes from, as L{sourceOf} says of
            credentials: a tuple from the widest to the narrowest, such as the network,
            the address and the connection of a client.  All requests without one are
            one source.

        @return: a L{Deferred} that fires with what the function returns or raises.  It
            fails with L{TemporaryFailure<mycred.error.TemporaryFailure>} if too many
            callers wait, after L{deadline} seconds, or when the reactor stops.  If it
            is cancelled before a thread has begun, the function isn't called.
        """
        return self._submit(_Job(partial(function, *args)), source, self.deadline)

    def share(
        self,
        function: Callable[..., _T],
        *args: Hashable,
        within: float | None = None,
        source: Source = (),
    ) -> Deferred[_T]:
        """
        Call a function in a thread, once for all callers who ask for the same function
        with the same arguments before it is called.

        @param function: what to call, as for L{run}.  What it returns must not depend
            on the caller.
        @param args: what to call it with.
        @param within: how long to wait at most, in seconds; L{deadline} if L{None}.
        @param source: where the request comes from, as for L{run}.

        @return: a L{Deferred} as from L{run}.
        """
        key = function, args
        job: _Job[_T] | None = self._shared.get(key)
        if job is None or job.isBegun or not self.isRunning:
            job = _Job(partial(function, *args), key)
        return self._submit(job, source, self.deadline if within is None else within)

    @property
    def threads(self) -> int:
        """
        How many threads there may be.
        """
        return self._threads

    @property
    def busy(self) -> int:
        """
        How many threads do something now.
        """
        return sum(job.isBegun for job in list(self._dispatched))

    @property
    def waiting(self) -> int:
        """
        How many callers wait for something to be done.
        """
        return self._callers

    @property
    def isRunning(self) -> bool:
        """
        Whether the reactor runs, so that jobs are done in threads.
        """
        return bool(self._reactor.running)

    def seconds(self) -> float:
        """
        Return the time by which deadlines are counted, in seconds.
        """
        return self._reactor.seconds()

    def pause(self, seconds: float) -> Deferred[None]:
        """
        Wait, without a thread.  While the reactor doesn't run nothing is gained by
        waiting, and there is none.

        @param seconds: for how long.

        @return: a L{Deferred} that fires with L{None} after that, and may be cancelled.
        """
        if not self.isRunning:
            return succeed(None)

        def cancel(_: Deferred[None]) -> None:
            timer.cancel()

        waiting: Deferred[None] = Deferred(cancel)
        timer = self._reactor.callLater(seconds, waiting.callback, None)
        return waiting

    def _submit(self, job: _Job[_T], source: Source, within: float) -> Deferred[_T]:
        """
        Have a caller wait for a job.

        @return: a L{Deferred} as from L{run}.
        """
        if self._isStopped:
            return fail(TemporaryFailure("The server is stopping"))
        if not self.isRunning:
            try:
                return succeed(job.work())
            except Exception:
                return fail()
        answer: Deferred[_T] = Deferred(lambda _: self._removeCaller(job, answer))
        self._callers += 1
        timer = self._reactor.callLater(within, self._timedOut, job, answer)
        job.waiting[answer] = timer
        self._enqueue(job, source or UNKNOWN)
        if self._callers > self.queueLimit:
            self._makeRoom(answer)
        self._dispatch()
        return answer

    def _enqueue(self, job: _Job[_T], source: Source) -> None:
        """
        Put a job into the queue.  A shared job that waits there for another source
        already is done when it is the turn of either.
        """
        if job.isDispatched or source in job.sources:
            return
        job.sources.append(source)
        self._queue.add(job, source)
        if job.key is not None:
            self._shared[job.key] = job

    def _makeRoom(self, newcomer: Deferred[_T]) -> None:
        """
        Refuse a job, since there are too many.  Where most callers wait for a shared one
        that the threads have already, only the last of those is refused: all of them ask
        for the same, and others ask for something else.
        """
        self._noteRefused()
        job = max(self._dispatched, key=lambda job: len(job.waiting), default=None)
        if job is not None and len(job.waiting) > max(1, len(self._queue)):
            refused = [next(reversed(job.waiting))]
        else:
            job = self._queue.last()
            refused = list(job.waiting)
        for answer in refused:
            self._removeCaller(job, answer)
            self._refuse(answer, isNew=answer is newcomer)

    def _refuse(self, answer: Deferred[_T], isNew: bool) -> None:
        """
        Tell a caller that there are too many.

        @param isNew: whether it is the one that is just asking.
        """
        reason = f"Too many {self.job}s at a time"
        if isNew:
            _fail(answer, reason)
        else:
            # What that brings about isn't the business of the caller that asks now.
            self._reactor.callLater(0, _fail, answer, reason)

    def _noteRefused(self) -> None:
        """
        Log that too many wait, at most once a second.
        """
        self._refused += 1
        now = self.seconds()
        if now >= self._quietUntil:
            self._quietUntil = now + 1
            self._log.warn(
                "{waiting} {job}s wait; refused since this was said last: {refused}",
                job=self.job,
                waiting=self._callers,
                refused=self._refused,
            )
            self._refused = 0

    def _dispatch(self) -> None:
        """
        Give the threads something to do; and if that is soon done a little more, so that
        they needn't wait for the reactor between two jobs.
        """
        most = self._threads if self._isSlow else 2 * self._threads
        while self._queue and len(self._dispatched) < most:
            job = self._queue.take()
            if len(job.sources) > 1:
                self._dequeue(job)
            job.isDispatched = True
            self._dispatched[job] = call = partial(self._perform, job)
            if not self._isStarted:
                self._start()
            try:
                self._pool.callInThread(call)
            except RuntimeError:
                self._log.failure("No thread can be started")
                del self._dispatched[job]
                self._failAll(job, "No thread can be started")

    def _dequeue(self, job: _Job[_T]) -> None:
        """
        Take a job out of the queue.
        """
        for source in job.sources:
            self._queue.remove(job, source)

    def _perform(self, job: _Job[_T]) -> None:
        """
        Do a job, in a thread.
        """
        outcome: _T | Failure | type[_Lost] = _Lost
        began = self.seconds()
        try:
            if not job.isDropped:
                job.isBegun = True
                outcome = job.work()
                self._isSlow = self.seconds() - began > _SLOW
        except BaseException:
            outcome = Failure()
        finally:
            # Also if there is no memory to say what has failed.
            self._reactor.callFromThread(self._finish, job, outcome)

    def _finish(self, job: _Job[_T], outcome: _T | Failure | type[_Lost]) -> None:
        """
        Answer the callers that have waited for a job.
        """
        self._dispatched.pop(job, None)
        self._dispatch()
        if outcome is _Lost:
            self._failAll(job, "It can't be done now")
        while job.waiting:
            # One by one: what an answer brings about may make others leave.
            answer = next(iter(job.waiting))
            self._removeCaller(job, answer)
            answer.callback(cast("_T | Failure", outcome))
        if self._isStopped and not self._dispatched:
            self._end()

    def _timedOut(self, job: _Job[_T], answer: Deferred[_T]) -> None:
        """
        Tell a caller that the result would come too late.
        """
        self._removeCaller(job, answer)
        self._failLost()
        self._log.warn(
            "A {job} has taken more than {deadline} s and is given up; {queued} wait",
            job=self.job,
            deadline=self.deadline,
            queued=len(self._queue),
        )
        answer.errback(TemporaryFailure("It takes too long"))

    def _failLost(self) -> None:
        """
        Fail the jobs whose threads have died, and have others do what waits.
        """
        lost = self._pool.lost()
        if not lost:
            return
        self._log.error("{dead} threads have died; others replace them", dead=len(lost))
        for job, call in list(self._dispatched.items()):
            if call in lost:
                self._finish(job, _Lost)

    def _removeCaller(self, job: _Job[_T], answer: Deferred[_T]) -> None:
        """
        Stop a caller's waiting, and drop a job for which no caller waits.
        """
        timer = job.waiting.pop(answer, None)
        if timer is None:
            return
        if timer.active():
            timer.cancel()
        self._callers -= 1
        if job.waiting:
            return
        job.isDropped = True
        if not job.isDispatched:
            self._dequeue(job)
        if self._shared.get(job.key) is job:
            del self._shared[job.key]

    def _failAll(self, job: _Job[_T], reason: str) -> None:
        """
        Tell the callers that wait for a job that it won't be done.
        """
        while job.waiting:
            answer = next(iter(job.waiting))
            self._removeCaller(job, answer)
            answer.errback(TemporaryFailure(reason))

    def _start(self) -> None:
        """
        Have the reactor end what begins now.
        """
        self._isStarted = True
        # Before: after that, the reactor takes no results from threads.
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._reactor.addSystemEventTrigger("after", "shutdown", self._reset)

    def _reset(self) -> None:
        """
        Be ready to start again: tests of programs have a reactor say that it stops, and
        go on with it.
        """
        self._isStarted = self._isStopped = False
        self._ended = Deferred()

    def _stop(self) -> Deferred[None]:
        """
        Let the jobs that are under way end, and drop those that wait.

        @return: a L{Deferred} that fires when all callers have their answers.
        """
        self._isStopped = True
        while self._queue:
            self._failAll(self._queue.last(), "The server is stopping")
        for job in list(self._dispatched):
            if not job.isBegun:
                self._failAll(job, "The server is stopping")
        if not self._dispatched:
            self._end()
        else:
            timer = self._reactor.callLater(self.GRACE, self._abandon)
            self._ended.addCallback(lambda _: timer.active() and timer.cancel())
        return self._ended

    def _abandon(self) -> None:
        """
        Stop without the threads that hang.
        """
        jobs = [job for job in self._dispatched if job.isBegun]
        self._log.error("{hung} jobs don't end; they are left behind", hung=len(jobs))
        for job in jobs:
            self._failAll(job, "The server is stopping")
        self._ended.callback(None)

    def _end(self) -> None:
        """
        End the threads, which have nothing to do any more.
        """
        self._pool.stop()
        if not self._ended.called:
            self._ended.callback(None)


class _Job(Generic[_T]):
    """
    Something to do for one caller, or for several who ask for the same.

    @ivar work: what does it.
    @ivar key: what is equal where the same is asked for; L{None} for a job that isn't
        shared.
    @ivar waiting: the answers that callers wait for, with their timers.
    @ivar sources: the sources for which it is in the queue, or was.
    @ivar isDispatched: whether a thread has it, or will have it next.
    @ivar isDropped: whether no caller waits for it any more.
    @ivar isBegun: whether a thread has begun it; set in that thread.
    """

    __slots__ = (
        "isBegun",
        "isDispatched",
        "isDropped",
        "key",
        "sources",
        "waiting",
        "work",
    )

    def __init__(self, work: Callable[[], _T], key: Hashable = None) -> None:
        self.work = work
        self.key = key
        self.waiting: dict[Deferred[_T], Timer] = {}
        self.sources: list[Source] = []
        self.isDispatched = self.isDropped = self.isBegun = False


def _fail(answer: Deferred[_T], reason: str) -> None:
    """
    Fail, unless the caller waits no more.
    """
    if not answer.called:
        answer.errback(TemporaryFailure(reason))


def workersOf(reactor: object = None) -> Workers:
    """
    Return the workers of a reactor, the same for all checkers.

    @param reactor: the reactor; the one that is installed if L{None}.
    """
    if reactor is None:
        from twisted.internet import reactor
    # Kept by the reactor itself, so that they go with it.
    workers: Workers | None = getattr(reactor, _ATTRIBUTE, None)
    if workers is None:
        workers = Workers(reactor)
        setattr(reactor, _ATTRIBUTE, workers)
    return workers


__all__ = ["Source", "Workers", "sourceOf", "workersOf"]
