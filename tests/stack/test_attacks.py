"""
Attacks on L{mycred._stack._throttle}, and what its users notice of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._peers import sourceOf
from mycred._state import ProcessState
from mycred.error import Throttled, UnauthorizedLogin
from mycred.testing import SteppedWorkers
from tests.kit.throttled import LIMITS, CountingChecker, Scene, allowed

#: Where the owner of the account is known, and where not.
HOME, HOTEL = "203.0.113.80", "198.18.7.7"

#: How many guesses there are, and how many at a time; and how much time passes after
#: each such lot, in seconds.
GUESSES, TOGETHER, STEP = 10_000, 500, 5.0

SECONDS = (GUESSES // TOGETHER - 1) * STEP


class AttackTests(SynchronousTestCase):
    """
    Tests for many guesses at one account.
    """

    def attack(self, sources: Sequence[str]) -> int:
        """
        Guess, while the owner logs in from home.

        @return: how many guesses were verified.
        """
        scene = self.scene = Scene(later=True)
        home = scene.login(host=HOME)
        scene.checker.answer()
        self.assertEqual(scene.ended(home), b"alice")
        scene.checker.verified.clear()
        self.owner = 0
        for lot in range(GUESSES // TOGETHER):
            if lot:
                scene.clock.advance(STEP)
            for number in range(lot * TOGETHER, (lot + 1) * TOGETHER):
                host = sources[number % len(sources)]
                guess = scene.login(password=b"guess%d" % number, host=host)
                guess.addErrback(lambda f: f.trap(UnauthorizedLogin, Throttled))
            for _ in range(5):
                home = scene.login(host=HOME)
                scene.checker.answer()
                self.owner += scene.ended(home) == b"alice"
        verified = scene.checker.verified.total()
        assert isinstance(verified, int)
        return verified - 100

    def assertOwnerGetsIn(self, longest: float) -> None:
        """
        Insist that the owner got in from home whenever they wanted, and gets in from
        elsewhere while the guessing goes on.

        @param longest: the longest wait elsewhere, in seconds.
        """
        self.assertEqual(self.owner, 100)
        logins = [self.scene.login(host=HOTEL)]
        if self.scene.ended(logins[0]) is Throttled:
            self.scene.clock.advance(longest)
            logins.append(self.scene.login(host=HOTEL))
        self.scene.checker.answer()
        self.assertEqual(self.scene.ended(logins[-1]), b"alice")
        self.assertEqual(len(logins), 2 if longest else 1)

    def test_oneAddress(self) -> None:
        """
        One address gets what its pair with the account has.
        """
        verified = self.attack(["192.0.2.1"])
        self.assertEqual(verified, allowed(LIMITS["pair"], SECONDS, STEP))
        self.assertOwnerGetsIn(0)

    def test_onePrefix(self) -> None:
        """
        So does a /64 of IPv6 with as many addresses as it likes.
        """
        verified = self.attack([f"2001:db8::{n:x}" for n in range(1, 5000)])
        self.assertEqual(verified, allowed(LIMITS["pair"], SECONDS, STEP))
        self.assertOwnerGetsIn(0)

    def test_oneNetwork(self) -> None:
        """
        A /24 gets what a network has.
        """
        verified = self.attack([f"192.0.2.{n}" for n in range(256)])
        self.assertEqual(verified, allowed(LIMITS["network"], SECONDS, STEP))
        self.assertOwnerGetsIn(0)

    def test_oneSite(self) -> None:
        """
        So does a /48 of IPv6.
        """
        verified = self.attack([f"2001:db8:1:{n:x}::1" for n in range(1000)])
        self.assertEqual(verified, allowed(LIMITS["network"], SECONDS, STEP))
        self.assertOwnerGetsIn(0)

    def test_manySources(self) -> None:
        """
        200 sources in as many networks get one guess each, since each could be the owner
        at a new address, and beyond that together what the account has.
        """
        verified = self.attack([f"10.0.{n}.1" for n in range(200)])
        self.assertEqual(verified, 200 + allowed(LIMITS["account"], SECONDS, STEP))
        self.assertOwnerGetsIn(0)

    def test_more(self) -> None:
        """
        However many sources there are, those that are new to the account get together
        what newcomers have.
        """
        verified = self.attack([f"10.{n // 256}.{n % 256}.1" for n in range(5000)])
        most = [allowed(LIMITS[name], SECONDS, STEP) for name in ("newcomers", "account")]
        self.assertLessEqual(verified, sum(most))
        self.assertGreaterEqual(verified, most[0])
        self.assertOwnerGetsIn(30)


class Shared:
    """
    A state that is elsewhere, as far as a throttle can see.
    """

    def __init__(self, clock: Clock) -> None:
        self._state = ProcessState(clock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)


class QueuedChecker(CountingChecker):
    """
    A checker whose logins wait for a thread.

    @ivar workers: the threads, which a test has do each job.
    """

    def __init__(self) -> None:
        super().__init__()
        self.workers = SteppedWorkers()

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """
        Verify a password when it is its turn.
        """
        turn = self.workers.run(int, source=sourceOf(credentials))
        ask = super().requestAvatarId
        return turn.addCallback(lambda _: ask(credentials))


class TurnTests(SynchronousTestCase):
    """
    Tests for logins that wait for a thread, as those whose hash is verified.
    """

    def test_knownSource(self) -> None:
        """
        A source that is known takes turns with all others together: the owner of an
        account at which 200 sources guess at a time waits for none of them but those
        whose turn it is.
        """
        checker = QueuedChecker()
        for state in (ProcessState, Shared):
            scene = Scene(state=state, checker=checker)
            for number in range(2):
                for each in range(200 * number):
                    guess = scene.login(password=b"%d" % each, host=f"10.0.{each}.1")
                    guess.addErrback(lambda f: f.trap(UnauthorizedLogin, Throttled))
                owner = scene.login(host=HOME)
                # Two are with the thread already, and one was next.
                checker.workers.step(4 if number else 1)
                self.assertEqual(scene.ended(owner), b"alice")
            checker.workers.step(checker.workers.waiting)


class ManyAccountsTests(SynchronousTestCase):
    """
    Tests for guesses at many accounts.
    """

    def test_spraying(self) -> None:
        """
        One source that guesses one password for each of many accounts gets what a source
        has.
        """
        scene = Scene()
        for number in range(1000):
            scene.outcome(b"user%d" % number, b"Summer2026")
        verified = scene.checker.verified.total()
        self.assertEqual(verified, allowed(LIMITS["source"], 0))

    def test_rotating(self) -> None:
        """
        One that changes its address for each guess gets what its network has.
        """
        for pattern in ("192.0.2.%d", "2001:db8:0:%x::1"):
            scene = Scene()
            for number in range(250):
                scene.outcome(b"user%d" % number, b"Summer2026", pattern % number)
            verified = scene.checker.verified.total()
            self.assertEqual(verified, allowed(LIMITS["network"], 0))

    def test_ownAccount(self) -> None:
        """
        Somebody who has an account gets no more guesses at others by logging in to it.
        """
        scene = Scene()
        for number in range(400):
            scene.outcome(b"user%d" % number, b"Summer2026")
            scene.outcome(b"alice", b"sesame")
        del scene.checker.verified[b"alice"]
        verified = scene.checker.verified.total()
        self.assertEqual(verified, allowed(LIMITS["source"], 0))


class OracleTests(SynchronousTestCase):
    """
    Tests for what a client can learn from the throttle.
    """

    def test_names(self) -> None:
        """
        Names that are known and names that aren't get the same answers at the same times,
        after the same operations of the state.
        """
        seen = {}
        for name in (b"alice", b"nobody"):
            scene, operations = Scene(), []
            for operation in ("reserve", "settle", "trusts", "enter", "leave"):
                self.note(scene.state, operation, operations)
            waits = []
            for number in range(60):
                waits.append(scene.wait(name, b"guess%d" % number))
                scene.clock.advance(1.5)
            seen[name] = waits, operations
        self.assertEqual(seen[b"alice"], seen[b"nobody"])
        self.assertGreater(max(seen[b"alice"][0]), 0)

    def note(self, owner: Any, name: str, operations: list[str]) -> None:
        """
        Have calls of a method noted.
        """
        method = getattr(owner, name)

        def noting(*args: Any) -> Any:
            operations.append(name)
            return method(*args)

        self.patch(owner, name, noting)

    def test_rightPassword(self) -> None:
        """
        In a pause the right password gets the same answer as a wrong one.
        """
        scene = Scene()
        scene.wrong(6)
        waits = [scene.wait(b"alice", word) for word in (b"sesame", b"wrong0", b"x")]
        self.assertEqual(set(waits), {1.0})
        self.assertEqual(scene.checker.verified[b"alice"], 6)
