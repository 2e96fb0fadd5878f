"""
Tests for credentials by which a client proves a password while a checker checks it, as
L{mycred._conversations} has them.
"""

from __future__ import annotations

from base64 import b64encode
from copy import copy, deepcopy
from itertools import product
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from mycred._scram import ClientFirst, ScramExchange, madeUpSalt
from mycred.credentials import IScramCredentials, ScramCredentials
from mycred.error import TemporaryFailure, UnauthorizedLogin

from .kit.sasl import ScramClient, keysOf


class ScramCredentialsTests(SynchronousTestCase):
    """
    Tests for the conversation.
    """

    def setUp(self) -> None:
        self.client = ScramClient(header=b"n,a=alice,")
        self.credentials = self.make()

    def make(self, ask: Any = None) -> ScramCredentials:
        """
        Return credentials whose client answers.
        """

        def answer(challenge: bytes) -> Deferred[bytes]:
            return succeed(self.client.answer(challenge))

        exchange = ScramExchange("sha256", ClientFirst.parse(self.client.first))
        return ScramCredentials(exchange, ask or answer, b"secret")

    def test_interface(self) -> None:
        """
        They are what their interface says, and have what the client has sent.
        """
        verifyObject(IScramCredentials, self.credentials)
        self.assertEqual(self.credentials.username, b"alice")
        self.assertEqual(self.credentials.authzid, b"alice")
        self.assertEqual(self.credentials.hash, "sha256")

    def test_prove(self) -> None:
        """
        A checker gets to know that the client has proved its password.
        """
        self.assertFalse(self.credentials.isProved)
        self.successResultOf(self.credentials.prove(keysOf()))
        self.assertTrue(self.credentials.isProved)
        self.assertTrue(self.client.isTrusted)

    def test_once(self) -> None:
        """
        The client is asked once, however the first time has ended.
        """
        for password in (b"sesame", b"wrong"):
            self.client = ScramClient()
            credentials = self.make()
            credentials.prove(keysOf(password)).addErrback(lambda _: None)
            isProved = credentials.isProved
            asked = len(self.client.heard)
            again = credentials.prove(keysOf())
            self.failureResultOf(again, UnauthorizedLogin)
            self.assertEqual(len(self.client.heard), asked)
            self.assertEqual(credentials.isProved, isProved)

    def test_meanwhile(self) -> None:
        """
        Nor is it asked again while it hasn't answered.
        """
        waiting: Deferred[bytes] = Deferred()
        credentials = self.make(lambda _: waiting)
        first = credentials.prove(keysOf())
        self.failureResultOf(credentials.prove(keysOf()), UnauthorizedLogin)
        self.assertNoResult(first)

    def test_otherHash(self) -> None:
        """
        Keys for another hash are an error of the checker's, and the client isn't asked.
        """
        self.assertRaises(ValueError, self.credentials.prove, keysOf(hash="sha1"))
        self.assertEqual(self.client.heard, [])
        self.successResultOf(self.credentials.prove(keysOf()))

    def test_salt(self) -> None:
        """
        The salt for keys that are made at the login is that of an unknown user.
        """
        self.assertEqual(self.credentials.salt, madeUpSalt(b"secret", "sha256", b"alice"))
        credentials = self.make()
        refused = Failure(UnauthorizedLogin())
        concluded: Any = credentials.conclude(refused)
        self.failureResultOf(concluded, UnauthorizedLogin)
        fields = self.client.heard[0].split(b",")
        self.client.heard.clear()
        keys = keysOf(salt=self.credentials.salt, count=4096)
        self.successResultOf(self.credentials.prove(keys))
        self.assertEqual(self.client.heard[0].split(b",")[1:], fields[1:])

    def test_expect(self) -> None:
        """
        What the first checker expects is what the client gets to see.
        """
        self.credentials.expect(10_000, 36, b"ALICE")
        self.credentials.expect(5, 8)
        refused = Failure(UnauthorizedLogin())
        concluded: Any = self.credentials.conclude(refused)
        self.assertIs(self.failureResultOf(concluded), refused)
        _, salt, count = self.client.heard[0].split(b",")
        self.assertEqual((len(salt), count), (2 + 48, b"i=10000"))
        other = self.make()
        other.expect(10_000, 36)
        concluded = other.conclude(refused)
        self.failureResultOf(concluded, UnauthorizedLogin)
        self.assertNotEqual(self.client.heard[1].split(b",")[1], salt)

    def test_down(self) -> None:
        """
        While no store can be asked unknown names don't keep their salts, since known ones
        don't; if one can be, they do.
        """
        usual = madeUpSalt(b"secret", "sha256", b"alice")
        for error, isExpected, isUsual in (
            (UnauthorizedLogin(), False, True),
            (UnauthorizedLogin(), True, True),
            (TemporaryFailure(), True, True),
            (TemporaryFailure(), False, False),
            (TemporaryFailure(), False, False),
        ):
            credentials = self.make()
            if isExpected:
                credentials.expect(4096, 16)
            concluded: Any = credentials.conclude(Failure(error))
            self.failureResultOf(concluded, type(error))
            _, salt, count = self.client.heard[-1].split(b",")
            self.assertEqual(salt == b"s=" + b64encode(usual), isUsual, error)
            self.assertEqual((len(salt), count), (2 + 24, b"i=4096"))
        # It is the same for as long as that lasts.
        salts = {heard.split(b",")[1] for heard in self.client.heard}
        self.assertEqual(len(salts), 2)

    def test_twice(self) -> None:
        """
        What a login has failed with can be concluded twice; the client is asked once.
        """
        refused = Failure(UnauthorizedLogin())
        concluded: Any = self.credentials.conclude(refused)
        self.failureResultOf(concluded, UnauthorizedLogin)
        self.assertIs(self.credentials.conclude(refused), refused)
        self.assertEqual(len(self.client.heard), 1)

    def test_abandoned(self) -> None:
        """
        A conversation can be abandoned at any time, and isn't taken up again.
        """
        proved = self.credentials.prove(keysOf())
        self.credentials.abandon()
        self.successResultOf(proved)
        other = self.make()
        other.abandon()
        self.failureResultOf(other.prove(keysOf()), UnauthorizedLogin)

    def test_copies(self) -> None:
        """
        Copies of them have another name where a program gives them one, and the same
        client, which is asked once.
        """
        for copied, isFirst in product((copy, deepcopy), (True, False)):
            self.client = ScramClient()
            credentials = self.make()
            other = copied(credentials)
            other.username = b"bob"
            self.assertEqual(credentials.username, b"alice")
            self.assertEqual(other.salt, madeUpSalt(b"secret", "sha256", b"bob"))
            one, two = (other, credentials) if isFirst else (credentials, other)
            self.successResultOf(one.prove(keysOf()))
            self.assertTrue(two.isProved)
            self.failureResultOf(two.prove(keysOf()), UnauthorizedLogin)
            refused = Failure(UnauthorizedLogin())
            self.assertIs(two.conclude(refused), refused)
            self.assertEqual(len(self.client.heard), 2)
        other = copy(self.make())
        other.abandon()
        self.failureResultOf(credentials.prove(keysOf()), UnauthorizedLogin)

    def test_expectOfCopy(self) -> None:
        """
        What is expected of a copy is expected of all.
        """
        other = copy(self.credentials)
        other.username = b"bob"
        other.expect(10_000, 36)
        concluded: Any = self.credentials.conclude(Failure(UnauthorizedLogin()))
        self.failureResultOf(concluded, UnauthorizedLogin)
        salt = madeUpSalt(b"secret", "sha256", b"bob", 36)
        self.assertIn(b"s=%b,i=10000" % b64encode(salt), self.client.heard[0])
