"""
The threads in which work that blocks is done.

They are mycred's own: the reactor's default pool resolves names, and a storm of
logins must not hold those up.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from time import monotonic
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._fairqueue import UNKNOWN, FairQueue, Source
from ._threads import ThreadPool, processorCount
from .error import TemporaryFailure

_T = TypeVar("_T")

# What comes of a job whose thread has died, or couldn't tell how it failed.
_LOST = object()

# What takes longer is worth waiting for the reactor after it, in seconds: whoever comes
# next has less to wait for.
_SLOW = 0.02

# Where a reactor keeps its workers.
_ATTRIBUTE = "_mycredWorkers"


class Workers:
    """
    A bounded pool of threads with a bounded queue, and a deadline for each job.

    The queue is fair: sources take turns, so that a client that asks for very much
    keeps nobody else waiting.  When it is full, whoever has most waiting loses the job
    that came last.

    The threads are started for the first job, and end with the reactor.  While
    the reactor doesn't run there is nothing that could wait: then a job is done
    at once, by the caller.

    @ivar queueLimit: how many callers may wait at a time.
    @ivar deadline: for how long a caller waits at most, in seconds.
    """

    #: For how long the end of the reactor waits for jobs that are under way, in
    #: seconds.
    GRACE = 10.0

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        threads: int | None = None,
        queueLimit: int = 1000,
        deadline: float = 30.0,
        *,
        pool: Any = None,
    ) -> None:
        """
        @param reactor: the reactor whose thread gets the results, and with
            whose end the threads end.
        @param threads: how many threads there may be; as many as there are
            processors if L{None}.
        @param queueLimit: how many callers may wait at a time.
        @param deadline: for how long a caller waits at most, in seconds.
        @param pool: what does the work in place of threads, with methods
            C{callInThread}, C{lost} and C{stop}.
        """
        self.queueLimit = queueLimit
        self.deadline = deadline
        self._reactor = reactor
        self._threads = threads or processorCount()
        self._pool = pool or ThreadPool(self._threads)
        self._callers = self._refused = 0
        self._isSlow = False
        self._toldUntil = 0.0
        self._queue: FairQueue[_Job] = FairQueue()
        # What waits for a thread or has one, with what the pool was given for it.
        self._handedOver: dict[_Job, Callable[[], None]] = {}
        self._shared: dict[Hashable, _Job] = {}
        self._started = self._stopped = False
        self._ended: Deferred[None] = Deferred()

    def run(
        self, function: Callable[..., _T], *args: object, source: Source = ()
    ) -> Deferred[_T]:
        """
        Call a function in a thread.

        @param function: what to call.  It must not touch Twisted.
        @param args: what to call it with.
        @param source: who asks (L{sourceOf<mycred._peers.sourceOf>}); those of whom
            nothing is known are one source.

        @return: a L{Deferred} that fires with what the function returns or
            raises, or fails with L{TemporaryFailure} if too many wait, or at the
            deadline.  A function that hasn't been called when nobody waits for
            it any more isn't called.
        """
        return self._ask(_Job(partial(function, *args)), source)

    def share(
        self,
        function: Callable[..., _T],
        *args: Hashable,
        within: float | None = None,
        source: Source = (),
    ) -> Deferred[_T]:
        """
        Call a function in a thread, once for all who ask for the same before it
        is called.

        @param function: what to call, as for L{run}.  What it answers must not
            depend on who asks.
        @param args: what to call it with.
        @param within: for how long to wait at most, in seconds; as long as for
            anything if L{None}.
        @param source: who asks, as for L{run}.

        @return: a L{Deferred} as from L{run}.
        """
        key = function, args
        job = self._shared.get(key)
        if job is None or job.begun or not self.isRunning:
            job = _Job(partial(function, *args), key)
        return self._ask(job, source, within)

    @property
    def isRunning(self) -> bool:
        """
        Whether the reactor runs, so that jobs are done in threads.
        """
        return bool(self._reactor.running)

    def seconds(self) -> float:
        """
        Tell the time by which deadlines are counted, in seconds.
        """
        now: float = self._reactor.seconds()
        return now

    def pause(self, seconds: float) -> Deferred[None]:
        """
        Wait, without a thread.  While the reactor doesn't run nothing is gained
        by waiting, and it isn't done.

        @param seconds: for how long.
        """
        if not self.isRunning:
            return succeed(None)
        waiting: Deferred[None] = Deferred(lambda _: timer.cancel())
        timer = self._reactor.callLater(seconds, waiting.callback, None)
        return waiting

    def _ask(
        self, job: _Job, source: Source, within: float | None = None
    ) -> Deferred[Any]:
        """
        Have a caller wait for a job.
        """
        if self._stopped:
            return fail(TemporaryFailure("The server is stopping"))
        source = source or UNKNOWN
        if not self.isRunning:
            try:
                return succeed(job.work())
            except Exception:
                return fail()
        answer: Deferred[Any] = Deferred(lambda _: self._leave(job, answer))
        self._callers += 1
        seconds = self.deadline if within is None else within
        timer = self._reactor.callLater(seconds, self._tooLate, job, answer)
        job.waiting[answer] = timer
        self._line(job, source)
        if self._callers > self.queueLimit:
            self._makeRoom(answer)
        self._handOver()
        return answer

    def _line(self, job: _Job, source: Source) -> None:
        """
        Put a job into the queue.  One that is there already, for somebody else who asks
        for the same, is done when it is the turn of either.
        """
        if job.isHandedOver or source in job.sources:
            return
        job.sources.append(source)
        self._queue.add(job, source)
        if job.key is not None:
            self._shared[job.key] = job

    def _makeRoom(self, newcomer: Deferred[Any]) -> None:
        """
        Refuse a job, since there are too many.  Where most wait for one that the threads
        have already, it is the last one of those who is refused: what they ask for is the
        same, and others ask for something else.
        """
        self._countRefused()
        job = max(self._handedOver, key=lambda job: len(job.waiting), default=None)
        if job is not None and len(job.waiting) > max(1, len(self._queue)):
            refused = [next(reversed(job.waiting))]
        else:
            job = self._queue.last()
            refused = list(job.waiting)
        for answer in refused:
            self._leave(job, answer)
            self._refuse(answer, isNew=answer is newcomer)

    def _refuse(self, answer: Deferred[Any], isNew: bool) -> None:
        """
        Tell somebody that there are too many.

        @param isNew: whether they have just come.
        """
        reason = "Too many logins at a time"
        if isNew:
            _fail(answer, reason)
        else:
            # What that brings about isn't the business of who has just come.
            self._reactor.callLater(0, _fail, answer, reason)

    def _countRefused(self) -> None:
        """
        Log that too many wait, once a second.
        """
        self._refused += 1
        now = self.seconds()
        if now >= self._toldUntil:
            self._toldUntil = now + 1
            self._log.warn(
                "{waiting} logins wait; refused since this was said last: {refused}",
                waiting=self._callers,
                refused=self._refused,
            )
            self._refused = 0

    def _handOver(self) -> None:
        """
        Give the threads something to do; and if that is soon done a little more, so that
        they needn't wait for the reactor between two jobs.
        """
        most = self._threads if self._isSlow else 2 * self._threads
        while self._queue and len(self._handedOver) < most:
            job = self._queue.take()
            self._unqueue(job)
            job.isHandedOver = True
            self._handedOver[job] = call = partial(self._work, job)
            if not self._started:
                self._start()
            try:
                self._pool.callInThread(call)
            except RuntimeError:
                self._log.failure("No thread can be started")
                del self._handedOver[job]
                self._giveUp(job, "No thread can be started")

    def _unqueue(self, job: _Job) -> None:
        """
        Have a job wait no more.
        """
        for source in job.sources:
            self._queue.remove(job, source)

    def _work(self, job: _Job) -> None:
        """
        Do a job, in a thread.
        """
        outcome: Any = _LOST
        began = monotonic()
        try:
            if not job.isDropped:
                job.begun = True
                outcome = job.work()
                self._isSlow = monotonic() - began > _SLOW
        except BaseException:
            outcome = Failure()
        finally:
            # Also if there is no memory to tell what has failed.
            self._reactor.callFromThread(self._done, job, outcome)

    def _done(self, job: _Job, outcome: Any) -> None:
        """
        Answer those who have waited for a job.
        """
        self._handedOver.pop(job, None)
        self._handOver()
        if outcome is _LOST:
            self._giveUp(job, "It can't be done now")
        while job.waiting:
            # One by one: what an answer brings about may make others leave.
            answer = next(iter(job.waiting))
            self._leave(job, answer)
            answer.callback(outcome)
        if self._stopped and not self._handedOver:
            self._end()

    def _tooLate(self, job: _Job, answer: Deferred[Any]) -> None:
        """
        Tell a caller that the answer would come too late.
        """
        self._leave(job, answer)
        self._findLost()
        self._log.warn(
            "A login has taken more than {deadline} s and is given up; {queued} wait",
            deadline=self.deadline,
            queued=len(self._queue),
        )
        answer.errback(TemporaryFailure("It takes too long"))

    def _findLost(self) -> None:
        """
        Give up the jobs whose threads have died, and have others do what waits.
        """
        lost = self._pool.lost()
        if not lost:
            return
        self._log.error("{dead} threads have died; others replace them", dead=len(lost))
        for job, call in list(self._handedOver.items()):
            if call in lost:
                self._done(job, _LOST)

    def _leave(self, job: _Job, answer: Deferred[Any]) -> None:
        """
        Stop a caller's waiting, and drop a job for which nobody waits.
        """
        timer = job.waiting.pop(answer, None)
        if timer is None:
            return
        if timer.active():
            timer.cancel()
        self._callers -= 1
        if not job.waiting:
            job.isDropped = True
            self._unqueue(job)
            self._forget(job)

    def _forget(self, job: _Job) -> None:
        """
        Let nobody share a job any more.
        """
        if self._shared.get(job.key) is job:
            del self._shared[job.key]

    def _start(self) -> None:
        """
        Have the reactor end what begins now.
        """
        self._started = True
        # Before: after that, the reactor doesn't take answers from threads.
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._reactor.addSystemEventTrigger("after", "shutdown", self._reset)

    def _reset(self) -> None:
        """
        Be ready to start again: tests of programs have a reactor say that it stops, and
        go on with it.
        """
        self._started = self._stopped = False
        self._ended = Deferred()

    def _stop(self) -> Deferred[None]:
        """
        Let the jobs that are under way end, and drop those that wait.

        @return: a L{Deferred} that fires when everybody has his answer.
        """
        self._stopped = True
        while self._queue:
            self._giveUp(self._queue.last(), "The server is stopping")
        for job in list(self._handedOver):
            if not job.begun:
                self._giveUp(job, "The server is stopping")
        if not self._handedOver:
            self._end()
        else:
            timer = self._reactor.callLater(self.GRACE, self._abandon)
            self._ended.addCallback(lambda _: timer.active() and timer.cancel())
        return self._ended

    def _abandon(self) -> None:
        """
        Stop without the threads that hang.
        """
        jobs = [job for job in self._handedOver if job.begun]
        self._log.error("{hung} jobs don't end; they are left behind", hung=len(jobs))
        for job in jobs:
            self._giveUp(job, "The server is stopping")
        self._ended.callback(None)

    def _giveUp(self, job: _Job, reason: str) -> None:
        """
        Tell those who wait for a job that it won't be done.
        """
        while job.waiting:
            answer = next(iter(job.waiting))
            self._leave(job, answer)
            answer.errback(TemporaryFailure(reason))

    def _end(self) -> None:
        """
        End the threads, which have nothing to do any more.
        """
        self._pool.stop()
        if not self._ended.called:
            self._ended.callback(None)


class _Job:
    """
    Something to do for one caller, or for several who ask for the same.

    @ivar work: what does it.
    @ivar key: what is the same where the same is asked for; L{None} for what
        isn't shared.
    @ivar waiting: the answers that are waited for, with their timers.
    @ivar sources: for whom it is in the queue, or was.
    @ivar isHandedOver: whether a thread has it, or will have it next.
    @ivar isDropped: whether nobody waits for it any more.
    @ivar begun: whether a thread has begun it; set in that thread.
    """

    __slots__ = (
        "begun",
        "isDropped",
        "isHandedOver",
        "key",
        "sources",
        "waiting",
        "work",
    )

    def __init__(self, work: Callable[[], Any], key: Hashable = None) -> None:
        self.work = work
        self.key = key
        self.waiting: dict[Deferred[Any], Any] = {}
        self.sources: list[Source] = []
        self.isHandedOver = self.isDropped = self.begun = False


def _fail(answer: Deferred[Any], reason: str) -> None:
    """
    Fail, unless nobody waits any more.
    """
    if not answer.called:
        answer.errback(TemporaryFailure(reason))


def workersOf(reactor: Any = None) -> Workers:
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


__all__ = ["Workers", "workersOf"]
