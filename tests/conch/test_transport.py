"""
Tests for how long L{mycred.conch.SSHServerTransport} waits for a login.
"""

from __future__ import annotations

from ..kit.sshpair import HostileTestCase, Pair


class TimeTests(HostileTestCase):
    """
    Tests for how long a login may take.
    """

    def test_silent(self) -> None:
        """
        Who sends nothing is hung up on.
        """
        pair = Pair()
        pair.connectNobody()
        pair.clock.advance(119)
        self.assertFalse(pair.isEnded)
        pair.clock.advance(1)
        self.assertTrue(pair.isEnded)

    def test_exchanging(self) -> None:
        """
        Who does nothing but exchange keys is hung up on.
        """
        pair = Pair()
        client = pair.connect()
        for _ in range(10):
            client.sendKexInit()
            pair.pump.flush()
            self.assertFalse(pair.isEnded)
            pair.clock.advance(11.9)
        pair.clock.advance(1)
        self.assertTrue(pair.isEnded)

    def test_trickling(self) -> None:
        """
        Who sends a byte now and then is hung up on.
        """
        pair = Pair()
        pair.connectNobody()
        for _ in range(12):
            pair.server.dataReceived(b"x")
            self.assertFalse(pair.isEnded)
            pair.clock.advance(10)
        self.assertTrue(pair.isEnded)

    def test_own(self) -> None:
        """
        A program may give less time to its service, and more or less to connections.
        """
        pair = Pair()
        pair.factory.services[b"ssh-userauth"].loginTimeout = 30
        pair.connect()
        pair.clock.advance(30)
        self.assertTrue(pair.isEnded)
        pair = Pair()
        pair.server.loginTimeout = 300
        pair.connect()
        pair.clock.advance(299)
        self.assertFalse(pair.isEnded)
        pair.clock.advance(1)
        self.assertTrue(pair.isEnded)

    def test_one(self) -> None:
        """
        There is one timer, whichever of the two gives less time, and none once a user is
        logged in.
        """
        for seconds in (30, 3000):
            pair = Pair()
            pair.factory.services[b"ssh-userauth"].loginTimeout = seconds
            pair.connect()
            [timer] = pair.clock.getDelayedCalls()
            self.assertEqual(timer.getTime(), min(seconds, 120))
        pair = Pair()
        pair.login()
        self.assertEqual(pair.clock.getDelayedCalls(), [])
