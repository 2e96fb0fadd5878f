"""
Tests for L{mycred._state._fallback}, L{mycred._state._outage} and
L{mycred._state._overdue}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred._state import (
    Fallback,
    Guess,
    Outcome,
    ProcessState,
    Reservation,
    StateUnavailable,
)
from mycred._state._outage import LONGEST_WAIT, Home
from mycred._state._overdue import OverdueWatch

from ..kit.statecases import StateSteps

RIGHT, UNKNOWN = Outcome.RIGHT, Outcome.UNKNOWN


class SteppedHome:
    """
    A home that answers when a test has it do so.

    @ivar state: what its answers come from.
    @ivar asked: the Deferreds that wait for an answer, each with what makes it.
    @ivar calls: the names of the methods that were called.
    @ivar isSteady: whether it answers at once.
    """

    def __init__(self, clock: Clock) -> None:
        self.state = ProcessState(clock)
        self.asked: list[tuple[Deferred[Any], Callable[[], Any]]] = []
        self.calls: list[str] = []
        self.isSteady = False

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Deferred[Any]:
            self.calls.append(name)
            answer: Deferred[Any] = Deferred()
            self.asked.append((answer, lambda: getattr(self.state, name)(*arguments)))
            if self.isSteady:
                self.answer()
            return answer

        return call

    def answer(self) -> None:
        """
        Answer all that was asked.
        """
        asked, self.asked = self.asked, []
        for answer, make in asked:
            answer.callback(make())

    def fail(self, error: Exception | None = None) -> None:
        """
        Fail all that was asked.
        """
        asked, self.asked = self.asked, []
        for answer, _ in asked:
            answer.errback(error or StateUnavailable("it was unplugged."))


class _Stepped(StateSteps, SynchronousTestCase):
    """
    Tests with such a home.
    """

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.home = SteppedHome(self.clock)
        self.local = ProcessState(self.clock)
        self.state = Fallback(self.home, self.local, "the home", self.clock)  # type: ignore[arg-type]
        self.addCleanup(self.clock.advance, 100)
        self.lines: list[str] = []
        globalLogPublisher.addObserver(self.note)
        self.addCleanup(globalLogPublisher.removeObserver, self.note)

    def note(self, event: Any) -> None:
        """
        Note what is logged of the home.
        """
        if isinstance(event.get("log_source"), Home) or "the home" in formatEvent(event):
            self.lines.append(formatEvent(event))

    def reserved(self, guess: Guess) -> Any:
        """
        Return what is answered to a guess by now.
        """
        return self.now(self.state.reserve(guess))

    def now(self, answer: Any) -> Any:
        """
        Return an answer that must be there.
        """
        isLater = isinstance(answer, Deferred)
        return self.successResultOf(answer) if isLater else answer

    def hang(self) -> None:
        """
        Have the home hang until it is known that it is down.
        """
        self.state.recall(b"")
        self.wait(LONGEST_WAIT)
        self.assertTrue(self.state.isDown)
        self.home.calls.clear()
        self.home.asked.clear()

    def wait(self, seconds: float) -> None:
        """
        Let time pass, and the reactor read what there is.
        """
        self.clock.advance(seconds)
        self.clock.advance(0)

    def comeBack(self) -> None:
        """
        Have the home answer at once from now on, and have that noticed.
        """
        self.home.isSteady = True
        self.home.answer()
        self.clock.advance(100)
        self.state.recall(b"")
        self.assertFalse(self.state.isDown)


class OutageTests(_Stepped):
    """
    Tests for homes that go down, and come back.
    """

    def test_hangs(self) -> None:
        """
        Of many logins that wait for a home that hangs none waits for longer than said,
        and later ones don't wait at all.
        """
        early = [self.state.reserve(self.guess(account=n)) for n in range(250)]
        self.clock.advance(LONGEST_WAIT / 2)
        late = [self.state.reserve(self.guess(source=n)) for n in range(2, 7)]
        self.clock.advance(LONGEST_WAIT / 2 - 0.01)
        self.assertNoResult(early[0])
        self.clock.advance(0.02)
        for answer in late:
            self.assertEqual(self.successResultOf(answer).wait, 0)
        # These are all from one source.
        waits = [self.successResultOf(answer).wait for answer in early]
        self.assertEqual(waits.count(0), self.SOURCE.free + 1)
        self.assertEqual(self.reserved(self.guess(account="bob", source=9)).wait, 0)

    def test_logged(self) -> None:
        """
        One line says that the home is down, and why, and one that it is back.
        """
        for _ in range(10):
            self.state.reserve(self.guess())
        self.home.fail()
        for _ in range(10):
            self.wait(60)
            self.state.reserve(self.guess())
            self.home.fail()
        self.comeBack()
        self.assertEqual(len(self.lines), 2)
        self.assertIn("the home can't be asked: it was unplugged. Until", self.lines[0])
        self.assertIn("the home answers again", self.lines[1])

    def test_probes(self) -> None:
        """
        While it is down it is probed by one request at a time, after pauses that grow up
        to eight seconds; nobody waits for that.
        """
        self.hang()
        pauses = []
        for _ in range(8):
            pause = 0
            while not self.home.asked:
                self.clock.advance(0.5)
                pause += 1
                guesses = [self.guess(account=n, source=n) for n in range(3)]
                self.assertFalse(any(self.reserved(g).wait for g in guesses))
                self.state._local = ProcessState(self.clock)
            self.assertEqual(self.home.calls, ["compareAndSet"])
            pauses.append(pause / 2)
            self.home.calls.clear()
            self.home.fail()
        self.assertEqual(pauses, [0.5, 1, 2, 4, 8, 8, 8, 8])

    def test_hangingProbe(self) -> None:
        """
        A probe that isn't answered ends.
        """
        self.hang()
        self.clock.advance(1)
        self.reserved(self.guess())
        self.clock.advance(10)
        self.clock.advance(10)
        self.reserved(self.guess())
        self.assertEqual(self.home.calls, ["compareAndSet"] * 2)

    def test_ownFault(self) -> None:
        """
        Where this process was held up itself, and the answer is there, the home isn't
        down.
        """
        answer = self.state.reserve(self.guess())
        self.clock.callLater(59, self.home.answer)
        self.clock.advance(60)
        self.assertFalse(self.state.isDown)
        self.assertEqual(self.successResultOf(answer).wait, 0)

    def test_defect(self) -> None:
        """
        An error in the home itself refuses no login either, and is logged with where it
        comes from.
        """
        answer = self.state.reserve(self.guess())
        self.home.fail(ZeroDivisionError("x"))
        self.assertEqual(self.successResultOf(answer).wait, 0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIn("ZeroDivisionError", self.lines[0])

    def test_raises(self) -> None:
        """
        A home may also fail at once.
        """
        self.home.reserve = self.raising  # type: ignore[attr-defined]
        self.assertEqual(self.reserved(self.guess()).wait, 0)
        self.assertTrue(self.state.isDown)

    def raising(self, guess: Guess) -> Reservation:
        """
        Fail at once.
        """
        raise StateUnavailable("it was unplugged.")

    def test_atOnce(self) -> None:
        """
        What a home answers at once is answered at once.
        """
        self.home.reserve = lambda guess: Reservation(3.0)  # type: ignore[attr-defined]
        self.assertEqual(self.state.reserve(self.guess()), Reservation(3.0))

    def test_cancel(self) -> None:
        """
        A login that waits for the home can end.
        """
        for end in (self.home.answer, self.home.fail):
            answer = self.state.reserve(self.guess())
            answer.cancel()
            self.failureResultOf(answer)
            end()

    def test_close(self) -> None:
        """
        Once it is closed no timer is left.
        """
        self.state.reserve(self.guess())
        self.hang()
        self.clock.advance(1)
        self.reserved(self.guess())
        self.assertEqual(self.home.calls, ["compareAndSet"])
        self.state.close()
        self.assertEqual(self.home.calls[-1], "close")
        self.assertEqual(self.clock.getDelayedCalls(), [])


class HeldUpReactor(Clock):
    """
    A clock whose calls are made as a reactor makes them: once in each round, before it
    writes and reads.
    """

    def round(self) -> None:
        """
        Make the calls that are due.
        """
        due = [c for c in self.getDelayedCalls() if c.getTime() <= self.seconds()]
        for call in due:
            self.calls.remove(call)
            call.called = 1
            call.func(*call.args, **call.kw)


class OverdueTests(SynchronousTestCase):
    """
    Tests for callers that wait for too long.
    """

    def test_heldUp(self) -> None:
        """
        Where it is the reactor that was held up, as by many connections, it writes what
        was asked, and then reads the answer, before anybody has waited too long.
        """
        reactor = HeldUpReactor()
        overdue: list[str] = []
        watch = OverdueWatch(reactor, 0.9, lambda: 0.0, lambda: overdue.append("it is"))
        watch.begin()
        reactor.rightNow = 5.0
        for _ in range(3):
            self.assertEqual(overdue, [])
            reactor.round()
        self.assertEqual(overdue, ["it is"])
        self.assertEqual(reactor.getDelayedCalls(), [])


class CountingTests(_Stepped):
    """
    Tests for what is counted where.
    """

    def test_homeDecides(self) -> None:
        """
        While the home is up its answer counts, whatever this process has counted.
        """
        self.home.isSteady = True
        for _ in range(3):
            self.home.state = ProcessState(self.clock)
            self.assertEqual(self.reserved(self.guess()).wait, 0)
        self.home.state = ProcessState(self.clock)
        self.assertEqual(self.reserved(self.guess()).wait, 0)
        for _ in range(3):
            self.home.state.reserve(self.guess(source=7))
        self.assertGreater(self.reserved(self.guess(source=7)).wait, 0)

    def test_knowsWhatItHasSeen(self) -> None:
        """
        When the home goes down this process has counted all that it has seen itself, and
        not what had to wait.
        """
        self.home.isSteady = True
        for _ in range(3):
            self.reserved(self.guess())
        for _ in range(10):
            self.assertGreater(self.reserved(self.guess()).wait, 0)
        reservation = self.reserved(self.guess(source=2))
        self.state.settle(self.guess(source=2), reservation, RIGHT)
        self.home.isSteady = False
        self.hang()
        self.assertGreater(self.reserved(self.guess()).wait, 0)
        self.clock.advance(1)
        self.assertEqual(self.reserved(self.guess()).wait, 0)
        for number in range(20):
            self.reserved(self.guess(source=None))
            self.reserved(self.guess(source=2, account=number))
        self.assertEqual(self.reserved(self.guess(source=2)).wait, 0)

    def test_isKnown(self) -> None:
        """
        Whether a source is known is said as the home has it, and while that is down as
        this process has it.
        """
        self.home.isSteady = True
        reservation = self.reserved(self.guess())
        self.state.settle(self.guess(), reservation, RIGHT)
        seen = [self.reserved(self.guess(source=n)).isKnown for n in (1, 2)]
        self.home.isSteady = False
        self.hang()
        seen += [self.reserved(self.guess(source=n)).isKnown for n in (1, 2)]
        self.assertEqual(seen, [True, False] * 2)

    def test_settles(self) -> None:
        """
        A login that was right, or of which nothing was learned, costs nothing in either
        place.
        """
        self.home.isSteady = True
        for outcome in (RIGHT, UNKNOWN):
            for number in range(20):
                guess = self.guess(account=number, source=outcome)
                self.state.settle(guess, self.reserved(guess), outcome)
        for place in (self.home.state, self.local):
            guess = self.guess(source=UNKNOWN)
            for _ in range(3):
                self.assertEqual(place.reserve(guess).wait, 0)

    def test_lateAnswer(self) -> None:
        """
        What the home has counted, and answers too late, is taken back there when the
        login ends, or if it has ended.
        """
        guess = self.guess()
        for number in range(20):
            waiting = self.state.reserve(guess)
            self.wait(LONGEST_WAIT)
            reservation = self.successResultOf(waiting)
            if number % 2:
                self.state.settle(guess, reservation, UNKNOWN)
                self.home.answer()
            else:
                self.home.answer()
                self.state.settle(guess, reservation, UNKNOWN)
            self.comeBack()
            self.home.isSteady = False
        for _ in range(3):
            self.assertEqual(self.home.state.reserve(guess).wait, 0)

    def test_lateAndRefused(self) -> None:
        """
        What the home lets through too late, when this process has had the login wait,
        costs nothing there.
        """
        for _ in range(3):
            self.local.reserve(self.guess())
        waiting = self.state.reserve(self.guess())
        self.wait(LONGEST_WAIT)
        self.assertGreater(self.successResultOf(waiting).wait, 0)
        self.home.isSteady = True
        self.home.answer()
        for _ in range(3):
            self.assertEqual(self.home.state.reserve(self.guess()).wait, 0)

    def test_owed(self) -> None:
        """
        When the home is back it is told how logins have ended meanwhile: what it had
        counted before, and who has logged in.
        """
        self.home.isSteady = True
        first = self.reserved(self.guess(source=1))
        self.home.isSteady = False
        self.hang()
        self.state.settle(self.guess(source=1), first, UNKNOWN)
        second = self.reserved(self.guess(source=2))
        self.state.settle(self.guess(source=2), second, RIGHT)
        self.comeBack()
        for _ in range(3):
            self.assertEqual(self.home.state.reserve(self.guess(source=1)).wait, 0)
        for _ in range(20):
            self.home.state.reserve(self.guess(source=None))
        self.assertEqual(self.home.state.reserve(self.guess(source=2)).wait, 0)

    def test_owedIsBounded(self) -> None:
        """
        Of a long outage the home isn't told everything.
        """
        self.hang()
        for number in range(1000):
            guess = self.guess(source=number, account=number)
            self.state.settle(guess, self.reserved(guess), RIGHT)
        self.comeBack()
        self.assertLess(self.home.calls.count("settle"), 600)


class WaitTests(_Stepped):
    """
    Tests for waits that are told again.
    """

    def setUp(self) -> None:
        super().setUp()
        self.home.isSteady = True
        for _ in range(5):
            self.home.state.reserve(self.guess())
            self.clock.advance(8)
        self.home.state.reserve(self.guess())

    def test_flood(self) -> None:
        """
        Guesses in a pause ask the home once in a second, whatever their passwords are,
        and are told the rest of the pause.
        """
        for wait in (8, 7, 6):
            for number in range(100):
                self.assertEqual(self.reserved(self.guess(number)).wait, wait)
            self.clock.advance(1)
        self.assertEqual(self.home.calls, ["reserve"] * 3)

    def test_endsElsewhere(self) -> None:
        """
        A right password in another process ends the pause here after a second.
        """
        self.assertEqual(self.reserved(self.guess()).wait, 8)
        self.home.state.settle(self.guess(), Reservation(0.0), RIGHT)
        self.clock.advance(1)
        self.assertEqual(self.reserved(self.guess()).wait, 0)

    def test_endsHere(self) -> None:
        """
        A right password in this process ends it at once.
        """
        self.clock.advance(8)
        reservation = self.reserved(self.guess())
        self.assertEqual(self.reserved(self.guess()).wait, 8)
        self.state.settle(self.guess(), reservation, RIGHT)
        self.assertEqual(self.reserved(self.guess()).wait, 0)

    def test_bounded(self) -> None:
        """
        Waits take little memory, however many there are.
        """
        self.home.reserve = lambda guess: Reservation(60.0)  # type: ignore[attr-defined]
        for number in range(12_000):
            self.reserved(self.guess(source=number))
        self.assertLessEqual(len(self.state._waits), 10_000)


class ValueTests(_Stepped):
    """
    Tests for values.
    """

    def setUp(self) -> None:
        super().setUp()
        self.home.isSteady = True

    def set(self, key: bytes, old: bytes | None, new: bytes, seconds: float = 60) -> Any:
        """
        Set a value.
        """
        return self.now(self.state.compareAndSet(key, old, new, seconds))

    def test_up(self) -> None:
        """
        While the home is up it has the values.
        """
        self.assertTrue(self.set(b"k", None, b"x"))
        self.assertTrue(self.set(b"k", b"x", b"y"))
        self.assertFalse(self.set(b"k", b"x", b"z"))
        self.assertEqual(self.home.state.recall(b"k"), b"y")
        self.assertEqual(self.now(self.state.recall(b"k")), b"y")

    def test_once(self) -> None:
        """
        What was used once here, such as a nonce, isn't used again here, though the home
        be down, or have forgotten it.
        """
        self.assertTrue(self.set(b"before", None, b""))
        self.home.isSteady = False
        self.hang()
        self.assertFalse(self.set(b"before", None, b""))
        self.assertTrue(self.set(b"during", None, b"", 600))
        self.assertFalse(self.set(b"during", None, b""))
        self.comeBack()
        self.assertFalse(self.set(b"during", None, b""))
        self.home.state = ProcessState(self.clock)
        self.assertTrue(self.set(b"after", None, b""))
        self.clock.advance(60)
        self.assertTrue(self.set(b"after", None, b""))

    def test_full(self) -> None:
        """
        What the home has taken is set, though there be no room for it here.
        """
        number = 0
        while self.local.compareAndSet(b"%d" % number, None, bytes(4096), 60):
            number += 1
        self.assertTrue(self.set(b"large", None, bytes(4096)))
        self.assertFalse(self.set(b"large", None, bytes(4096)))

    def test_secret(self) -> None:
        """
        What is kept for ever, and must be the same for all, isn't made while the home is
        down.
        """
        self.home.isSteady = False
        self.hang()
        self.assertIs(self.now(self.state.recall(b"secret")), None)
        answer = self.state.compareAndSet(b"secret", None, b"x", 0)
        self.failureResultOf(answer, StateUnavailable)
        self.comeBack()
        self.assertTrue(self.set(b"secret", None, b"x", 0))

    def test_inFlight(self) -> None:
        """
        A value that was to be set when the home went down is set here.
        """
        self.home.isSteady = False
        answer = self.state.compareAndSet(b"k", None, b"x", 60)
        self.home.fail()
        self.assertTrue(self.successResultOf(answer))
        self.assertEqual(self.now(self.state.recall(b"k")), b"x")
