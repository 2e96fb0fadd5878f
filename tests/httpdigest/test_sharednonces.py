"""
Tests for L{mycred._httpdigest._sharednonces}: answers to HTTP Digest at several processes
that share a state.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse as TwistedMemory
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._httpdigest import DigestCredentialFactory, DigestedCredentials
from mycred._httpdigest._nonces import Answer, NonceUse
from mycred._state import ProcessState
from mycred._state._errors import StateUnavailable
from mycred.checkers import (
    CheckerChain,
    InMemoryUsernamePasswordDatabaseDontUse,
    PasswordChecker,
)
from mycred.error import StaleNonce, UnauthorizedLogin

from ..kit.digest import METHOD, Client, Factory, header

ADDRESS = b"192.0.2.7"


class State:
    """
    A state whose answers come when the test says so.

    @ivar isHeld: whether they wait for L{step}.
    @ivar isDown: whether it can't be reached.
    """

    def __init__(self) -> None:
        self.isHeld = self.isDown = False
        self.empty()
        self.asked: list[tuple[Any, ...]] = []
        self._waiting: list[tuple[Deferred[Any], tuple[Any, ...]]] = []

    def empty(self) -> None:
        """
        Lose everything.
        """
        self._home = ProcessState(Clock())

    def fill(self) -> None:
        """
        Set values until there is no room for more.
        """
        number = 0
        for size in (4096, 0):
            while self._home.compareAndSet(b"%d" % number, None, bytes(size), 60):
                number += 1

    def recall(self, key: bytes) -> Any:
        return self._ask("recall", key)

    def compareAndSet(self, *args: Any) -> Any:
        return self._ask("compareAndSet", *args)

    def step(self) -> None:
        """
        Answer the first question that waits.
        """
        answer, question = self._waiting.pop(0)
        self._answer(answer, question)

    def run(self) -> None:
        """
        Answer all questions that wait, and those that come of the answers.
        """
        while self._waiting:
            self.step()

    def _ask(self, *question: Any) -> Deferred[Any]:
        self.asked.append(question)
        answer: Deferred[Any] = Deferred()
        if self.isHeld:
            self._waiting.append((answer, question))
        else:
            self._answer(answer, question)
        return answer

    def _answer(self, answer: Deferred[Any], question: tuple[Any, ...]) -> None:
        if self.isDown:
            answer.errback(StateUnavailable())
        else:
            name, *args = question
            answer.callback(getattr(self._home, name)(*args))


class SharedTestCase(SynchronousTestCase):
    """
    Base of the tests: two processes that share a state.
    """

    def setUp(self) -> None:
        self.state = State()
        self.one, self.other = self.process(), self.process()

    def process(self, algorithm: bytes = b"sha-256") -> Factory:
        """
        Return the factory of a process, which has made a challenge.
        """
        factory = Factory(algorithm, b"here", state=self.state)
        factory.getChallenge(ADDRESS)
        return factory

    def client(self, factory: Factory, **who: bytes) -> Client:
        """
        Return a client that has a challenge.
        """
        return Client(factory.getChallenge(ADDRESS), **who)

    def decode(self, factory: Factory, fields: dict[str, bytes]) -> DigestedCredentials:
        """
        Hand an answer to a process.
        """
        return factory.decode(header(fields), METHOD, ADDRESS)

    def check(self, factory: Factory, fields: dict[str, bytes]) -> Deferred[bool]:
        """
        Have a process check an answer.
        """
        checking: Any = self.decode(factory, fields).checkPassword(b"secret")
        return checking  # type: ignore[no-any-return]

    def accepted(self, factory: Factory, fields: dict[str, bytes]) -> None:
        """
        Insist that a process takes an answer.
        """
        checking = maybeDeferred(self.check, factory, fields)
        self.assertIs(self.successResultOf(checking), True)

    def replayed(self, factory: Factory, fields: dict[str, bytes]) -> None:
        """
        Insist that a process sees that an answer was taken by another one.
        """
        self.failureResultOf(self.check(factory, fields), StaleNonce)


class TwoProcessesTests(SharedTestCase):
    """
    Tests for what two processes take.
    """

    def test_otherProcess(self) -> None:
        """
        A challenge of one process is good in the other, and goes on to be in both.
        """
        client = self.client(self.one)
        for count in range(1, 9):
            self.accepted((self.one, self.other)[count % 2], client.fields(count))

    def test_replayed(self) -> None:
        """
        An answer that one process has taken the other doesn't take, whichever has made
        the challenge; the first doesn't even look at it again.
        """
        for maker in (self.one, self.other):
            for first, second in ((self.one, self.other), (self.other, self.one)):
                fields = self.client(maker).fields()
                self.accepted(first, fields)
                self.replayed(second, fields)
                for process in (first, second):
                    self.assertRaises(StaleNonce, self.decode, process, fields)

    def test_atTheSameTime(self) -> None:
        """
        Of two processes that get the same answer at the same time, one takes it, however
        the state is slow.
        """
        for steps in range(8):
            fields = self.client(self.one).fields()
            self.state.isHeld = True
            taking = [self.check(self.one, fields)]
            for _ in range(steps):
                if self.state._waiting:
                    self.state.step()
            taking.append(self.check(self.other, fields))
            self.state.run()
            self.state.isHeld = False
            failed = [each for each in taking if each.result is not True]
            self.assertEqual(len(failed), 1, steps)
            self.failureResultOf(failed[0], StaleNonce)

    def test_manyCounts(self) -> None:
        """
        A browser may use one challenge over several connections at once.
        """
        client = self.client(self.one)
        self.state.isHeld = True
        taking = [
            self.check((self.one, self.other)[count % 2], client.fields(count))
            for count in range(1, 20)
        ]
        self.state.run()
        self.assertEqual([self.successResultOf(each) for each in taking], [True] * 19)

    def test_wrongPassword(self) -> None:
        """
        Whether a password is wrong is known at once, and nothing is told to the state:
        who takes a Deferred for a yes lets nobody in who doesn't know the password.
        """
        client = self.client(self.one, password=b"wrong")
        asked = len(self.state.asked)
        self.assertIs(self.check(self.other, client.fields()), False)
        self.assertEqual(len(self.state.asked), asked)
        client.password = b"secret"
        self.accepted(self.other, client.fields())

    def test_severalCheckers(self) -> None:
        """
        Checkers may look at the same credentials one after the other, or at the same
        time, and each of them may give up.
        """
        credentials: Any = self.decode(self.other, self.client(self.one).fields())
        self.state.isHeld = True
        checking = [credentials.checkPassword(b"secret") for _ in range(3)]
        checking[0].cancel()
        self.failureResultOf(checking[0], CancelledError)
        self.state.run()
        checking.append(credentials.checkPassword(b"secret"))
        for each in checking[1:]:
            self.assertIs(self.successResultOf(each), True)

    def test_nothingOfUsers(self) -> None:
        """
        The state isn't told who logs in, or by which nonce.
        """
        client = self.client(self.one)
        self.accepted(self.other, client.fields())
        told = repr(self.state.asked).encode()
        for secret in (b"alice", client.challenge["nonce"], client.fields()["response"]):
            self.assertNotIn(secret, told)
        self.assertLessEqual(max(len(key) for _, key, *_ in self.state.asked), 64)


class CheckerTests(SharedTestCase):
    """
    Tests for checkers: they wait for the state.
    """

    def test_checkers(self) -> None:
        """
        Twisted's checkers and mycred's refuse an answer that another process has taken.
        """

        class Own(PasswordChecker):
            plain = True

            def lookUp(self, username: bytes) -> Any:
                return username, b"secret"

        memory: Any
        for memory in (InMemoryUsernamePasswordDatabaseDontUse, TwistedMemory):
            for checker in (memory(alice=b"secret"), Own()):
                fields = self.client(self.one).fields()
                answers = [self.decode(each, fields) for each in (self.one, self.other)]
                self.state.isHeld = True
                asking = [checker.requestAvatarId(each) for each in answers]
                for each in asking:
                    self.assertNoResult(each)
                self.state.run()
                self.state.isHeld = False
                self.assertEqual(self.successResultOf(asking[0]), b"alice")
                self.failureResultOf(asking[1], StaleNonce)

    def test_chain(self) -> None:
        """
        Nor does a chain of checkers take it, whichever of them knows the password: the
        client is told to answer anew, and nothing is logged as a defect.
        """
        right, wrong = [
            InMemoryUsernamePasswordDatabaseDontUse(alice=password)
            for password in (b"secret", b"other")
        ]
        checkers: list[list[Any]] = [[right], [wrong, right], [right, wrong]]
        for chain in map(CheckerChain, checkers):
            fields = self.client(self.one).fields()
            answers = [self.decode(each, fields) for each in (self.one, self.other)]
            asking = [chain.requestAvatarId(each) for each in answers]
            self.assertEqual(self.successResultOf(asking[0]), b"alice")
            self.failureResultOf(asking[1], StaleNonce)

    def test_wrong(self) -> None:
        """
        A wrong password is one at once.
        """
        checker: Any = InMemoryUsernamePasswordDatabaseDontUse(alice=b"other")
        credentials = self.decode(self.other, self.client(self.one).fields())
        self.failureResultOf(checker.requestAvatarId(credentials), UnauthorizedLogin)


class OutageTests(SharedTestCase):
    """
    Tests for a state that can't be reached, or has lost what it had.
    """

    def test_down(self) -> None:
        """
        While the state can't be reached each process decides for itself: nobody is
        refused for that reason, and no process takes the same answer twice.
        """
        client = self.client(self.one)
        self.state.isDown = True
        for count in (1, 2):
            self.accepted(self.one, client.fields(count))
            self.assertRaises(StaleNonce, self.decode, self.one, client.fields(count))
        self.state.isDown = False
        self.accepted(self.other, client.fields(3))
        self.replayed(self.one, client.fields(3))

    def test_downAtTheStart(self) -> None:
        """
        A process that has begun while the state was down makes challenges of its own, and
        shares them as soon as the state is back.
        """
        self.state.isDown = True
        late = self.process()
        client = self.client(late)
        self.assertRaises(StaleNonce, self.decode, self.one, client.fields())
        self.accepted(late, client.fields())
        self.state.isDown = False
        late.now += 5
        late.getChallenge(ADDRESS)
        self.accepted(late, client.fields(2))
        fields = self.client(late).fields()
        self.accepted(self.one, fields)
        self.replayed(late, fields)

    def test_slowAtTheStart(self) -> None:
        """
        A challenge is made without waiting for the state, and stays good.
        """
        self.state.isHeld = True
        late = self.process()
        client = self.client(late)
        self.state.run()
        self.state.isHeld = False
        self.accepted(late, client.fields())
        self.accepted(self.one, self.client(late).fields())

    def test_full(self) -> None:
        """
        A client with a password that logs in very often keeps nobody out: where the state
        has no room each process decides for itself.
        """
        client = self.client(self.one)
        self.accepted(self.one, client.fields(1))
        self.state.fill()
        for fields in (client.fields(2), self.client(self.one).fields()):
            self.accepted(self.one, fields)
            self.assertRaises(StaleNonce, self.decode, self.one, fields)

    def test_emptied(self) -> None:
        """
        With what was used the state loses the key, so that no answer of before is taken
        by a process that hasn't seen it, and all get in with new challenges.
        """
        client = self.client(self.one)
        self.accepted(self.one, client.fields())
        self.state.empty()
        self.replayed(self.other, client.fields())
        self.assertRaises(StaleNonce, self.decode, self.other, client.fields(2))
        client = self.client(self.other)
        self.assertRaises(StaleNonce, self.decode, self.one, client.fields())
        self.replayed(self.one, self.client(self.one).fields())
        for process in (self.one, self.other):
            self.accepted(process, self.client(process).fields())
        self.accepted(self.one, client.fields())

    @settings(deadline=None, database=None)
    @given(st.binary() | st.from_regex(rb"[0-9a-f]{0,9} [0-9a-f]{0,33}", fullmatch=True))
    def test_hostile(self, state: bytes) -> None:
        """
        Whatever the state says of a nonce, the counts that are known stay taken, or it
        isn't used.
        """
        use = NonceUse(Answer(b"", 1, None, 0, b""))
        if use.resume(state):
            use.claim(5)
            again = NonceUse(Answer(b"", 1, None, 0, b""))
            self.assertTrue(again.resume(use.state()))
            self.assertFalse(again.claim(5))
            self.assertLessEqual(len(use.state()), 41)

    def test_shortKey(self) -> None:
        """
        What is no secret isn't taken for the key.
        """
        self.state.empty()
        self.state.compareAndSet(b"httpdigest", None, b"", 0)
        process = self.process()
        self.assertRaises(
            StaleNonce, self.decode, self.one, self.client(process).fields()
        )
        self.accepted(process, self.client(process).fields())


class ClockTests(SharedTestCase):
    """
    Tests for clocks that differ.
    """

    def test_ahead(self) -> None:
        """
        The clock of a machine that has made a challenge may be a minute ahead.
        """
        self.one.now += 60
        self.accepted(self.other, self.client(self.one).fields())
        self.one.now += 1
        fields = self.client(self.one).fields()
        self.assertRaises(StaleNonce, self.decode, self.other, fields)

    def test_kept(self) -> None:
        """
        The state remembers an answer for longer than its challenge is good on any machine
        whose clock is within a quarter of an hour.
        """
        self.accepted(self.one, self.client(self.one).fields())
        *_, seconds = self.state.asked[-1]
        self.assertEqual(seconds, 2 * self.one.CHALLENGE_LIFETIME_SECS)

    def test_wallClock(self) -> None:
        """
        Machines have but one clock in common.
        """
        made = DigestCredentialFactory(b"md5", b"here", state=self.state)
        self.patch(
            DigestCredentialFactory._getTime.__globals__["time"], "time", lambda: 5
        )
        self.assertEqual(made._getTime(), 5)


class SessionTests(SharedTestCase):
    """
    Tests for the algorithms that end in C{-sess}.
    """

    def test_oneProcess(self) -> None:
        """
        A challenge whose answers all depend on the first one is good in the process that
        has made it.
        """
        one, other = self.process(b"md5-sess"), self.process(b"md5-sess")
        client = self.client(one)
        self.assertRaises(StaleNonce, self.decode, other, client.fields())
        asked = len(self.state.asked)
        self.assertIs(self.check(one, client.fields()), True)
        self.assertEqual(len(self.state.asked), asked)
