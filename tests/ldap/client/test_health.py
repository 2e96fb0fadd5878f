"""
Tests for L{mycred._ldap.client._health} and L{mycred._ldap.client._backoff}.
"""

from __future__ import annotations

import time

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap.client._backoff import LONGEST_PAUSE, Doubt, pauseAfter
from mycred._ldap.client._connection import Role
from mycred._ldap.client._health import Health


class TimeTestCase(SynchronousTestCase):
    """
    Base of tests with a clock that stands.
    """

    def setUp(self) -> None:
        self.now = 1000.0
        self.patch(time, "monotonic", lambda: self.now)


class DoubtTests(TimeTestCase):
    """
    Tests for L{Doubt}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.doubt = Doubt(3.0)

    def pauses(self, count: int) -> list[float]:
        """
        Let a server fail whoever finds out, and tell how long each doubt stands.
        """
        pauses = []
        for _ in range(count):
            self.doubt.grow(self.now)
            began = self.now
            while self.doubt.stands():
                self.now += 0.25
            pauses.append(self.now - began)
        return pauses

    def test_none(self) -> None:
        """
        At first there is none, nor while a server answers.
        """
        self.assertFalse(self.doubt.stands())
        self.doubt.end()
        self.assertFalse(self.doubt.stands())

    def test_pauses(self) -> None:
        """
        It stands for longer and longer while whoever finds out is failed, too.
        """
        self.assertEqual(self.pauses(7), [0.5, 1, 2, 4, 8, 8, 8])

    def test_one(self) -> None:
        """
        One finds out; if he is never heard of, another.
        """
        self.doubt.grow(self.now)
        self.now += 0.5
        self.assertFalse(self.doubt.stands())
        for _ in range(5):
            self.assertTrue(self.doubt.stands())
        self.now += 3.0 + 0.5
        self.assertFalse(self.doubt.stands())
        self.assertTrue(self.doubt.stands())

    def test_answered(self) -> None:
        """
        If he is answered there is none any more.
        """
        self.doubt.grow(self.now)
        self.doubt.end()
        for _ in range(5):
            self.assertFalse(self.doubt.stands())

    def test_atOnce(self) -> None:
        """
        Of many who wait at the same time one counts.
        """
        for _ in range(6):
            self.doubt.grow(self.now - 3)
        self.assertEqual(self.pauses(1), [1])

    def test_mixed(self) -> None:
        """
        Where some are answered, and others not, it comes back for longer; after some
        time in which nobody was failed it begins anew.
        """
        for pause in (0.5, 1, 2):
            self.assertEqual(self.pauses(1), [pause])
            self.doubt.end()
        self.now += LONGEST_PAUSE
        self.doubt.end()
        self.assertEqual(self.pauses(1), [4])
        self.now += 3 * LONGEST_PAUSE
        self.doubt.end()
        self.assertEqual(self.pauses(1), [0.5])


class HealthTests(TimeTestCase):
    """
    Tests for L{Health}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.told: list[str] = []
        self.health = Health("a:389", 3.0, self.told.append)

    def test_late(self) -> None:
        """
        What was asked before a server came back tells nothing about it now.
        """
        began = self.now
        self.health.fail(began, "gone")
        self.now += 1
        self.health.work(Role.USER)
        self.health.fail(began, "gone, still")
        self.assertFalse(self.health.isDown)
        self.assertEqual(
            self.told, ["A server of the directory fails: gone", "a:389 works again"]
        )

    def test_atOnce(self) -> None:
        """
        Of many who find out at the same time that a server fails one counts.
        """
        for _ in range(5):
            self.health.fail(self.now, "gone")
        self.assertFalse(self.health.claim())
        self.now += pauseAfter(0)
        self.assertTrue(self.health.claim())
        self.assertFalse(self.health.claim())
        self.health.release()
        self.assertTrue(self.health.claim())

    def failed(self) -> float:
        """
        Let the server fail, and tell for how long it is left alone.
        """
        self.health.fail(self.now, "gone")
        began = self.now
        while not self.health.claim():
            self.now += 0.25
        self.health.release()
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
            self.health.work(Role.USER)
            self.assertFalse(self.health.isDown)
        self.now += LONGEST_PAUSE
        self.health.work(Role.USER)
        self.assertEqual(self.failed(), 4)
        self.health.work(Role.USER)
        self.now += LONGEST_PAUSE + 1
        self.health.work(Role.USER)
        self.assertEqual(self.failed(), 0.5)

    def test_servesOthers(self) -> None:
        """
        A server serves others while it has some, and has answered somebody lately.
        """
        self.health.work(Role.USER)
        self.assertFalse(self.health.servesOthers())
        with self.health.use():
            self.assertTrue(self.health.servesOthers())
            self.assertFalse(self.health.servesOthers(1))
            self.now += 1
            self.assertFalse(self.health.servesOthers())
        self.assertFalse(self.health.servesOthers())

    def test_suspect(self) -> None:
        """
        One finds out whether a server is down, and others come first meanwhile.
        """
        self.assertTrue(self.health.suspect())
        self.assertFalse(self.health.suspect())
        self.assertTrue(self.health.isLast(Role.USER))
        self.health.clear()
        self.assertFalse(self.health.isLast(Role.USER))
        self.health.fail(self.now, "gone")
        self.assertFalse(self.health.suspect())

    def test_roles(self) -> None:
        """
        A server that fails those who bind may be good for searches; one that has been
        down is in no doubt when it is back.
        """
        self.health.doubt(Role.USER, self.now)
        self.health.answer(Role.SEARCH)
        self.assertTrue(self.health.isLast(Role.USER))
        self.assertFalse(self.health.isLast(Role.SEARCH))
        self.health.fail(self.now, "gone")
        self.health.work(Role.SEARCH)
        self.assertFalse(self.health.isLast(Role.USER))
