"""
What each home of shared state must do.

A test case has these as a part, and gives them a state and a way to let its time pass.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from hashlib import blake2b
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks, maybeDeferred

from mycred._state import (
    Bucket,
    Guess,
    Limit,
    Outcome,
    Reservation,
    StateUnavailable,
)
from mycred._state._buckets import LATELY, MOST_KNOWN, TRIED

#: What a test yields Deferreds from.
Steps = Generator[Any, Any, None]

#: How long a source is known, in seconds.
REMEMBER = 30 * 86_400.0

RIGHT, UNKNOWN = Outcome.RIGHT, Outcome.UNKNOWN


class StateSteps:
    """
    What tests do with a home of shared state.

    @ivar state: the home, which other tests may use, too.
    """

    state: Any

    #: The limits of these tests, which a subclass may not change: the least of them is
    #: the pair's.
    PAIR = Limit(2, 8.0, 600.0)
    SOURCE = Limit(4, 8.0, 600.0)
    ACCOUNT = Limit(6, 4.0, 600.0)
    NEWCOMERS = Limit(12, 4.0, 600.0)

    def setUp(self: Any) -> Any:
        """
        Choose keys that no other test has.
        """
        self.run_ = os.urandom(8)
        return super().setUp()  # type: ignore[misc]

    def advance(self, seconds: float) -> Any:
        """
        Let the time of the state pass, by an offset that a home adds to its clock, if it
        has one of its own.

        @return: nothing, or a Deferred.
        """
        raise NotImplementedError

    def key(self: Any, *parts: object) -> bytes:
        """
        Return the key of something in this test.
        """
        return blake2b(repr(parts).encode(), key=self.run_, digest_size=8).digest()

    def guess(
        self: Any, password: object = None, source: object = 1, account: object = "alice"
    ) -> Guess:
        """
        Return a guess.

        @param password: what is tried; L{None} if it can't be known.
        @param source: where it comes from; L{None} if that isn't known.
        """
        ofAccount = Bucket("account", self.key(account), self.ACCOUNT)
        new = Bucket("newcomers", self.key("new", account), self.NEWCOMERS)
        pair, sources = None, []
        if source is not None:
            pair = Bucket("pair", self.key(source, account), self.PAIR)
            sources = [Bucket("address4", self.key(source), self.SOURCE)]
        tried = None if password is None else self.key(source, account, password)
        return Guess(
            ofAccount.key,
            pair,
            (*sources, new),
            (*sources, ofAccount),
            tried,
            REMEMBER,
        )

    def reserve(self: Any, guess: Guess) -> Deferred[Reservation]:
        """
        Reserve.
        """
        return maybeDeferred(self.state.reserve, guess)

    @inlineCallbacks
    def login(self: Any, guess: Guess, outcome: Outcome | None) -> Steps:
        """
        Log in, and end at once.

        @param outcome: how; L{None} for a wrong password.
        """
        reservation = yield self.reserve(guess)
        self.assertEqual(reservation.wait, 0)
        if outcome is not None:
            yield maybeDeferred(self.state.settle, guess, reservation, outcome)

    @inlineCallbacks
    def assertWaits(self: Any, guess: Guess, seconds: float) -> Steps:
        """
        Insist on a wait, within the time that a test takes.
        """
        reservation = yield self.reserve(guess)
        self.assertGreater(reservation.wait, max(0.0, seconds - 0.9))
        self.assertLessEqual(reservation.wait, seconds)

    @inlineCallbacks
    def wrong(self: Any, *guesses: Guess) -> Steps:
        """
        Fail, once with each of these guesses.
        """
        for guess in guesses:
            yield self.login(guess, None)

    @inlineCallbacks
    def exhaust(self: Any, account: object = "alice") -> Steps:
        """
        Fail at an account until strangers wait.
        """
        guesses = self.ACCOUNT.free + 1
        yield self.wrong(*[self.guess(source=None, account=account)] * guesses)


class StateCases(StateSteps):
    """
    What each home of shared state must do.
    """

    @inlineCallbacks
    def test_pauses(self: Any) -> Steps:
        """
        Some guesses are free.  After each further one there is a pause, twice as long as
        the last one, up to the longest; whoever waits gets in.
        """
        yield self.wrong(*[self.guess()] * 3)
        for pause in (1, 2, 4, 8, 8):
            yield self.assertWaits(self.guess(), pause)
            yield self.advance(pause)
            yield self.login(self.guess(), None)

    @inlineCallbacks
    def test_together(self: Any) -> Steps:
        """
        Of many guesses at a time no more are let through than of as many one after the
        other.
        """
        answers = yield gatherResults([self.reserve(self.guess()) for _ in range(50)])
        self.assertEqual(len([a for a in answers if not a.wait]), self.PAIR.free + 1)

    @inlineCallbacks
    def test_refusedIsFree(self: Any) -> Steps:
        """
        A guess that has to wait costs nothing, and makes no wait longer.
        """
        yield self.wrong(*[self.guess()] * 3)
        for _ in range(20):
            yield self.assertWaits(self.guess(), 1)
        yield self.advance(1)
        yield self.login(self.guess(), None)
        yield self.assertWaits(self.guess(), 2)

    @inlineCallbacks
    def test_forgets(self: Any) -> Steps:
        """
        Failures are forgotten, one after another.
        """
        yield self.wrong(*[self.guess()] * 2)
        yield self.advance(2 * self.PAIR.forget)
        yield self.wrong(*[self.guess()] * 2)
        yield self.advance(self.PAIR.forget)
        yield self.login(self.guess(), None)
        yield self.login(self.guess(), None)
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_highest(self: Any) -> Steps:
        """
        What has lasted long is forgotten as soon as what has reached the longest pause.
        """
        yield self.wrong(*[self.guess()] * 3)
        for _ in range(20):
            yield self.advance(8)
            yield self.login(self.guess(), None)
        yield self.advance(4 * self.PAIR.forget)
        yield self.wrong(self.guess())
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_right(self: Any) -> Steps:
        """
        After the right password the pair is as if it had never failed.
        """
        yield self.wrong(*[self.guess()] * 2)
        yield self.login(self.guess(), RIGHT)
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_rightAgain(self: Any) -> Steps:
        """
        But not after each one, where they follow each other soon: who guesses beside the
        owner, behind one address, isn't forgiven at each login of the owner's.
        """
        yield self.login(self.guess(), RIGHT)
        yield self.wrong(*[self.guess()] * 2)
        for _ in range(3):
            yield self.login(self.guess(), RIGHT)
        yield self.wrong(self.guess())
        yield self.assertWaits(self.guess(), 1)
        yield self.advance(self.PAIR.forget)
        yield self.login(self.guess(), RIGHT)
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_rightCostsNothing(self: Any) -> Steps:
        """
        Right passwords cost the source nothing, and have none of its failures forgotten.
        """
        for number in range(20):
            yield self.login(self.guess(account=number), RIGHT)
        yield self.wrong(*[self.guess(account=20 + n) for n in range(self.SOURCE.free)])
        for number in range(20):
            yield self.login(self.guess(account=30 + number), RIGHT)
        yield self.wrong(self.guess(account=99))
        yield self.assertWaits(self.guess(account="bob"), 1)

    @inlineCallbacks
    def test_rightAtTop(self: Any) -> Steps:
        """
        Nor are those of a source whose pauses are the longest: somebody with accounts of
        their own gains nothing by them.
        """
        for number in range(self.SOURCE.free + 5):
            yield self.wrong(self.guess(account=number))
            yield self.advance(8)
        for number in range(5):
            yield self.login(self.guess(account=("own", number)), RIGHT)
        yield self.wrong(self.guess(account="bob"))
        yield self.assertWaits(self.guess(account="bob"), 8)

    @inlineCallbacks
    def test_unknown(self: Any) -> Steps:
        """
        Where nothing was learned nothing is counted, and nothing else is forgotten.
        """
        for password in (None, "x"):
            for _ in range(20):
                yield self.login(self.guess(password), UNKNOWN)
        yield self.wrong(*[self.guess()] * 2)
        for _ in range(5):
            yield self.login(self.guess(), UNKNOWN)
        yield self.wrong(self.guess())
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_unknownEarlier(self: Any) -> Steps:
        """
        What is taken back ends no pause that a later guess has begun.
        """
        first = yield self.reserve(self.guess())
        yield self.advance(1)
        yield self.wrong(*[self.guess()] * 2)
        yield self.assertWaits(self.guess(), 1)
        yield self.advance(1)
        yield self.wrong(self.guess())
        yield self.assertWaits(self.guess(), 2)
        yield maybeDeferred(self.state.settle, self.guess(), first, UNKNOWN)
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_sameCostsOnce(self: Any) -> Steps:
        """
        The same wrong password costs once, also where several are tried at a time; to
        another account, or from another source, it costs again.
        """
        answers = yield gatherResults([self.reserve(self.guess("x")) for _ in range(20)])
        self.assertEqual({answer.wait for answer in answers}, {0})
        yield self.wrong(*[self.guess("x")] * 20)
        yield self.wrong(self.guess("y"), self.guess("z"))
        yield self.assertWaits(self.guess("u"), 1)
        yield self.wrong(*[self.guess("x", account=number) for number in range(2)])
        yield self.assertWaits(self.guess("x", account="bob"), 1)

    @inlineCallbacks
    def test_sameWaits(self: Any) -> Steps:
        """
        In a pause nothing is let through, though it be tried already.
        """
        yield self.wrong(self.guess("x"), self.guess("y"), self.guess("z"))
        yield self.assertWaits(self.guess("x"), 1)

    @inlineCallbacks
    def test_sameForgotten(self: Any) -> Steps:
        """
        After a day the same password costs again.
        """
        yield self.wrong(self.guess("x"))
        yield self.advance(TRIED + 1)
        yield self.wrong(self.guess("x"), self.guess("y"), self.guess("z"))
        yield self.assertWaits(self.guess("u"), 1)

    @inlineCallbacks
    def test_sameUnknown(self: Any) -> Steps:
        """
        A password that was tried several times at once has cost nothing if nothing was
        learned from any of them, and once if one was wrong.
        """
        for wrong in (0, 1):
            guess = self.guess("x", source=wrong)
            answers = yield gatherResults([self.reserve(guess) for _ in range(3)])
            for reservation in answers[wrong:]:
                yield maybeDeferred(self.state.settle, guess, reservation, UNKNOWN)
            others = [self.guess(n, source=wrong) for n in range(3 - wrong)]
            yield self.wrong(*others)
            yield self.assertWaits(self.guess("x", source=wrong), 1)

    @inlineCallbacks
    def test_sameRight(self: Any) -> Steps:
        """
        The right password, tried several times at once, is taken back once.
        """
        yield self.wrong(*[self.guess(account=number) for number in range(3)])
        guess = self.guess("x")
        answers = yield gatherResults([self.reserve(guess) for _ in range(5)])
        for reservation in answers:
            yield maybeDeferred(self.state.settle, guess, reservation, RIGHT)
        yield self.wrong(*[self.guess(account=10 + number) for number in range(2)])
        yield self.assertWaits(self.guess(account="bob"), 1)

    @inlineCallbacks
    def test_known(self: Any) -> Steps:
        """
        A source that has logged in to the account has only the pair's bucket: others can
        make it wait neither by guesses at the account nor by guesses from the source at
        other accounts.
        """
        yield self.login(self.guess(), RIGHT)
        yield self.wrong(*[self.guess(account=number) for number in range(5)])
        yield self.exhaust()
        yield self.assertWaits(self.guess(account="bob"), 1)
        for _ in range(20):
            yield self.login(self.guess(), RIGHT)
        yield self.wrong(*[self.guess()] * 3)
        yield self.assertWaits(self.guess(), 1)

    @inlineCallbacks
    def test_isKnown(self: Any) -> Steps:
        """
        Of a guess that is let through it is said whether its source is known.
        """
        seen = []
        for _ in range(2):
            for source in (1, 2):
                reservation = yield self.reserve(self.guess(source=source))
                seen.append(reservation.isKnown)
            yield self.login(self.guess(source=2), RIGHT)
        self.assertEqual(seen, [False, False, False, True])

    @inlineCallbacks
    def test_knownFails(self: Any) -> Steps:
        """
        What a source that is known fails at costs no other bucket.
        """
        for account in range(5):
            yield self.login(self.guess(account=account), RIGHT)
            yield self.wrong(*[self.guess(account=account)] * 3)
        yield self.login(self.guess(), RIGHT)

    @inlineCallbacks
    def test_knownForgotten(self: Any) -> Steps:
        """
        A source is known for as long as it is said, since it has logged in last.
        """
        for _ in range(2):
            yield self.login(self.guess(), RIGHT)
            yield self.advance(REMEMBER - 5)
        yield self.wrong(*[self.guess(account=number) for number in range(5)])
        yield self.login(self.guess(), UNKNOWN)
        yield self.advance(6)
        yield self.wrong(self.guess(account=5))
        yield self.assertWaits(self.guess(), 2)

    @inlineCallbacks
    def test_knownForAccount(self: Any) -> Steps:
        """
        A source that has logged in to an account is known for no other.
        """
        yield self.login(self.guess(), RIGHT)
        yield self.wrong(*[self.guess(account=number) for number in range(5)])
        yield self.assertWaits(self.guess(account="bob"), 1)

    @inlineCallbacks
    def test_mostKnown(self: Any) -> Steps:
        """
        Those that are known are the ones that have logged in last.
        """
        for number in range(2 * MOST_KNOWN):
            yield self.login(self.guess(source=number), RIGHT)
        yield self.exhaust()
        for number in range(MOST_KNOWN, 2 * MOST_KNOWN):
            yield self.login(self.guess(source=number), UNKNOWN)

    @inlineCallbacks
    def test_newcomers(self: Any) -> Steps:
        """
        A source that hasn't failed at the account lately doesn't wait for those that
        have; but of many such sources no more are let through than those have free.
        """
        free = self.NEWCOMERS.free
        yield self.wrong(*[self.guess(source=number) for number in range(free)])
        yield self.wrong(*[self.guess(source=n) for n in range(self.ACCOUNT.free + 1)])
        yield self.assertWaits(self.guess(source=0), 1)
        yield self.login(self.guess(source=100), UNKNOWN)
        yield self.wrong(self.guess(source=101))
        yield self.assertWaits(self.guess(source=102), 1)

    @inlineCallbacks
    def test_newAgain(self: Any) -> Steps:
        """
        A source is a newcomer again after a day, and not as soon as its failures are
        forgotten.
        """
        yield self.wrong(self.guess())
        yield self.advance(LATELY - 5)
        yield self.exhaust()
        yield self.assertWaits(self.guess(), 1)
        yield self.advance(6)
        yield self.wrong(self.guess(source=None))
        yield self.assertWaits(self.guess(source=None), 2)
        yield self.login(self.guess(), UNKNOWN)

    @inlineCallbacks
    def test_countedElsewhere(self: Any) -> Steps:
        """
        What another home has counted isn't taken back here; but a source that has logged
        in is known here, too.
        """
        elsewhere = Reservation(0.0)
        yield self.wrong(*[self.guess()] * 3)
        yield maybeDeferred(self.state.settle, self.guess(), elsewhere, UNKNOWN)
        yield self.assertWaits(self.guess(), 1)
        yield self.wrong(*[self.guess(account=number) for number in range(2)])
        yield maybeDeferred(self.state.settle, self.guess(), elsewhere, RIGHT)
        yield self.wrong(*[self.guess()] * 2)
        yield self.assertWaits(self.guess(account="bob"), 1)

    @inlineCallbacks
    def test_withoutSource(self: Any) -> Steps:
        """
        Guesses whose source isn't known have the account's bucket.
        """
        yield self.wrong(*[self.guess(source=None)] * (self.ACCOUNT.free + 1))
        yield self.assertWaits(self.guess(source=None), 1)
        yield self.advance(1)
        yield self.login(self.guess("x", source=None), RIGHT)
        yield self.login(self.guess("x", source=None), RIGHT)

    @inlineCallbacks
    def test_values(self: Any) -> Steps:
        """
        A value is set if it is what the caller thinks.
        """
        state, key = self.state, b"test:" + self.run_
        for old, new, isSet, now in (
            (b"x", b"y", False, None),
            (None, b"\0\xff", True, b"\0\xff"),
            (None, b"y", False, b"\0\xff"),
            (b"\0\xff", b"", True, b""),
            (None, b"y", False, b""),
            (b"", 4096 * b"\0", True, 4096 * b"\0"),
        ):
            answer = yield maybeDeferred(state.compareAndSet, key, old, new, 0)
            self.assertIs(answer, isSet)
            value = yield maybeDeferred(state.recall, key)
            self.assertEqual(value, now)

    @inlineCallbacks
    def test_oldValues(self: Any) -> Steps:
        """
        A value that is too old is none.
        """
        state, key = self.state, b"old:" + self.run_
        yield maybeDeferred(state.compareAndSet, key, None, b"x", 60)
        yield self.advance(50)
        self.assertEqual((yield maybeDeferred(state.recall, key)), b"x")
        yield self.advance(20)
        self.assertIs((yield maybeDeferred(state.recall, key)), None)
        answer = yield maybeDeferred(state.compareAndSet, key, b"x", b"y", 60)
        self.assertIs(answer, False)
        answer = yield maybeDeferred(state.compareAndSet, key, None, b"y", 60)
        self.assertIs(answer, True)

    @inlineCallbacks
    def test_oneSets(self: Any) -> Steps:
        """
        Of many that set a value at the same time one does.
        """
        key = b"one:" + self.run_
        answers = yield gatherResults(
            [
                maybeDeferred(self.state.compareAndSet, key, None, b"%d" % number, 0)
                for number in range(20)
            ]
        )
        self.assertEqual(answers.count(True), 1)
        value = yield maybeDeferred(self.state.recall, key)
        self.assertEqual(value, b"%d" % answers.index(True))


@inlineCallbacks
def untilThere(state: Any) -> Steps:
    """
    Ask a home until it answers.
    """
    while True:
        try:
            yield state.recall(b"x")
            return
        except StateUnavailable:
            pass


__all__ = [
    "REMEMBER",
    "RIGHT",
    "UNKNOWN",
    "StateCases",
    "StateSteps",
    "Steps",
    "untilThere",
]
