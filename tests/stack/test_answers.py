"""
Tests for what a client gets to know that has to wait.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from mycred.error import Throttled, UnauthorizedLogin
from mycred.portal import SessionPortal

from ..kit.sasl import KeysChecker, ScramClient, Server, keysOf, portalOf
from ..kit.throttled import Scene, addressOf


class ScramTests(SynchronousTestCase):
    """
    Tests with SCRAM.
    """

    def logIn(self, portal: Any, name: bytes, password: bytes = b"guess") -> Any:
        """
        Log in over a connection of its own.

        @return: what the login has ended with, and what the server has sent.
        """
        transport = StringTransport(peerAddress=addressOf("192.0.2.1"))
        protocol = type("Protocol", (), {"transport": transport})()
        server = Server(SessionPortal(portal, protocol))
        client = ScramClient(name=name, password=password)
        ended: list[Any] = []
        server.login("SCRAM-SHA-256", client.answer).addBoth(ended.append)
        return type(ended[0].value), server.sent

    def test_noSalt(self) -> None:
        """
        Before a client has to wait it gets the same salt again and again, for names that
        are known and others; then it gets none, since it couldn't be the same for both.
        """
        scene = Scene(checker=KeysChecker(alice=keysOf()))
        portal = portalOf(scene.stack)
        for name in (b"alice", b"nobody"):
            salts = set()
            for _ in range(6):
                error, sent = self.logIn(portal, name)
                self.assertIs(error, UnauthorizedLogin)
                salts.add(sent[1].partition(b",s=")[2])
            self.assertEqual(len(salts), 1)
            self.assertEqual(self.logIn(portal, name), (Throttled, [b""]))
            self.assertEqual(self.logIn(portal, name, b"sesame"), (Throttled, [b""]))
