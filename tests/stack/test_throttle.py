"""
Tests for L{mycred._stack._throttle}, L{mycred._stack._sharedsecret} and
L{mycred._stack._throttleoptions}: what makes guesses wait.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from zope.interface import implementer
from zope.interface.verify import verifyObject

from hypothesis import given, settings, strategies as st

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred._encodings import triesDecodings
from mycred._stack import _sharedsecret
from mycred._stack._throttleoptions import makeThrottle, throttleOptions
from mycred._state import ISharedState, Limit, ProcessState, StateUnavailable
from mycred.credentials import (
    BearerToken,
    CertificateCredentials,
    CramMD5Credentials,
    SSHPrivateKey,
    UsernamePassword,
)
from mycred.error import (
    AccountDenied,
    DenialReason,
    TemporaryFailure,
    Throttled,
    UnauthorizedLogin,
    UnhandledCredentials,
)
from mycred.portal import Portal
from mycred.stack import CheckerStack, LoginCache, Throttle

from ..kit.cached import Stateful
from ..kit.portals import Checker, raising
from ..kit.sasl import KeysChecker, ScramClient, Server, keysOf
from ..kit.sessions import Realm
from ..kit.throttled import LIMITS, CountingChecker, Scene, addressOf, allowed, typed


class ThrottleTests(SynchronousTestCase):
    """
    Tests for guesses that wait.
    """

    def test_pauses(self) -> None:
        """
        Five failures are free.  After that a login is let through once in a while, after
        pauses that grow up to a minute.
        """
        scene = Scene()
        scene.wrong(6)
        for number, pause in enumerate((1, 2, 4, 8, 16, 32, 60, 60)):
            self.assertEqual(scene.wait(password=b"x"), pause)
            scene.clock.advance(pause - 0.5)
            self.assertEqual(scene.wait(password=b"x"), 0.5)
            scene.clock.advance(0.5)
            self.assertIs(scene.outcome(password=b"next%d" % number), UnauthorizedLogin)
        self.assertEqual(scene.checker.verified[b"alice"], 6 + 8)

    def test_retryAfter(self) -> None:
        """
        The failure says how long to wait, and people are told whole seconds.
        """
        scene = Scene()
        scene.wrong(6)
        scene.clock.advance(0.25)
        error = self.failureResultOf(scene.login(), Throttled).value
        self.assertEqual((error.retryAfter, error.seconds), (0.75, 1))
        self.assertIsInstance(error, TemporaryFailure)

    def test_forgotten(self) -> None:
        """
        After ten minutes for each of them failures are forgotten.
        """
        scene = Scene()
        scene.wrong(5)
        scene.clock.advance(3000)
        scene.wrong(5)
        self.assertIs(scene.outcome(password=b"another"), UnauthorizedLogin)
        self.assertIs(scene.outcome(password=b"one more"), Throttled)

    def test_otherAccounts(self) -> None:
        """
        Who waits at one account needn't at another, nor does another client there.
        """
        scene = Scene()
        scene.wrong(6)
        self.assertIs(scene.outcome(b"bob"), UnauthorizedLogin)
        self.assertEqual(scene.outcome(host="198.51.100.1"), b"alice")

    def test_right(self) -> None:
        """
        The right password costs nothing, however often, and after it all is free again
        there.
        """
        scene = Scene()
        scene.wrong(5)
        for _ in range(100):
            self.assertEqual(scene.outcome(), b"alice")
        scene.wrong(6)
        self.assertIs(scene.outcome(), Throttled)

    def test_known(self) -> None:
        """
        Who has logged in from somewhere gets in from there at once, whatever others do.
        """
        scene = Scene()
        scene.outcome()
        for number in range(400):
            scene.wrong(1, host=f"198.51.{number}.1" if number < 256 else "192.0.2.9")
        self.assertIs(scene.outcome(host="192.0.2.9"), Throttled)
        for number in range(100):
            scene.outcome(b"user%d" % number)
        self.assertIs(scene.outcome(b"bob"), Throttled)
        self.assertEqual(scene.outcome(), b"alice")
        scene.wrong(6)
        self.assertEqual(scene.wait(), 1)

    def test_knownTogether(self) -> None:
        """
        That gives nobody guesses for nothing who is at the same place: of many at a time
        no more are let through there.
        """
        scene = Scene(later=True)
        first = scene.login()
        scene.checker.answer()
        self.assertEqual(scene.ended(first), b"alice")
        guesses = [scene.login(password=b"guess%d" % n) for n in range(50)]
        scene.checker.answer()
        ends = [scene.ended(guess) for guess in guesses]
        self.assertEqual(ends.count(UnauthorizedLogin), 6)
        self.assertEqual(ends.count(Throttled), 44)

    def test_knownForgotten(self) -> None:
        """
        A place is known for a month after the last login.
        """
        scene = Scene()
        scene.outcome()
        for days, wait in ((29, 0), (31, 1)):
            scene.clock.advance(days * 86_400)
            for number in range(30):
                scene.outcome(b"user%d" % number)
            self.assertEqual(scene.wait(), wait)

    def test_noAddress(self) -> None:
        """
        Where no client has an address the account alone counts, and the log says so once.
        """
        scene = Scene()
        scene.wrong(30, host=None)
        self.assertEqual(scene.checker.verified[b"alice"], 21)
        self.assertIs(scene.outcome(b"bob", host=None), UnauthorizedLogin)

    def test_unixSocket(self) -> None:
        """
        Clients over a UNIX socket don't wait for what others of them do elsewhere.
        """
        scene = Scene()
        scene.outcome()
        for number in range(100):
            credentials = UsernamePassword(b"user%d" % number, b"x")
            credentials.peer = UNIXAddress(None)  # type: ignore[attr-defined]
            login = scene.stack.requestAvatarId(credentials)
            self.failureResultOf(login, UnauthorizedLogin)

    def test_exempt(self) -> None:
        """
        Clients in exempt networks never wait, and cost nothing.
        """
        scene = Scene(exempt=["10.0.0.0/8", "2001:db8::/32"])
        for host in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8:1::1"):
            scene.wrong(50, host=host)
            self.assertEqual(scene.outcome(host=host), b"alice")
        scene.wrong(6, host="11.1.2.3")
        self.assertIs(scene.outcome(host="11.1.2.3"), Throttled)

    def test_numbers(self) -> None:
        """
        How many are free, and the longest pause, can be chosen for each of the buckets.
        """
        Where = Callable[[int], tuple[bytes, Any]]
        cases: dict[str, Where] = {
            "pair": lambda n: (b"alice", "192.0.2.1"),
            "source": lambda n: (b"user%d" % n, "192.0.2.1"),
            "network": lambda n: (b"user%d" % n, f"192.0.2.{n}"),
            "account": lambda n: (b"alice", None),
        }
        for option, where in cases.items():
            scene = Scene(longest=2, **{option: 3})
            for number in range(60):
                name, host = where(number)
                scene.outcome(name, b"x%d" % number, host)
            self.assertEqual(scene.checker.verified.total(), 4, option)
            longest = 1 if option == "account" else 2
            for number in range(60, 64):
                name, host = where(number)
                scene.clock.advance(longest)
                self.assertEqual(scene.wait(name, b"y%d" % number, host), 0)
            self.assertEqual(scene.wait(name, b"z", host), longest)

    def test_wrongNumbers(self) -> None:
        """
        A number that can't be used, and what is no network, is refused, with what would
        be right.
        """
        for option, value, right in (
            ("pair", 0, "pair: write a number from 1 to 1000000"),
            ("source", -1, "source: "),
            ("network", 1e7, "network: "),
            ("account", 0.5, "account: "),
            ("longest", 0, "longest: write a number from 1 to 3600"),
            ("forget", 0, "forget: write a number from 1 to 86400"),
            ("forget", float("nan"), "forget: "),
            ("remember", 0, "remember: "),
            ("exempt", ["192.0.2.1/24"], "write 192.0.2.0/24"),
            ("exempt", "192.0.2.0/24", 'a list of networks: ["192.0.2.0/24"]'),
        ):
            with self.assertRaises(ValueError) as raised:
                Throttle(ProcessState(), **{option: value})  # type: ignore[arg-type]
            self.assertIn(right, str(raised.exception))

    def test_close(self) -> None:
        """
        The state is closed with the stack.
        """
        closed: list[bool] = []
        scene = Scene()
        self.patch(scene.state, "close", lambda: closed.append(True))
        self.successResultOf(scene.stack.close())
        self.assertEqual(closed, [True])


class CostTests(SynchronousTestCase):
    """
    Tests for what a login costs, by how it ends.
    """

    def costs(self, answer: Callable[[], Any]) -> bool:
        """
        Return whether logins that a checker answers like this cost something.
        """
        checker = Checker(answer)
        checker.credentialInterfaces = CountingChecker.credentialInterfaces
        scene = Scene(checker=checker)
        for number in range(20):
            scene.wait(password=b"guess%d" % number)
        self.assertIn(checker.asked, (6, 20))
        return checker.asked == 6

    def test_nothingLearned(self) -> None:
        """
        A login costs nothing if nobody could tell, or the password was right.
        """
        denied = AccountDenied(DenialReason.LOCKED)
        for error in (TemporaryFailure("down"), UnhandledCredentials(), denied):
            self.assertFalse(self.costs(raising(error)), error)
            self.assertFalse(self.costs(lambda e=error: fail(e)), error)
        self.assertFalse(self.costs(raising(RuntimeError("a defect"))))
        self.flushLoggedErrors(RuntimeError)

    def test_wrong(self) -> None:
        """
        It costs something if the password was wrong, by whatever error.
        """
        self.assertTrue(self.costs(raising(UnauthorizedLogin())))
        self.assertTrue(self.costs(lambda: fail(UnauthorizedLogin())))

    def test_refusedByOne(self) -> None:
        """
        It does so, too, if one checker refuses it and another one can't tell: a directory
        that is down doesn't make guesses at a file free.
        """
        scene = Scene()
        down = Checker(raising(TemporaryFailure("down")))
        scene.stack = CheckerStack([scene.checker, down], throttle=scene.throttle)
        scene.wrong(20)
        self.assertEqual(scene.checker.verified[b"alice"], 6)

    def test_refusedByOneTogether(self) -> None:
        """
        Logins by the same password, of which the cache has one verified, cost each source
        the same then.
        """
        scene, asked = Scene(), list[Deferred[Any]]()

        def later() -> Deferred[Any]:
            asked.append(Deferred())
            return asked[-1]

        down = raising(TemporaryFailure("down"))
        scene.stack = CheckerStack(
            [Stateful(answer=later), Stateful(answer=down)],
            throttle=scene.throttle,
            cache=LoginCache(300),
        )
        for number in range(6):
            guess = b"guess%d" % number
            for host in ("192.0.2.1", "198.51.100.1"):
                scene.login(password=guess, host=host).addErrback(lambda _: None)
            asked[-1].errback(UnauthorizedLogin())
        self.assertEqual(len(asked), 6)
        for host in ("192.0.2.1", "198.51.100.1"):
            self.assertGreater(scene.wait(password=b"another", host=host), 0, host)

    def test_refusedByOneDecoding(self) -> None:
        """
        So do those by a password that is text, which was refused in one decoding, when
        nobody could tell for the other one.
        """

        class TextChecker(CountingChecker):
            countsRefusals = False

            @triesDecodings
            def requestAvatarId(self, credentials: Any) -> Any:
                self.verified[credentials.username] += 1
                isFirst = credentials.username == "j\xfcrgen"
                return fail(UnauthorizedLogin() if isFirst else TemporaryFailure("down"))

        scene = Scene(checker=TextChecker())
        for number in range(20):
            scene.outcome("j\xc3\xbcrgen", f"guess{number}")
        self.assertEqual(scene.checker.verified["j\xfcrgen"], 6)

    def test_cancelled(self) -> None:
        """
        It does so if the client doesn't wait for the answer.  The same password isn't
        another guess then; and if it is right nothing is left of it.
        """
        scene = Scene(later=True)
        for number in range(20):
            login = scene.login(password=b"guess%d" % number)
            login.cancel()
            login.addErrback(lambda _: None)
        self.assertEqual(scene.checker.verified[b"alice"], 6)
        scene = Scene(later=True)
        for _ in range(20):
            scene.login().addErrback(lambda _: None).cancel()
        login = scene.login()
        scene.checker.answer()
        self.assertEqual(scene.ended(login), b"alice")
        for name in (b"bob", b"carol"):
            guesses = [scene.login(name, b"x%d" % n) for n in range(6)]
            scene.checker.answer()
            ends = {scene.ended(guess) for guess in guesses}
            self.assertEqual(ends, {UnauthorizedLogin})

    def test_underWay(self) -> None:
        """
        Logins that are under way count as failed; those that turn out right have cost
        nothing.
        """
        scene = Scene(later=True)
        logins = [scene.login(b"user%d" % n, b"x") for n in range(20)] + [scene.login()]
        self.assertIs(scene.ended(scene.login(b"bob")), Throttled)
        scene.checker.answer()
        ends = [scene.ended(login) for login in logins]
        self.assertEqual(ends, [UnauthorizedLogin] * 20 + [b"alice"])
        self.assertIs(scene.ended(scene.login(b"bob")), None)

    def test_sameWrong(self) -> None:
        """
        The same wrong password costs once, as when a mail client opens several
        connections, and goes on trying.
        """
        scene = Scene(later=True)
        for _ in range(50):
            logins = [scene.login(password=b"old one") for _ in range(5)]
            scene.checker.answer()
            self.assertEqual({scene.ended(one) for one in logins}, {UnauthorizedLogin})
            scene.clock.advance(60)
        guesses = [scene.login(password=b"guess%d" % n) for n in range(5)]
        self.assertEqual([scene.ended(guess) for guess in guesses], [None] * 5)

    def test_sameText(self) -> None:
        """
        As text it is the same password.
        """
        scene = Scene()
        for password in (b"old", "old") * 10:
            self.assertIs(scene.outcome(password=password), UnauthorizedLogin)

    def test_proofs(self) -> None:
        """
        A proof of a password is a guess, each time.
        """
        checker = Checker(raising(UnauthorizedLogin()))
        checker.credentialInterfaces = (*CramMD5Credentials().__provides__,)
        scene = Scene(checker=checker)
        for _ in range(20):
            credentials = CramMD5Credentials()
            credentials.setResponse(b"alice 0123456789abcdef0123456789abcdef")
            credentials.peer = addressOf("192.0.2.1")  # type: ignore[attr-defined]
            scene.stack.requestAvatarId(credentials).addErrback(lambda _: None)
        self.assertEqual(checker.asked, 6)

    def test_keys(self) -> None:
        """
        Nobody guesses keys, certificates and tokens: they never wait, and cost nothing.
        """
        for credentials in (
            SSHPrivateKey(b"alice", b"", b"", b"", b""),
            CertificateCredentials(None),
            BearerToken(b"token"),
        ):
            checker = Checker(raising(UnauthorizedLogin()))
            checker.credentialInterfaces = tuple(credentials.__provides__)
            both = [checker, CountingChecker()]
            scene = Scene()
            scene.stack = CheckerStack(both, throttle=scene.throttle)
            credentials.peer = addressOf("192.0.2.1")  # type: ignore[union-attr]
            for _ in range(100):
                login = scene.stack.requestAvatarId(credentials)
                self.failureResultOf(login, UnauthorizedLogin)
            self.assertEqual(scene.outcome(), b"alice")


class ScramTests(SynchronousTestCase):
    """
    Tests for SCRAM, where the client is asked something.
    """

    def server(self) -> Server:
        """
        Return a server with a throttle before keys.
        """
        scene = Scene(checker=KeysChecker(alice=keysOf()))
        return Server(Portal(Realm(), [scene.stack]))

    def test_waits(self) -> None:
        """
        A client that has to wait is told so before it gets a salt, whether there is such
        a user or not: a made-up one would tell.
        """
        seen = []
        for name in (b"alice", b"nobody"):
            server = self.server()
            for number in range(22):
                client = ScramClient(name=name, password=b"guess%d" % number)
                server.sent.clear()
                login = server.login("SCRAM-SHA-256", client.answer)
                failure = self.failureResultOf(login, UnauthorizedLogin, Throttled)
                seen.append((number, failure.type, len(server.sent)))
        self.assertEqual(seen[:22], seen[22:])
        self.assertEqual(seen[20], (20, UnauthorizedLogin, 2))
        self.assertEqual(seen[21], (21, Throttled, 1))

    def test_left(self) -> None:
        """
        A client that leaves before it proves anything has made a guess, whether there is
        such a user or not.
        """
        for name in (b"alice", b"nobody"):
            server = self.server()
            ends = []
            for _ in range(30):
                client = ScramClient(name=name)
                answers = iter([client.first, Deferred()])
                login = server.login("SCRAM-SHA-256", answers)
                login.cancel()
                ends.append(self.failureResultOf(login).type)
            self.assertEqual(ends.count(Throttled), 9)


@implementer(ISharedState)
class LaterState:
    """
    A home of shared state that answers when a test says so, or fails.

    @ivar waiting: what waits for its answers, in their order.
    """

    def __init__(self, clock: Clock) -> None:
        self._state = ProcessState(clock)
        self.isLate = False
        self.error: Exception | None = None
        self.waiting: list[tuple[Deferred[Any], Any]] = []

    def _answer(self, answer: Any) -> Any:
        """
        Return an answer, or what fires with it later.
        """
        if not self.isLate:
            return answer
        later: Deferred[Any] = Deferred()
        self.waiting.append((later, answer))
        return later

    def _call(self, name: str, *args: Any) -> Any:
        """
        Do something, or fail.
        """
        if self.error is None:
            return self._answer(getattr(self._state, name)(*args))
        if self.isLate:
            return self._answer(Failure(self.error))
        raise self.error

    def go(self) -> None:
        """
        Give all answers.
        """
        waiting, self.waiting = self.waiting, []
        for later, answer in waiting:
            if not later.called:
                later.callback(answer)

    def reserve(self, guess: Any) -> Any:
        return self._call("reserve", guess)

    def settle(self, guess: Any, reservation: Any, outcome: Any) -> Any:
        return self._call("settle", guess, reservation, outcome)

    def recall(self, key: bytes) -> Any:
        return self._call("recall", key)

    def compareAndSet(self, *args: Any) -> Any:
        return self._call("compareAndSet", *args)

    def close(self) -> None:
        pass


class HomeTests(SynchronousTestCase):
    """
    Tests for a state elsewhere: it may answer later, or not at all.
    """

    def setUp(self) -> None:
        self.scene = Scene(state=LaterState)
        self.state: Any = self.scene.state

    def test_interface(self) -> None:
        """
        The state of these tests is one.
        """
        verifyObject(ISharedState, self.state)

    def test_later(self) -> None:
        """
        A login goes on when the state has answered, and not before.
        """
        self.successResultOf(self.scene.login())
        self.state.isLate = True
        verified = self.scene.checker.verified
        for number in range(7):
            login = self.scene.login(password=b"guess%d" % number)
            self.assertNoResult(login)
            self.assertEqual(verified[b"alice"], 1 + number)
            self.state.go()
            kind = UnauthorizedLogin if number < 6 else Throttled
            self.failureResultOf(login, kind)
        self.scene.clock.advance(1)
        login = self.scene.login()
        self.state.go()
        # It doesn't wait until that is taken back.
        self.assertEqual(self.successResultOf(login), b"alice")
        self.state.go()

    def test_cancelled(self) -> None:
        """
        A login that is cancelled while the state is asked isn't verified.
        """
        self.successResultOf(self.scene.login())
        self.state.isLate = True
        login = self.scene.login()
        login.cancel()
        self.failureResultOf(login, CancelledError)
        self.state.go()
        self.assertEqual(self.scene.checker.verified[b"alice"], 1)

    def test_fails(self) -> None:
        """
        Logins go on though the state fails, whatever it fails with, and the log says so
        once.
        """
        self.successResultOf(self.scene.login())
        for self.state.isLate in (False, True):
            self.state.error = StateUnavailable("down")
            for number in range(30):
                login = self.scene.login(password=b"guess%d" % number)
                self.state.go()
                self.failureResultOf(login, UnauthorizedLogin)
                login = self.scene.login()
                self.state.go()
                self.successResultOf(login)
        self.assertEqual(len(self.flushLoggedErrors(StateUnavailable)), 1)

    def test_failsToSettle(self) -> None:
        """
        So do those that have turned out right though that can't be noted.
        """
        self.state.isLate = True
        login = self.scene.login()
        self.state.go()
        self.state.go()
        self.state.error = StateUnavailable("down")
        self.state.go()
        self.successResultOf(login)
        self.state.go()
        self.flushLoggedErrors(StateUnavailable)

    def test_secret(self) -> None:
        """
        The first logins wait until it is known by which secret others count; each goes on
        by itself, and one that is cancelled meanwhile doesn't.
        """
        scene = Scene(later=True, state=LaterState)
        state: Any = scene.state
        state.isLate = True
        logins = [scene.login(password=b"guess%d" % n) for n in range(3)]
        logins[1].cancel()
        self.failureResultOf(logins[1], CancelledError)
        self.assertEqual(len(state.waiting), 1)
        for _ in range(3):
            state.go()
        self.assertEqual(scene.checker.verified[b"alice"], 2)
        scene.checker.answer()
        for login in (logins[0], logins[2]):
            self.failureResultOf(login, UnauthorizedLogin)

    def test_oneSecret(self) -> None:
        """
        Two processes that share a state count together, and one alone can't be told from
        the state which account is which.
        """
        other = CheckerStack([self.scene.checker], throttle=Throttle(self.state))
        self.scene.wrong(3)
        for number in range(3):
            login = other.requestAvatarId(typed(password=b"other%d" % number))
            self.failureResultOf(login, UnauthorizedLogin)
        self.assertIs(self.scene.outcome(), Throttled)

    def test_emptied(self) -> None:
        """
        If somebody empties the store a new secret is agreed on.
        """
        now = 1000.0
        self.patch(_sharedsecret, "monotonic", lambda: now)
        scene = Scene(state=LaterState)
        state: Any = scene.state
        scene.wrong(1)
        before = state._state.recall(b"throttle")
        state._state = ProcessState(scene.clock)
        state._state.compareAndSet(b"throttle", None, bytes(31) + b"x", 0)
        now += 61
        # The first one asks.
        scene.wrong(3)
        other = CheckerStack([scene.checker], throttle=Throttle(scene.state))
        for number in range(4):
            other.requestAvatarId(typed(password=b"o%d" % number)).addErrback(id)
        self.assertNotEqual(state._state.recall(b"throttle"), before)
        self.assertIs(scene.outcome(), Throttled)


class OptionsTests(SynchronousTestCase):
    """
    Tests for the options of a stack's file.
    """

    def test_defaults(self) -> None:
        """
        What isn't given is as in Python.
        """
        given, mistakes = throttleOptions.parseEach({})
        self.assertEqual(mistakes, {})
        state = ProcessState()
        made, own = makeThrottle(given, state), Throttle(state)
        self.assertEqual(made._limits, own._limits)
        self.assertEqual(made._exempt, own._exempt)

    def test_given(self) -> None:
        """
        What is given counts.
        """
        given, mistakes = throttleOptions.parseEach(
            {
                "exempt": "10.0.0.0/8, 2001:db8::/32,192.0.2.7",
                "pair": "1",
                "source": "2",
                "network": "3",
                "account": "4",
                "longest": "6",
                "forget": "7",
                "remember": "8",
            }
        )
        self.assertEqual(mistakes, {})
        self.assertEqual(
            makeThrottle(given, ProcessState())._limits,
            (
                Limit(1, 6, 7),
                Limit(2, 6, 7),
                Limit(3, 6, 7),
                Limit(4, 3, 7),
                Limit(40, 3, 7),
                8 * 86_400,
            ),
        )
        networks = ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"]
        self.assertEqual([*map(str, given["exempt"])], networks)

    def test_wrong(self) -> None:
        """
        A value that can't be used is told with what would be right.
        """
        for key, text, right in (
            ("pair", "0", "pair: write a number from 1 to 1000000"),
            ("source", "1000001", "source: write a number from 1 to 1000000"),
            ("network", "fifty", "network: write a number from 1 to 1000000"),
            ("account", "", "account: write a number from 1 to 1000000"),
            ("longest", "0", "longest: write a number of seconds from 1 to 3600"),
            ("forget", "600s", "forget: write a number of seconds from 1 to 86400"),
            ("remember", "367", "remember: write a number of days from 1 to 366"),
            (
                "exempt",
                "10.0.0.1/8",
                "exempt: 10.0.0.1/8 is an address in a network, write 10.0.0.0/8",
            ),
            (
                "exempt",
                "10.0.0.0/8,",
                "exempt: a network is missing, write such as 192.0.2.0/24, "
                "2001:db8::/32 or 192.0.2.1",
            ),
            (
                "exempt",
                "example.org",
                "exempt: example.org is no network, write such as 192.0.2.0/24, "
                "2001:db8::/32 or 192.0.2.1",
            ),
            ("free", "5", "there is no free="),
        ):
            _, mistakes = throttleOptions.parseEach({key: text})
            self.assertEqual([*mistakes], [key])
            self.assertIn(right, mistakes[key])

    @given(st.sampled_from([option.key for option in throttleOptions]), st.text())
    def test_anything(self, key: str, text: str) -> None:
        """
        Whatever is given, it is taken, or what is wrong with it is told.
        """
        given, mistakes = throttleOptions.parseEach({key: text})
        if not mistakes:
            makeThrottle(given, ProcessState())


class AnythingTests(SynchronousTestCase):
    """
    Tests for whatever a client sends, from wherever it is, in whatever order its logins
    end.
    """

    steps = st.lists(
        st.tuples(
            st.one_of(st.sampled_from([b"alice", "ALICE", b"bob"]), st.binary()),
            st.one_of(st.sampled_from([b"sesame", b"a", "b"]), st.binary()),
            st.one_of(
                st.sampled_from([None, "192.0.2.1", "192.0.2.2", "fe80::1%eth0"]),
                st.ip_addresses().map(str),
                st.text(),
            ),
            st.sampled_from(["right", "wrong", "down", "cancel", "later"]),
            st.one_of(st.just(0.0), st.floats(-1e6, 1e6)),
        ),
        max_size=60,
    )

    @settings(max_examples=50, deadline=None)
    @given(steps)
    def test_anything(self, steps: list[Any]) -> None:
        """
        A login ends as the checker says, or waits no longer than the longest pause; when
        all have ended nobody is still taken for being under way.
        """
        checker = LaterChecker()
        scene = Scene(checker=checker)
        logins = []
        for name, password, host, end, seconds in steps:
            credentials = UsernamePassword(name, password)
            credentials.peer = host  # type: ignore[attr-defined]
            checker.asked = None
            login = scene.stack.requestAvatarId(credentials)
            logins.append(login)
            if checker.asked is None:
                error = self.failureResultOf(login, Throttled).value
                self.assertLessEqual(error.retryAfter, 60)
                self.assertGreater(error.retryAfter, 0)
            elif end == "cancel":
                login.addErrback(lambda f: f.trap(CancelledError)).cancel()
            elif end != "later":
                checker.answer(checker.asked, end)
                login.addErrback(lambda f: f.trap(UnauthorizedLogin, TemporaryFailure))
            scene.clock.rightNow = max(1.0, scene.clock.rightNow + seconds)
        for waiting in list(checker.waiting):
            checker.answer(waiting, "wrong")
        for login in logins:
            login.addErrback(lambda _: None)
            self.successResultOf(login)
        self.assertEqual(scene.state._entered, {})  # type: ignore[attr-defined]


class BoundTests(SynchronousTestCase):
    """
    Tests for guesses in whatever order, and with whatever else between them.
    """

    def test_bound(self) -> None:
        """
        No more different passwords are found to be wrong, or might have been, than of as
        many one after the other; and where the owner logs in from the same address, they
        begin anew once in ten minutes.
        """
        for seed in range(100):
            self.attack(random.Random(seed), isShared=seed % 2 > 0)

    def attack(self, chance: random.Random, isShared: bool) -> None:
        """
        Guess for up to ten minutes.

        @param isShared: whether the owner logs in from the same address.
        """
        scene = Scene(checker=LaterChecker())
        began, isNew = scene.clock.seconds(), True
        tried: set[bytes] = set()
        before: set[bytes] = set()
        for _ in range(200):
            pause = chance.choice((0, 0, 0, 0.3, 1, 2, 8))
            if scene.clock.seconds() + pause - began >= 600:
                break
            if isShared and chance.random() < 0.2:
                if self.login(scene, b"sesame", "right") and isNew:
                    self.assertBound(tried, scene.clock.seconds() - began)
                    began, isNew = scene.clock.seconds(), False
                    before, tried = tried, set()
                continue
            password = b"%d" % chance.randrange(60)
            end = chance.choice(("wrong", "wrong", "wrong", "down", "cancel", "later"))
            if self.login(scene, password, end) and end != "down":
                # Those that were tried already cost nothing, and tell nothing new.
                tried |= {password} - before
            scene.clock.advance(pause)
        self.assertBound(tried, scene.clock.seconds() - began)

    def login(self, scene: Scene, password: bytes, end: str) -> bool:
        """
        Log in.

        @param end: how that ends, unless it has to wait.

        @return: whether it was let through.
        """
        checker = scene.checker
        checker.asked = None
        login = scene.login(password=password)
        login.addErrback(lambda _: None)
        if checker.asked is None:
            return False
        if end == "cancel":
            login.cancel()
        elif end != "later":
            checker.answer(checker.asked, end)
        return True

    def assertBound(self, tried: set[bytes], seconds: float) -> None:
        """
        Insist that no more passwords were tried within a time than a pair has.
        """
        self.assertLessEqual(len(tried), allowed(LIMITS["pair"], seconds, 0.001))


class LaterChecker(CountingChecker):
    """
    A checker that says what a test wants it to, when it wants it to.

    @ivar asked: the answer that was asked for last.
    @ivar waiting: those that weren't given.
    """

    def __init__(self) -> None:
        self.asked: Any = None
        self.waiting: list[Any] = []

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Wait.
        """
        self.asked = Deferred(lambda d: self.waiting.remove(d))
        self.waiting.append(self.asked)
        return self.asked

    def answer(self, asked: Any, how: str) -> None:  # type: ignore[override]
        """
        Answer.
        """
        self.waiting.remove(asked)
        if how == "right":
            asked.callback(b"alice")
        else:
            kind = UnauthorizedLogin if how == "wrong" else TemporaryFailure
            asked.errback(kind("no"))
