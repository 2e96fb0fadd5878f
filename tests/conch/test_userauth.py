"""
Tests for L{mycred.conch.SSHUserAuthServer}: requests that make no sense, or come too
soon.
"""

from __future__ import annotations

from typing import Any

from twisted.conch.ssh.common import NS
from twisted.internet.error import ConnectionDone
from twisted.logger import formatEvent
from twisted.python.failure import Failure

from mycred._verdict import Kind, Verdict
from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.checkers.sshkeys import SSHPublicKeyChecker
from mycred.credentials import ISSHPrivateKey, IUsernamePassword
from mycred.error import Throttled

from ..kit.keycheckers import accepted
from ..kit.keys import blobOf
from ..kit.portals import Checker, raising
from ..kit.sshclient import FAILURE
from ..kit.sshpair import ALICE, REQUEST, SERVICE, HostileTestCase, Pair, Slow, login

#: Requests to log in that can't be read; the first three by their heads.
MALFORMED = (
    b"",
    b"\0\0\0\5ali",
    NS(b"alice") + NS(b"ssh-connection"),
    login(b"none", user=b"a" * 5000),
    login(b"n" * 65),
    login(b"\xff"),
    NS(b"alice") + NS(b"x" * 500) + NS(b"none"),
)


class QueueTests(HostileTestCase):
    """
    Tests for requests that wait for the answer to one before them.
    """

    def ask(self, *requests: bytes) -> Pair:
        """
        Ask for several things at once, and have the first refused.
        """
        slow = Slow()
        pair = Pair(SSHPublicKeyChecker(slow))
        client = pair.connect()
        client.offer(blobOf(ALICE))
        for request in requests:
            client.sendPacket(REQUEST, request)
        pair.pump.flush()
        self.assertEqual(len(slow.waiting), 1)
        slow.waiting[0].callback(Verdict(Kind.REFUSED, b"alice", "no"))
        pair.pump.flush()
        return pair

    def test_malformed(self) -> None:
        """
        One that makes no sense ends the connection when it is its turn, as it does when
        it comes alone.
        """
        for request in MALFORMED:
            alone = Pair(SSHPublicKeyChecker(Slow()))
            alone.connect().sendPacket(REQUEST, request)
            alone.pump.flush()
            self.assertTrue(alone.isEnded, request)
            self.assertQuiet()
            self.assertTrue(self.ask(request).isEnded, request)
            self.assertQuiet()

    def test_afterOne(self) -> None:
        """
        What comes behind one that makes no sense isn't answered.
        """
        pair = self.ask(b"", login(b"none"))
        self.assertTrue(pair.isEnded)
        self.assertEqual(pair.client.answers.pending, [])

    def test_lost(self) -> None:
        """
        What waits when the connection ends, by either side, isn't tried any more.
        """
        for isEndedByClient in (True, False):
            slow = Slow()
            passwords = InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")
            pair = Pair(SSHPublicKeyChecker(slow), passwords)
            client = pair.connect()
            client.sendPacket(REQUEST, login(b"password", b"\0" + NS(b"wrong")))
            client.offer(blobOf(ALICE))
            pair.pump.flush()
            if isEndedByClient:
                pair.server.connectionLost(Failure(ConnectionDone()))
            else:
                pair.server.loseConnection()
            pair.clock.advance(1)
            self.assertEqual(slow.waiting, [])
            self.assertQuiet()

    def test_throttled(self) -> None:
        """
        Who has to wait is disconnected, and told for how long.  What came behind isn't
        tried.
        """
        for credentials, kind in (
            (b"\0" + NS(b"secret"), b"password"),
            (b"\0" + NS(b"ssh-ed25519") + NS(blobOf(ALICE)), b"publickey"),
        ):
            checker = Checker(raising(Throttled(4.5)))
            checker.credentialInterfaces = IUsernamePassword, ISSHPrivateKey
            pair = Pair(checker)
            client = pair.connect()
            told: list[Any] = []
            client.receiveError = lambda *why, told=told: told.append(why)
            for _ in range(2):
                client.sendPacket(REQUEST, login(kind, credentials))
            pair.pump.flush()
            # That is how long conch takes for any wrong password.
            pair.clock.advance(1)
            pair.pump.flush()
            text = b"Too many failed logins; try again in 5 s"
            self.assertEqual(told, [(14, text)])
            self.assertTrue(pair.isEnded)
            self.assertEqual(checker.asked, 1)
            self.assertQuiet()

    def test_tooLate(self) -> None:
        """
        A login that is under way when the connection ends makes no avatar.
        """
        slow = Slow()
        pair = Pair(SSHPublicKeyChecker(slow))
        pair.connect().prove(ALICE)
        pair.pump.flush()
        pair.feed(SERVICE, NS(b"ssh-userauth"))
        self.assertTrue(pair.isEnded)
        slow.waiting[0].callback(accepted())
        self.assertFalse(hasattr(pair.server, "avatar"))
        self.assertQuiet()

    def test_password(self) -> None:
        """
        Passwords that can't be read end the connection, alone and behind others.
        """
        password = NS(b"secret")
        for data in (
            b"",
            b"\0",
            b"\0\0\0",
            b"\0" + password + b"x",
            b"\0" + password * 2,
            b"\1" + password,
            b"\1" + password * 3,
        ):
            for requests in ((data,), (NS(b""), data)):
                pair = Pair()
                client = pair.connect()
                for one in requests:
                    client.sendPacket(REQUEST, login(b"password", one))
                pair.pump.flush()
                pair.clock.advance(1)
                pair.pump.flush()
                self.assertTrue(pair.isEnded, requests)
                self.assertQuiet()

    def test_change(self) -> None:
        """
        Who asks to change the password isn't let in by the old one, nor by the new one;
        the log says why, and they may log in without that.
        """
        passwords = InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")
        for flag in (b"\1", b"\2", b"\xff"):
            for old, new in ((b"secret", b"new"), (b"new", b"secret"), (b"secret",) * 2):
                pair = Pair(passwords)
                client = pair.connect()
                data = flag + NS(old) + NS(new)
                client.sendPacket(REQUEST, login(b"password", data))
                pair.pump.flush()
                pair.clock.advance(1)
                pair.pump.flush()
                [(code, _)] = client.answers.pending
                self.assertEqual(code, FAILURE)
                self.assertFalse(hasattr(pair.server, "avatar"))
                [told] = self.told()
                self.assertIn("Login refused: user=", told)
                self.assertIn("wants to change the password", told)
                self.assertQuiet(b"secret")
                del self.events[:]
        client.sendPacket(REQUEST, login(b"password", b"\0" + NS(b"secret")))
        pair.pump.flush()
        self.assertIsNotNone(pair.server.avatar)

    def told(self) -> list[str]:
        """
        Return what the log says of logins.
        """
        return [
            formatEvent(event)
            for event in self.events
            if event["log_namespace"] == "mycred.login"
        ]

    def test_noKey(self) -> None:
        """
        What is no key, or of a type that doesn't count, is refused in one line of the
        log, as every login is; the client may try others.
        """
        blob = blobOf(ALICE)
        for data, why in (
            (b"\0" + NS(b"ssh-dss") + NS(NS(b"ssh-dss") + NS(b"p")), "a type of key"),
            (b"\0" + NS(b"ssh-ed25519") + NS(blob + b"x"), "more follows"),
            (b"\0" + NS(b"ssh-ed25519"), "it ends too soon"),
            (b"\1" + NS(b"ssh-ed25519") + NS(blob), "it ends too soon"),
        ):
            pair = Pair()
            client = pair.connect()
            client.sendPacket(REQUEST, login(b"publickey", data))
            pair.pump.flush()
            told = self.told()
            self.assertEqual(len(told), 1, told)
            self.assertRegex(
                told[0],
                f'\\ALogin refused: user="alice" why="{why}.* service=ssh ',
            )
            self.assertQuiet()
            self.assertFalse(pair.isEnded)
            client.prove(ALICE)
            pair.pump.flush()
            self.assertIsNotNone(pair.server.avatar)
            del self.events[:]


class DefectTests(HostileTestCase):
    """
    Tests for defects of programs: they are told, and end the connection.
    """

    def test_method(self) -> None:
        """
        One in a way to log in is in the log with its traceback, whenever it comes.
        """
        for isFirst in (True, False):
            slow = Slow()
            pair = Pair(SSHPublicKeyChecker(slow))

            def fail(self: Any, data: bytes) -> Any:
                raise RuntimeError("a defect")

            pair.factory.services[b"ssh-userauth"].auth_own = fail
            client = pair.connect()
            pair.server.service.supportedAuthentications.append(b"own")
            if not isFirst:
                client.offer(blobOf(ALICE))
            client.sendPacket(REQUEST, login(b"own"))
            pair.pump.flush()
            if not isFirst:
                slow.waiting[0].callback(Verdict(Kind.REFUSED, b"alice", "no"))
                pair.pump.flush()
            self.assertTrue(pair.isEnded)
            self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_service(self) -> None:
        """
        One that shows when somebody is logged in ends the connection as well.
        """
        pair = Pair()

        class Service(pair.factory.services[b"ssh-connection"]):  # type: ignore[misc, name-defined]
            def serviceStarted(self) -> None:
                raise RuntimeError("a defect")

        pair.factory.services[b"ssh-connection"] = Service
        client = pair.connect()
        client.prove(ALICE)
        pair.pump.flush()
        self.assertTrue(pair.isEnded)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
