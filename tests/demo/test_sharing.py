"""
Tests for L{mycred.demo._sharing}, and for what it gets from L{mycred._sharedvalues};
programs get it from L{mycred.sharedstate}.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mycred._sharedvalues import secretIn
from mycred._state import ProcessState
from mycred._state._errors import StateUnavailable
from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.demo._mailfactories import MailFactory, MailSettings
from mycred.demo._sharing import SiteSecret, sharedStateIn
from mycred.portal import Portal
from mycred.sharedstate import siteSecretIn


class Home:
    """
    A state that other processes share, and that may be down.
    """

    def __init__(self) -> None:
        self.isDown = False
        self.empty()

    def empty(self) -> None:
        """
        Lose everything.
        """
        self._values = ProcessState(Clock())

    def recall(self, key: bytes) -> Any:
        if self.isDown:
            return fail(StateUnavailable())
        return succeed(self._values.recall(key))

    def compareAndSet(self, *args: Any) -> Any:
        if self.isDown:
            return fail(StateUnavailable())
        return succeed(self._values.compareAndSet(*args))


class SecretTests(SynchronousTestCase):
    """
    Tests for L{secretIn}.
    """

    def test_one(self) -> None:
        """
        All get the secret of the first one that has asked; for something else there is
        another one.
        """
        home = Home()
        made = self.successResultOf(secretIn(home, b"a", b"1" * 32))
        self.assertEqual(made, b"1" * 32)
        self.assertEqual(self.successResultOf(secretIn(home, b"a", b"2" * 32)), made)
        for values in (home, ProcessState(Clock())):
            other = self.successResultOf(secretIn(values, b"b"))
            self.assertEqual(len(other), 32)
            self.assertEqual(self.successResultOf(secretIn(values, b"b")), other)
            self.assertNotEqual(self.successResultOf(secretIn(values, b"c")), other)

    def test_site(self) -> None:
        """
        The site's is that of the first server that has one of its own; it is another one
        than that of HTTP Digest.
        """
        home = Home()
        first = self.successResultOf(siteSecretIn(home, b"1" * 32))
        self.assertEqual(first, b"1" * 32)
        self.assertEqual(self.successResultOf(siteSecretIn(home)), first)
        self.assertNotEqual(self.successResultOf(secretIn(home, b"httpdigest")), first)
        self.assertEqual(len(self.successResultOf(siteSecretIn(Home()))), 32)

    def test_down(self) -> None:
        """
        There is none while the state can't be reached.
        """
        home = Home()
        home.isDown = True
        self.failureResultOf(secretIn(home, b"a"), StateUnavailable)

    def test_noSecret(self) -> None:
        """
        What is too short to be one isn't taken.
        """
        home = Home()
        home.compareAndSet(b"a", None, b"x" * 31, 0)
        self.failureResultOf(secretIn(home, b"a"), ValueError)

    def test_full(self) -> None:
        """
        Nor is there one in a state that takes none.
        """
        home = Home()
        self.patch(home, "compareAndSet", lambda *args: False)
        self.failureResultOf(secretIn(home, b"a"), ValueError)


class SiteSecretTests(SynchronousTestCase):
    """
    Tests for L{SiteSecret}.
    """

    def setUp(self) -> None:
        self.clock, self.home = Clock(), Home()

    def start(self, own: bytes) -> SiteSecret:
        """
        Start a server's.
        """
        secret = SiteSecret(own * 32, self.home, self.clock)
        secret.startService()
        self.addCleanup(secret.stopService)
        return secret

    def test_shared(self) -> None:
        """
        All servers have that of the first one, and their mail protocols use it.
        """
        secrets = [self.start(own) for own in (b"1", b"2", b"3")]
        for secret in secrets:
            factory = MailFactory(Portal(None), MailSettings(siteSecret=secret), 10)
            self.assertEqual(factory.siteSecret, b"1" * 32)
        self.assertIsNone(MailFactory(Portal(None), MailSettings(), 10).siteSecret)

    def test_down(self) -> None:
        """
        A server that can't reach the state has its own, until it can.
        """
        first = self.start(b"1")
        self.home.isDown = True
        second = self.start(b"2")
        self.assertEqual(second.secret, b"2" * 32)
        self.home.isDown = False
        self.clock.advance(SiteSecret.EVERY)
        self.assertEqual(second.secret, first.secret)

    def test_emptied(self) -> None:
        """
        The secret stays the same if the state loses it.
        """
        self.start(b"1")
        second = self.start(b"2")
        self.home.empty()
        self.clock.advance(SiteSecret.EVERY)
        third = self.start(b"3")
        self.assertEqual({second.secret, third.secret}, {b"1" * 32})

    def test_alone(self) -> None:
        """
        A server without a state has its own.
        """
        alone = SiteSecret(b"1" * 32, None, self.clock)
        alone.startService()
        self.clock.advance(SiteSecret.EVERY)
        self.assertEqual(alone.secret, b"1" * 32)
        alone.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_stops(self) -> None:
        """
        After the end nothing is asked.
        """
        secret = SiteSecret(b"1" * 32, self.home, self.clock)
        secret.startService()
        secret.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class StateTests(SynchronousTestCase):
    """
    Tests for L{sharedStateIn}.
    """

    def test_found(self) -> None:
        """
        It is the state of a stack; one that other processes don't share is of no use.
        """

        def stack(state: Any) -> Any:
            checker: Any = InMemoryUsernamePasswordDatabaseDontUse()
            checker.state = state
            return checker

        home = Home()
        plain = InMemoryUsernamePasswordDatabaseDontUse()
        local = stack(ProcessState(Clock()))
        checkers: Any
        for checkers, state in (
            ([], None),
            ([plain], None),
            ([stack(None), local], None),
            ([plain, local, stack(home)], home),
        ):
            self.assertIs(sharedStateIn(checkers), state)
