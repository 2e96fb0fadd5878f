"""
Tests for L{mycred._failover._health} and L{mycred._failover._demotion}.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from mycred._failover import Backoff, Brief, Terms
from mycred._failover._demotion import Demotion
from mycred._failover._health import TRANSITIONS, Event, Health

ROLES = ("search", "user")


def health(note: Callable[[str], None]) -> Health[str]:
    """
    Return the state of a server that hasn't been asked yet.
    """
    return Health("a:389", ROLES, Terms("server of the directory", 10.0, 3.0, note))


class TimeTestCase(SynchronousTestCase):
    """
    Base of tests with a clock that stands.
    """

    def setUp(self) -> None:
        self.now = 1000.0
        self.patch(time, "monotonic", lambda: self.now)


class DemotionTests(TimeTestCase):
    """
    Tests for L{Demotion}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.demotion = Demotion(3.0)

    def pauses(self, count: int) -> list[float]:
        """
        Let a server fail each login that finds out, and return how long each demotion
        lasts.
        """
        pauses = []
        for _ in range(count):
            self.demotion.recordFailure(self.now)
            began = self.now
            while not self.demotion.claimTurn():
                self.now += 0.25
            pauses.append(self.now - began)
        return pauses

    def test_none(self) -> None:
        """
        At first a server is asked in turn, and while it answers.
        """
        self.assertTrue(self.demotion.claimTurn())
        self.demotion.recordAnswer()
        self.assertTrue(self.demotion.claimTurn())

    def test_pauses(self) -> None:
        """
        A demotion lasts longer and longer while the logins that find out fail, too.
        """
        self.assertEqual(self.pauses(7), [0.5, 1, 2, 4, 8, 8, 8])

    def test_one(self) -> None:
        """
        One login finds out; if it isn't heard of, another one.
        """
        self.demotion.recordFailure(self.now)
        self.now += 0.5
        self.assertTrue(self.demotion.claimTurn())
        for _ in range(5):
            self.assertFalse(self.demotion.claimTurn())
        self.now += 3.0 + 0.5
        self.assertTrue(self.demotion.claimTurn())
        self.assertFalse(self.demotion.claimTurn())

    def test_answered(self) -> None:
        """
        If that one is answered the demotion is over.
        """
        self.demotion.recordFailure(self.now)
        self.demotion.recordAnswer()
        for _ in range(5):
            self.assertTrue(self.demotion.claimTurn())

    def test_atOnce(self) -> None:
        """
        Of many logins that fail at the same time one counts.
        """
        for _ in range(6):
            self.demotion.recordFailure(self.now - 3)
        self.assertEqual(self.pauses(1), [1])

    def test_mixed(self) -> None:
        """
        Where some logins are answered, and others not, the next demotion lasts longer;
        after some time without failures it begins anew.
        """
        for pause in (0.5, 1, 2):
            self.assertEqual(self.pauses(1), [pause])
            self.demotion.recordAnswer()
        self.now += Backoff.longestPause
        self.demotion.recordAnswer()
        self.assertEqual(self.pauses(1), [4])
        self.now += 3 * Backoff.longestPause
        self.demotion.recordAnswer()
        self.assertEqual(self.pauses(1), [0.5])


class TransitionTests(TimeTestCase):
    """
    Tests for L{TRANSITIONS}.
    """

    flags = ("isDown", "isProbed", "isRetried")

    def events(self, tried: Health[str]) -> dict[Event, Callable[[], object]]:
        """
        Return what brings each event about.
        """
        return {
            Event.CLAIM_PROBE: tried.claimProbe,
            Event.END_PROBE: tried.endProbe,
            Event.CLAIM_RETRY: tried.claimRetry,
            Event.END_RETRY: tried.endRetry,
            Event.MARK_DOWN: lambda: tried.markDown(self.now, "gone"),
            Event.MARK_UP: lambda: tried.markUp("user"),
        }

    def test_table(self) -> None:
        """
        In each state each event does what the table says, and nothing else; the claims
        say whether they have succeeded.
        """
        for event in Event:
            for state in product((False, True), repeat=len(self.flags)):
                before = dict(zip(self.flags, state))
                tried = health(lambda line: None)
                # It has failed before, and the pause is over.
                tried.markDown(self.now, "gone")
                self.now += Backoff.longestPause
                for flag, value in before.items():
                    setattr(tried, flag, value)
                needs, sets = TRANSITIONS[event]
                happens = all(before[flag] is value for flag, value in needs.items())
                expected = {**before, **sets} if happens else before
                returned = self.events(tried)[event]()
                after = {flag: getattr(tried, flag) for flag in self.flags}
                self.assertEqual(after, expected, (event, before))
                if event in (Event.CLAIM_PROBE, Event.CLAIM_RETRY):
                    self.assertIs(returned, happens, (event, before))

    def test_whole(self) -> None:
        """
        The table has each event, and names flags that there are.
        """
        self.assertEqual(set(TRANSITIONS), set(Event))
        for needs, sets in TRANSITIONS.values():
            self.assertLessEqual({*needs, *sets}, set(self.flags))

    def test_names(self) -> None:
        """
        Each event is called as the method that brings it about.
        """
        for event in Event:
            self.assertTrue(callable(getattr(Health, event.value)))


class HealthTests(TimeTestCase):
    """
    Tests for L{Health}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.told: list[str] = []
        self.health = health(self.told.append)

    def test_late(self) -> None:
        """
        A request that began before a server came back tells nothing about it now.
        """
        began = self.now
        self.health.markDown(began, "gone")
        self.now += 1
        self.health.markUp("user")
        self.health.markDown(began, "gone, still")
        self.assertFalse(self.health.isDown)
        self.assertEqual(
            self.told, ["A server of the directory fails: gone", "a:389 works again"]
        )

    def test_atOnce(self) -> None:
        """
        Of many logins that find out at the same time that a server fails one counts.
        """
        for _ in range(5):
            self.health.markDown(self.now, "gone")
        self.assertFalse(self.health.claimRetry())
        self.now += Backoff.firstPause
        self.assertTrue(self.health.claimRetry())
        self.assertFalse(self.health.claimRetry())
        self.health.endRetry()
        self.assertTrue(self.health.claimRetry())

    def test_otherReasons(self) -> None:
        """
        Of the reasons that a server has one after the other while it is down the log is
        told one now and then; the same one only once.
        """
        terms = Terms("server of the directory", 10, 3, self.told.append, Brief)
        down = Health("a:389", ROLES, terms)
        for number in range(100):
            down.markDown(self.now, f"reason {number}")
            self.now += Brief.longestPause
        self.assertEqual(self.told, ["A server of the directory fails: reason 0"])
        self.assertEqual(down.reason, "reason 99")
        for _ in range(3):
            self.now += 10
            down.markDown(self.now, "refused")
        self.assertEqual(self.told[1:], ["A server of the directory fails: refused"])

    def failed(self) -> float:
        """
        Let the server fail, and return how long it is left alone.
        """
        self.health.markDown(self.now, "gone")
        began = self.now
        while not self.health.claimRetry():
            self.now += 0.25
        self.health.endRetry()
        return self.now - began

    def test_pauses(self) -> None:
        """
        A server that goes on failing is left alone for longer and longer, and never
        too long, however often it fails.
        """
        pauses = [self.failed() for _ in range(2000)]
        self.assertEqual(pauses[:7], [0.5, 1, 2, 4, 8, 8, 8])
        self.assertEqual(pauses[-1], 8)
        self.assertEqual(self.told, ["A server of the directory fails: gone"])

    def test_flapping(self) -> None:
        """
        A server that works for a moment and fails again is left alone for longer all
        the same; one that has worked for some time begins anew.
        """
        for pause in (0.5, 1, 2):
            self.assertEqual(self.failed(), pause)
            self.health.markUp("user")
            self.assertFalse(self.health.isDown)
        self.now += Backoff.longestPause
        self.health.markUp("user")
        self.assertEqual(self.failed(), 4)
        self.health.markUp("user")
        self.now += Backoff.longestPause + 1
        self.health.markUp("user")
        self.assertEqual(self.failed(), 0.5)

    def test_servesOthers(self) -> None:
        """
        A server serves others while it is in use, and has answered lately.
        """
        self.health.markUp("user")
        self.assertFalse(self.health.servesOthers())
        self.health.beginUse()
        self.assertTrue(self.health.servesOthers())
        self.assertFalse(self.health.servesOthers(1))
        self.health.endUse()
        self.assertFalse(self.health.servesOthers())
        self.health.beginUse()
        self.now += 1
        self.assertFalse(self.health.servesOthers())

    def test_probed(self) -> None:
        """
        One thread finds out whether a server is down, and others come first meanwhile.
        """
        self.assertTrue(self.health.claimProbe())
        self.assertFalse(self.health.claimProbe())
        self.assertFalse(self.health.claimTurn("user"))
        self.health.endProbe()
        self.assertTrue(self.health.claimTurn("user"))
        self.health.markDown(self.now, "gone")
        self.assertFalse(self.health.claimProbe())

    def test_roles(self) -> None:
        """
        A server that fails binds may be good for searches; one that has been down is in
        no doubt when it is back.
        """
        self.health.recordFailure("user", self.now)
        self.health.recordAnswer("search")
        self.assertFalse(self.health.claimTurn("user"))
        self.assertTrue(self.health.claimTurn("search"))
        self.health.markDown(self.now, "gone")
        self.health.markUp("search")
        self.assertTrue(self.health.claimTurn("user"))
