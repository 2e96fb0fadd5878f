"""
Tests for L{mycred._httpdigest}: L{mycred._httpdigest._credentials} and
L{mycred._httpdigest._fields}.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred._httpdigest import DigestCredentialFactory, DigestedCredentials
from mycred.error import LoginFailed, StaleNonce, WrongURI

from ..kit.digest import METHOD, Client, Factory, header

patient = settings(deadline=None, database=None)

ADDRESS = b"192.0.2.7"


def without(fields: dict[str, bytes], *names: str) -> dict[str, bytes]:
    """
    Leave fields out.
    """
    return {key: value for key, value in fields.items() if key not in names}


class DigestTestCase(SynchronousTestCase):
    """
    Base of the tests for challenges and answers.
    """

    def make(self, algorithm: bytes = b"md5", **who: bytes) -> tuple[Factory, Client]:
        """
        Make a factory, and a client with a challenge of it.
        """
        factory = Factory(algorithm, b"here")
        return factory, Client(factory.getChallenge(ADDRESS), **who)

    def decode(
        self, factory: Factory, fields: dict[str, bytes], **changed: bytes
    ) -> DigestedCredentials:
        """
        Hand the fields of an answer to a factory.
        """
        return factory.decode(header({**fields, **changed}), METHOD, ADDRESS)

    def accepted(self, factory: Factory, fields: dict[str, bytes]) -> None:
        """
        Assert that an answer is taken, and was computed with alice's password.
        """
        credentials = self.decode(factory, fields)
        self.assertTrue(credentials.checkPassword(b"secret"))

    def refused(
        self, factory: Factory, fields: dict[str, bytes], **changed: bytes
    ) -> None:
        """
        Assert that an answer is a failed login, for every password.
        """
        self.assertRaises(LoginFailed, self.decode, factory, fields, **changed)


class RoundTripTests(DigestTestCase):
    """
    A client that knows the password gets in.
    """

    ALGORITHMS = (b"md5", b"md5-sess", b"sha", b"sha-256", b"sha-256-sess")

    def test_rightPassword(self) -> None:
        """
        An answer matches the password that it was computed with, in plain text
        and as C{htdigest} stores it, and no other.
        """
        for algorithm in self.ALGORITHMS:
            factory, client = self.make(algorithm)
            credentials = self.decode(factory, client.fields())
            self.assertEqual(credentials.username, b"alice")
            self.assertEqual(credentials.realm, b"here")
            self.assertEqual(credentials.method, METHOD)
            self.assertIs(credentials.checkPassword(b"secret"), True, algorithm)
            self.assertIs(credentials.checkHash(client.htdigest()), True, algorithm)
            for wrong in (b"", b"Secret", b"secret "):
                self.assertIs(credentials.checkPassword(wrong), False, algorithm)
                client.password = wrong
                self.assertIs(credentials.checkHash(client.htdigest()), False, algorithm)

    def test_upperCase(self) -> None:
        """
        The algorithm may be written in upper case, by the server as by the
        client.
        """
        for algorithm in (b"MD5", b"SHA-256", b"SHA-256-sess"):
            factory, client = self.make(algorithm)
            self.assertEqual(client.challenge["algorithm"], algorithm)
            self.accepted(factory, client.fields())
        factory, client = self.make(b"sha-256")
        self.accepted(factory, {**client.fields(), "algorithm": b"SHA-256"})

    def test_sameNonce(self) -> None:
        """
        A client goes on with a nonce by counting its answers.
        """
        for algorithm in self.ALGORITHMS:
            factory, client = self.make(algorithm)
            for count in (1, 2, 3, 200):
                self.accepted(factory, client.fields(count, b"/%d" % count))

    def test_session(self) -> None:
        """
        A session keeps the client's nonce with which it began, though every
        answer brings a new one.
        """
        for algorithm in (b"md5-sess", b"sha-256-sess"):
            factory, client = self.make(algorithm)
            self.accepted(factory, client.fields(1))
            client.cnonce = b"another"
            self.accepted(factory, client.fields(2))
            client.first = b"another"
            credentials = self.decode(factory, client.fields(3))
            self.assertFalse(credentials.checkPassword(b"secret"))

    def test_sessionHash(self) -> None:
        """
        In a session C{htdigest}'s hash stays good as well.
        """
        factory, client = self.make(b"sha-256-sess")
        for count, cnonce in enumerate((client.first, b"another"), 1):
            client.cnonce = cnonce
            credentials = self.decode(factory, client.fields(count))
            self.assertTrue(credentials.checkHash(client.htdigest()))

    def test_otherRequest(self) -> None:
        """
        The answer covers the method and the URI of the request.
        """
        factory, client = self.make()
        credentials = factory.decode(header(client.fields()), b"POST", ADDRESS)
        self.assertFalse(credentials.checkPassword(b"secret"))
        credentials = self.decode(factory, client.fields(2), uri=b"/b")
        self.assertFalse(credentials.checkPassword(b"secret"))

    def test_realm(self) -> None:
        """
        The realm is the server's own, whatever the client says.
        """
        factory, client = self.make()
        credentials = self.decode(factory, client.fields(), realm=b"elsewhere")
        self.assertEqual(credentials.realm, b"here")
        self.assertTrue(credentials.checkPassword(b"secret"))

    def test_rfc2069(self) -> None:
        """
        An answer of the time before C{qop} is taken, once per challenge.
        """
        factory, client = self.make()
        self.accepted(factory, client.oldFields())
        self.refused(factory, client.oldFields())
        self.refused(factory, client.oldFields(b"/b"))
        challenge = factory.getChallenge(ADDRESS)
        self.accepted(factory, Client(challenge).oldFields())

    def test_noAlgorithm(self) -> None:
        """
        An answer that names no algorithm is one with MD5, and good where MD5
        was asked for.
        """
        factory, client = self.make()
        self.accepted(factory, without(client.fields(), "algorithm"))
        factory, client = self.make(b"sha-256")
        self.refused(factory, without(client.fields(), "algorithm"))

    def test_textPassword(self) -> None:
        """
        A checker may hold the password as text.
        """
        factory, client = self.make(password="pässwörd".encode())
        credentials: Any = self.decode(factory, client.fields())
        self.assertTrue(credentials.checkPassword("pässwörd"))

    def test_noAddress(self) -> None:
        """
        Where clients have no address, or it is text, it works all the same.
        """
        for address in (None, "2001:db8::1", b"2001:db8::1"):
            factory = Factory(b"md5", b"here")
            client = Client(factory.getChallenge(address))
            credentials = factory.decode(header(client.fields()), METHOD, address)
            self.assertTrue(credentials.checkPassword(b"secret"))


class ChallengeTests(DigestTestCase):
    """
    Tests for L{DigestCredentialFactory.getChallenge}.
    """

    def test_fields(self) -> None:
        """
        The challenge tells what the client has to know.
        """
        challenge = Factory(b"sha-256", b"here").getChallenge(ADDRESS)
        self.assertEqual(challenge["algorithm"], b"sha-256")
        self.assertEqual(challenge["realm"], b"here")
        self.assertEqual(challenge["qop"], b"auth")
        self.assertEqual(DigestCredentialFactory.scheme, b"digest")

    def test_unpredictable(self) -> None:
        """
        No two challenges are alike, though made at the same time for the same
        client.
        """
        factory = Factory(b"md5", b"here")
        challenges = [factory.getChallenge(ADDRESS) for _ in range(20)]
        for field in ("nonce", "opaque"):
            self.assertEqual(len({challenge[field] for challenge in challenges}), 20)
        self.assertGreaterEqual(len(challenges[0]["nonce"]), 32)

    def test_nothingRemembered(self) -> None:
        """
        A challenge that nobody answers costs no memory.
        """
        factory = Factory(b"md5", b"here")
        for _ in range(100):
            factory.getChallenge(ADDRESS)
        self.assertEqual(len(factory._used), 0)

    def test_realTime(self) -> None:
        """
        The clock is the machine's, where a program doesn't set another.
        """
        factory = DigestCredentialFactory(b"md5", b"here")
        client = Client(factory.getChallenge(ADDRESS))
        credentials = factory.decode(header(client.fields()), METHOD, ADDRESS)
        self.assertTrue(credentials.checkPassword(b"secret"))


class CountTests(DigestTestCase):
    """
    No answer is taken twice.
    """

    def test_same(self) -> None:
        """
        A count that was seen is refused, for any request.
        """
        factory, client = self.make()
        for count in (1, 2, 3):
            self.accepted(factory, client.fields(count))
        for count in (1, 2, 3):
            self.refused(factory, client.fields(count))
            self.refused(factory, client.fields(count, b"/b"))

    def test_wrongPassword(self) -> None:
        """
        An answer with a wrong password uses nothing up, since anybody can send it.
        """
        factory, client = self.make()
        client.password = b"wrong"
        self.assertFalse(self.decode(factory, client.fields()).checkPassword(b"secret"))
        self.assertEqual(len(factory._used), 0)
        client.password = b"secret"
        self.accepted(factory, client.fields())
        self.refused(factory, client.fields())

    def test_severalCheckers(self) -> None:
        """
        An answer that one checker found right is right for the next one, too.
        """
        factory, client = self.make()
        credentials = self.decode(factory, client.fields())
        self.assertFalse(credentials.checkPassword(b"wrong"))
        for _ in range(2):
            self.assertTrue(credentials.checkPassword(b"secret"))
            self.assertTrue(credentials.checkHash(client.htdigest()))
        self.assertFalse(credentials.checkPassword(b"wrong"))
        self.refused(factory, client.fields())

    def test_atOneTime(self) -> None:
        """
        Of two answers that are the same, and checked at the same time, one is taken.
        """
        factory, client = self.make()
        first, second = (self.decode(factory, client.fields()) for _ in range(2))
        self.assertTrue(second.checkPassword(b"secret"))
        self.assertFalse(first.checkPassword(b"secret"))
        self.assertTrue(second.checkPassword(b"secret"))

    def test_checkedLate(self) -> None:
        """
        An answer whose challenge expires while a checker is at work isn't taken.
        """
        factory, client = self.make()
        credentials = self.decode(factory, client.fields())
        factory.now += factory.CHALLENGE_LIFETIME_SECS + 1
        self.assertFalse(credentials.checkPassword(b"secret"))

    def test_spelledOtherwise(self) -> None:
        """
        It is the number that counts, not how it is spelled.
        """
        factory, client = self.make()
        self.accepted(factory, client.fields(b"0000000a"))
        self.refused(factory, client.fields(b"0000000A"))

    def test_outOfOrder(self) -> None:
        """
        A browser that sends requests over several connections gets in with all
        of them, in whatever order they arrive, and with each once.
        """
        factory, client = self.make()
        counts = (5, 1, 4, 2, 9, 3)
        for count in counts:
            self.accepted(factory, client.fields(count))
        for count in counts:
            self.refused(factory, client.fields(count))

    def test_window(self) -> None:
        """
        A count that is far behind the highest is refused, since nobody knows
        any more whether it was seen.
        """
        factory, client = self.make()
        self.accepted(factory, client.fields(200))
        self.accepted(factory, client.fields(200 - 127))
        self.refused(factory, client.fields(200 - 128))
        self.refused(factory, client.fields(1))
        self.refused(factory, client.fields(200 - 127))

    def test_windowMoves(self) -> None:
        """
        What was seen is still known when the highest count has moved on by the
        width of the window, less or more.
        """
        for step in (1, 126, 127, 128, 129, 1000):
            factory, client = self.make()
            self.accepted(factory, client.fields(1))
            self.accepted(factory, client.fields(1 + step))
            self.refused(factory, client.fields(1))
            self.refused(factory, client.fields(1 + step))

    def test_veryLarge(self) -> None:
        """
        The largest count that can be written takes no more memory than the
        smallest.
        """
        factory, client = self.make()
        self.accepted(factory, client.fields(1))
        self.accepted(factory, client.fields(0xFFFFFFFF))
        self.refused(factory, client.fields(0xFFFFFFFF))
        self.refused(factory, client.fields(2))
        self.accepted(factory, client.fields(0xFFFFFFFE))
        [use] = factory._used._uses.values()
        self.assertLessEqual(use._seen.bit_length(), 128)

    def test_manyCounts(self) -> None:
        """
        A client that goes on counting for long takes no more memory for that.
        """
        factory, client = self.make()
        for count in range(1, 2000, 100):
            self.accepted(factory, client.fields(count))
        [use] = factory._used._uses.values()
        self.assertLessEqual(use._seen.bit_length(), 128)

    def test_ofEachNonce(self) -> None:
        """
        Each challenge has counts of its own.
        """
        factory, client = self.make()
        other = Client(factory.getChallenge(ADDRESS))
        self.accepted(factory, client.fields(1))
        self.accepted(factory, other.fields(1))
        self.refused(factory, client.fields(1))

    def test_longNonce(self) -> None:
        """
        An absurdly long nonce of a client's is refused, and not remembered.
        """
        factory, _ = self.make()
        challenge = factory.getChallenge(ADDRESS)
        client = Client(challenge, cnonce=b"c" * 10000)
        self.refused(factory, client.fields(1))
        self.assertEqual(len(factory._used), 0)

    def test_withoutQop(self) -> None:
        """
        An answer with a count isn't good for a second time when C{qop} is taken
        out of it, or is spelled in another way.
        """
        factory, client = self.make()
        fields = client.fields(2)
        self.accepted(factory, fields)
        for replayed in (
            without(fields, "qop"),
            {**without(fields, "qop"), "QOP": b"auth"},
        ):
            try:
                credentials = self.decode(factory, replayed)
            except LoginFailed:
                continue
            self.assertFalse(credentials.checkPassword(b"secret"))

    def test_countThenNone(self) -> None:
        """
        A nonce that was used with a count isn't good without one.
        """
        factory, client = self.make()
        self.accepted(factory, client.fields(1))
        self.refused(factory, client.oldFields())


class RefusedTests(DigestTestCase):
    """
    What is no answer to what was asked.
    """

    def test_missing(self) -> None:
        """
        A field that is needed and missing, or empty, is a failed login.
        """
        for field in (
            "username",
            "nonce",
            "opaque",
            "uri",
            "nc",
            "cnonce",
            "response",
        ):
            factory, client = self.make()
            self.refused(factory, without(client.fields(), field))
            self.refused(factory, client.fields(), **{field: b""})
            # Nothing was used up by that.
            self.accepted(factory, client.fields())

    def test_missingOld(self) -> None:
        """
        The same without C{qop}.
        """
        for field in ("username", "nonce", "opaque", "uri", "response"):
            factory, client = self.make()
            self.refused(factory, without(client.oldFields(), field))
            self.accepted(factory, client.oldFields())

    def test_sessionWithoutCNonce(self) -> None:
        """
        A session needs the client's nonce, also without C{qop}.
        """
        factory, client = self.make(b"sha-256-sess")
        self.refused(factory, client.oldFields())

    def test_qop(self) -> None:
        """
        A quality of protection that wasn't offered is refused.
        """
        factory, client = self.make()
        for qop in (b"auth-int", b"AUTH-CONF", b"none", b""):
            self.refused(factory, client.fields(), qop=qop)

    def test_algorithm(self) -> None:
        """
        An algorithm that wasn't asked for is refused, though it is a known one.
        """
        for asked, answered in (
            (b"sha-256", b"md5"),
            (b"md5", b"sha-256"),
            (b"md5", b"md5-sess"),
            (b"sha-256-sess", b"sha-256"),
            (b"md5", b"sha-512-256"),
            (b"md5", b""),
        ):
            factory, client = self.make(asked)
            self.refused(factory, client.fields(), algorithm=answered)

    def test_unknownAlgorithm(self) -> None:
        """
        A factory whose own algorithm nobody knows lets nobody in.
        """
        factory, client = self.make()
        factory.algorithm = b"rot13"
        self.refused(factory, client.fields(), algorithm=b"rot13")

    def test_count(self) -> None:
        """
        A count is eight hexadecimal digits, and nothing else.
        """
        factory, client = self.make()
        for count in (
            b"1",
            b"0000001",
            b"000000001",
            b"0000000g",
            b"-0000001",
            b"+0000001",
            b"0x000001",
            b"0000_001",
            b"0000 001",
            "٠٠٠٠٠٠٠١".encode(),
            b"9" * 10_000,
        ):
            self.refused(factory, client.fields(), nc=count)
        self.accepted(factory, client.fields())

    def test_grammar(self) -> None:
        """
        A header that doesn't follow the grammar is a failed login.
        """
        factory, client = self.make()
        good = header(client.fields())
        for response in (
            b"",
            b" ",
            b",",
            b"=",
            b"username",
            b'username="alice',
            good + b", more",
            good + b', more="',
            good + b', more="a" b',
            good + b', ="a"',
            b"Digest " + good,
            good[1:],
        ):
            self.assertRaises(LoginFailed, factory.decode, response, METHOD, ADDRESS)
        credentials = factory.decode(good, METHOD, ADDRESS)
        self.assertTrue(credentials.checkPassword(b"secret"))

    def test_spaces(self) -> None:
        """
        Spaces and line breaks around the fields, and empty fields, mean nothing.
        """
        for separator in (b",", b" , ", b",\r\n\t", b", ,,"):
            factory, client = self.make()
            response = header(client.fields()).replace(b", ", separator)
            response = response.replace(b"nc=", b"nc = ") + separator
            credentials = factory.decode(b" " + response, METHOD, ADDRESS)
            self.assertTrue(credentials.checkPassword(b"secret"), separator)

    def test_quotedPairs(self) -> None:
        """
        A name may hold quotes, backslashes and separators.
        """
        for name in (
            b'al"ice',
            b"al\\ice",
            b'"',
            b"\\",
            b"a, b=c",
            b'\\", nc="',
            b"\xe4",
        ):
            factory, client = self.make(username=name)
            credentials = self.decode(factory, client.fields())
            self.assertEqual(credentials.username, name)
            self.assertTrue(credentials.checkPassword(b"secret"), name)


class OpaqueTests(DigestTestCase):
    """
    A challenge is good where it was made, for whom, and for a time.
    """

    def test_otherFactory(self) -> None:
        """
        A challenge of one server is none of another's.
        """
        _, client = self.make()
        other, _ = self.make()
        self.refused(other, client.fields())

    def test_otherAddress(self) -> None:
        """
        A challenge is good for the client that it was made for.
        """
        factory, client = self.make()
        response = header(client.fields())
        for address in (b"192.0.2.8", "192.0.2.8", b"", None):
            self.assertRaises(LoginFailed, factory.decode, response, METHOD, address)
        # As text it is the same address.
        credentials = factory.decode(response, METHOD, ADDRESS.decode())
        self.assertTrue(credentials.checkPassword(b"secret"))

    def test_otherNonce(self) -> None:
        """
        A nonce that the client made up, or took from another challenge, is
        refused.
        """
        factory, client = self.make()
        other = factory.getChallenge(ADDRESS)
        self.refused(factory, client.fields(), opaque=other["opaque"])
        client.challenge = {**client.challenge, "nonce": b"0" * 32}
        self.refused(factory, client.fields())

    def test_forged(self) -> None:
        """
        An opaque value that isn't signed by the server is refused, whatever it
        says.
        """
        factory, client = self.make()
        signature, _, encoded = client.challenge["opaque"].partition(b"-")
        signed = b64decode(encoded)
        nonce, address, then = signed.split(b",")
        later = b",".join((nonce, address, b"%d" % (int(then) + 1)))
        for opaque in (
            b"-",
            signature,
            encoded,
            signature + encoded,
            b"-" + encoded,
            signature[:-1] + b"-" + encoded,
            signature + b"-" + b64encode(later),
            signature + b"-" + b64encode(nonce),
            signature + b"-" + b64encode(b",".join((nonce, address, b"soon"))),
            signature + b"-" + b64encode(b",".join((nonce, address, b"9" * 10_000))),
            signature + b"-" + encoded[:-1],
            signature + b"-!",
            signature + b"-\xff",
        ):
            self.refused(factory, client.fields(), opaque=opaque)
        self.accepted(factory, client.fields())

    def test_lifetime(self) -> None:
        """
        A challenge is good for a quarter of an hour, and not longer.
        """
        factory, client = self.make()
        factory.now += 15 * 60
        self.accepted(factory, client.fields(1))
        factory.now += 1
        self.refused(factory, client.fields(2))

    def test_lifetimeOfInstance(self) -> None:
        """
        A program may set another lifetime, on one factory too.
        """
        factory, client = self.make()
        factory.CHALLENGE_LIFETIME_SECS = 60
        factory.now += 60
        self.accepted(factory, client.fields(1))
        factory.now += 1
        self.refused(factory, client.fields(2))
        self.assertEqual(Factory.CHALLENGE_LIFETIME_SECS, 15 * 60)


class MemoryTests(DigestTestCase):
    """
    What is remembered is bounded, and nothing can be replayed for that.
    """

    def use(self, factory: Factory, address: bytes = ADDRESS) -> Client:
        """
        Let a new client log in.
        """
        client = Client(factory.getChallenge(address))
        credentials = factory.decode(header(client.fields(1)), METHOD, address)
        self.assertTrue(credentials.checkPassword(b"secret"))
        return client

    def test_expired(self) -> None:
        """
        A nonce that has expired is forgotten, and its answers stay refused.
        """
        factory, _ = self.make()
        early = [self.use(factory) for _ in range(5)]
        factory.now += 600
        late = self.use(factory)
        factory.now += 301
        self.use(factory)
        self.assertEqual(len(factory._used), 2)
        for client in early:
            self.refused(factory, client.fields(1))
            self.refused(factory, client.fields(2))
        self.accepted(factory, late.fields(2))
        self.refused(factory, late.fields(1))

    def test_lastSecond(self) -> None:
        """
        An answer can't be replayed in the last second of its challenge's life,
        after the server has made room for another client.
        """
        factory, _ = self.make()
        factory.now += 0.25
        client = self.use(factory)
        factory.now += factory.CHALLENGE_LIFETIME_SECS + 0.5
        self.use(factory)
        self.refused(factory, client.fields(1))

    def test_full(self) -> None:
        """
        When too many nonces are in use, the challenges of those who use them are
        withdrawn: nobody's answer can be replayed, and everybody gets in with a new
        challenge.
        """
        factory, _ = self.make()
        factory._used.most = 3
        clients = [self.use(factory) for _ in range(3)]
        waiting = Client(factory.getChallenge(ADDRESS))
        self.accepted(factory, clients[0].fields(2))
        last = self.use(factory)
        self.assertLessEqual(len(factory._used), 3)
        for client in clients:
            self.refused(factory, client.fields(1))
            self.refused(factory, client.fields(3))
        self.refused(factory, last.fields(1))
        self.accepted(factory, last.fields(2))
        self.refused(factory, waiting.fields())
        client = self.use(factory)
        self.refused(factory, client.fields(1))
        self.accepted(factory, client.fields(2))

    def test_bounded(self) -> None:
        """
        However many clients come, no more than the limit is remembered.
        """
        factory, _ = self.make()
        factory._used.most = 10
        for _ in range(100):
            self.use(factory)
            self.assertLessEqual(len(factory._used), 10)

    def test_roomByTime(self) -> None:
        """
        Nothing is withdrawn where forgetting what has expired makes room.
        """
        factory, _ = self.make()
        factory._used.most = 3
        for _ in range(3):
            self.use(factory)
        factory.now += factory.CHALLENGE_LIFETIME_SECS + 1
        waiting = Client(factory.getChallenge(ADDRESS))
        for _ in range(2):
            self.use(factory)
        self.accepted(factory, waiting.fields())

    def test_bogus(self) -> None:
        """
        However many wrong answers strangers send, nothing is remembered of them, and
        nobody's challenge is withdrawn.
        """
        factory, _ = self.make()
        factory._used.most = 3
        client = self.use(factory)
        waiting = Client(factory.getChallenge(ADDRESS))
        for _ in range(50):
            challenge = factory.getChallenge(ADDRESS)
            bogus = Client(challenge, password=b"wrong")
            credentials = self.decode(factory, bogus.fields())
            self.assertFalse(credentials.checkPassword(b"secret"))
        self.assertEqual(len(factory._used), 1)
        self.accepted(factory, client.fields(2))
        self.accepted(factory, waiting.fields())

    def test_otherSource(self) -> None:
        """
        However often somebody logs in, clients from elsewhere keep their challenges.
        """
        factory, _ = self.make()
        factory._used.most = 40
        client = self.use(factory)
        waiting = Client(factory.getChallenge(ADDRESS))
        flood = [self.use(factory, b"198.51.100.1") for _ in range(200)]
        self.assertLessEqual(len(factory._used), 40)
        self.accepted(factory, client.fields(2))
        self.accepted(factory, waiting.fields())
        for flooder in flood:
            response = header(flooder.fields(1))
            self.assertRaises(
                StaleNonce, factory.decode, response, METHOD, b"198.51.100.1"
            )


class ClockTests(DigestTestCase):
    """
    Who sets the clock of the machine changes nothing.
    """

    def setUp(self) -> None:
        self.factory = DigestCredentialFactory(b"md5", b"here")
        self.wall = 1_000_000_000.0
        self.patch(time, "time", lambda: self.wall)
        self.client = Client(self.factory.getChallenge(ADDRESS))

    def logIn(self, fields: dict[str, bytes]) -> None:
        """
        Assert that an answer is taken.
        """
        credentials = self.factory.decode(header(fields), METHOD, ADDRESS)
        self.assertTrue(credentials.checkPassword(b"secret"))

    def test_forward(self) -> None:
        """
        A challenge is good though the clock is set forward.
        """
        self.wall += 3600
        self.logIn(self.client.fields())

    def test_backAndForth(self) -> None:
        """
        An answer that was taken isn't good again when the clock was set forward and back.
        """
        self.logIn(self.client.fields(1))
        self.wall += 3600
        self.logIn(Client(self.factory.getChallenge(ADDRESS)).fields())
        self.wall -= 3600
        again = header(self.client.fields(1))
        self.assertRaises(StaleNonce, self.factory.decode, again, METHOD, ADDRESS)
        self.logIn(self.client.fields(2))

    def test_programsClock(self) -> None:
        """
        A program may set a clock of its own, and what was forgotten by it isn't taken
        again when it is set back; new challenges are good at once.
        """
        factory, client = self.make()
        self.accepted(factory, client.fields(1))
        factory.now += 3600
        self.accepted(factory, Client(factory.getChallenge(ADDRESS)).fields())
        factory.now -= 3600
        self.refused(factory, client.fields(1))
        self.accepted(factory, Client(factory.getChallenge(ADDRESS)).fields())

    def test_startedAgain(self) -> None:
        """
        With a key that outlives a server, a challenge that was made by the clock of a
        machine that ran for longer isn't good for longer.
        """
        factory, client = self.make()
        factory.now = 60
        self.refused(factory, client.fields())


class StaleTests(DigestTestCase):
    """
    It is told apart whether a client needs another challenge or another password.
    """

    def assertStale(self, factory: Factory, fields: dict[str, bytes]) -> None:
        """
        Assert that an answer is refused because of its challenge.
        """
        self.assertRaises(StaleNonce, self.decode, factory, fields)

    def test_expired(self) -> None:
        """
        A challenge that is too old is stale, whether it was used or not, and whatever the
        password is.
        """
        for password in (b"secret", b"wrong"):
            factory, client = self.make()
            self.accepted(factory, client.fields(1))
            other = Client(factory.getChallenge(ADDRESS), password=password)
            factory.now += factory.CHALLENGE_LIFETIME_SECS + 1
            self.assertStale(factory, client.fields(2))
            self.assertStale(factory, other.fields())
            self.accepted(factory, Client(factory.getChallenge(ADDRESS)).fields())

    def test_seen(self) -> None:
        """
        So is one whose count was used, or which can be used once only.
        """
        factory, client = self.make()
        self.accepted(factory, client.fields(1))
        self.assertStale(factory, client.fields(1))
        self.assertStale(factory, client.oldFields())

    def test_otherServer(self) -> None:
        """
        So is one of another server's, as this was before it was started again, and one
        that nobody made.
        """
        factory, client = self.make()
        self.assertStale(self.make()[0], client.fields())
        for field in ("nonce", "opaque"):
            self.assertStale(factory, {**client.fields(), field: b"0" * 32})

    def test_notStale(self) -> None:
        """
        What another challenge wouldn't help isn't: a malformed answer, one to what wasn't
        asked, a client whose address changes all the time.
        """
        factory, client = self.make()
        fields = client.fields()
        factory.now += factory.CHALLENGE_LIFETIME_SECS + 1
        wrong = [{**fields, "algorithm": b"sha-256"}, {**fields, "qop": b"auth-int"}]
        for malformed in (*wrong, *(without(fields, f) for f in ("nonce", "response"))):
            error = self.assertRaises(LoginFailed, self.decode, factory, malformed)
            self.assertNotIsInstance(error, StaleNonce)
        factory, client = self.make()
        error = self.assertRaises(
            LoginFailed, factory.decode, header(client.fields()), METHOD, b"192.0.2.8"
        )
        self.assertNotIsInstance(error, StaleNonce)


class URITests(DigestTestCase):
    """
    An answer is for one URI.
    """

    def test_other(self) -> None:
        """
        With the URI of the request known, an answer for another one is refused, and uses
        nothing up.
        """
        factory, client = self.make()
        response = header(client.fields(uri=b"/"))
        for uri in (b"/secret", b"/?", b"", b"*", b"http://192.0.2.1/secret"):
            error = self.assertRaises(
                WrongURI, factory.decode, response, METHOD, ADDRESS, uri=uri
            )
            self.assertEqual(error.uri, b"/")
        credentials = factory.decode(response, METHOD, ADDRESS, uri=b"/")
        self.assertTrue(credentials.checkPassword(b"secret"))

    def test_rewritten(self) -> None:
        """
        One that a proxy has written in another way is taken.
        """
        for uri in (b"/%7Ea?b=%c3", b"http://example.org/~a?b=%C3"):
            factory, client = self.make()
            response = header(client.fields(uri=b"/~a?b=%C3"))
            credentials = factory.decode(response, METHOD, ADDRESS, uri=uri)
            self.assertTrue(credentials.checkPassword(b"secret"))

    def test_stale(self) -> None:
        """
        It is refused whether the challenge is good or not.
        """
        factory, client = self.make()
        factory.now += factory.CHALLENGE_LIFETIME_SECS + 1
        response = header(client.fields())
        self.assertRaises(WrongURI, factory.decode, response, METHOD, ADDRESS, uri=b"/b")


class ByHandTests(DigestTestCase):
    """
    Credentials that a program builds by itself, as Twisted's SIP does.
    """

    def build(self, fields: Any, method: bytes = METHOD) -> DigestedCredentials:
        """
        Build credentials of alice's.
        """
        return DigestedCredentials(b"alice", method, b"here", fields)

    def test_good(self) -> None:
        """
        They need no factory, and may be checked as often as is liked.
        """
        _, client = self.make()
        for fields in (client.fields(), client.oldFields()):
            credentials = self.build(fields)
            for _ in range(2):
                self.assertTrue(credentials.checkPassword(b"secret"))
                self.assertTrue(credentials.checkHash(client.htdigest()))

    def test_emptyHash(self) -> None:
        """
        An empty stored hash matches nothing, not even the answer that was
        computed with it.
        """
        _, client = self.make()
        client.htdigest = lambda: b""  # type: ignore[method-assign]
        credentials: Any = self.build(client.fields())
        for empty in (b"", "", None):
            self.assertIs(credentials.checkHash(empty), False)

    def test_missing(self) -> None:
        """
        Where something is missing, nobody gets in: a failed login, and no other
        error.
        """
        _, client = self.make(b"sha-256-sess")
        for field in client.fields():
            if field in ("username", "realm", "opaque", "qop"):
                continue
            self.failsToLogIn(without(client.fields(), field))
        self.failsToLogIn({})
        for field in ("nonce", "uri"):
            credentials = self.build(without(client.fields(), field))
            self.assertRaises(LoginFailed, credentials.checkPassword, b"secret")
            self.assertRaises(LoginFailed, credentials.checkHash, b"0" * 64)

    def test_odd(self) -> None:
        """
        The same where something is of an odd kind.
        """
        for algorithm in (b"md5", b"sha-256-sess"):
            _, client = self.make(algorithm)
            odd: Any
            for field in client.fields():
                if field in ("username", "realm", "opaque"):
                    continue
                for odd in (None, 7, "text", [], bytearray(b"x"), b"", b"\xff"):
                    self.failsToLogIn({**client.fields(), field: odd})

    def test_unknownAlgorithm(self) -> None:
        """
        An algorithm that nobody knows is a failed login.
        """
        _, client = self.make()
        credentials = self.build({**client.fields(), "algorithm": b"rot13"})
        self.assertRaises(LoginFailed, credentials.checkPassword, b"secret")
        self.assertRaises(LoginFailed, credentials.checkHash, b"0" * 32)

    def test_bodyNotCovered(self) -> None:
        """
        C{auth-int} is a failed login, since nobody knows the body.
        """
        _, client = self.make()
        credentials = self.build({**client.fields(), "qop": b"auth-int"})
        self.assertRaises(LoginFailed, credentials.checkPassword, b"secret")

    def failsToLogIn(self, fields: Any) -> None:
        """
        Assert that fields let nobody in.
        """
        credentials = self.build(fields)
        for check in (credentials.checkPassword, credentials.checkHash):
            with contextlib.suppress(LoginFailed):
                self.assertIs(check(b"secret"), False, fields)


class HostileTests(DigestTestCase):
    """
    Whatever a client sends, it gets in or fails to log in, and soon.
    """

    def attempt(self, factory: Factory, response: bytes, **known: bytes) -> bool:
        """
        Try to log in as alice.
        """
        try:
            credentials = factory.decode(response, METHOD, ADDRESS, **known)
            return credentials.checkPassword(b"secret")
        except LoginFailed:
            return False

    @patient
    @given(
        st.binary() | st.text('=", \\\tabc').map(str.encode),
        st.none() | st.binary(),
        st.none() | st.text() | st.binary(),
    )
    def test_anyBytes(self, response: bytes, uri: Any, address: Any) -> None:
        """
        Arbitrary bytes are a failed login, whatever the request and whoever sends it.
        """
        factory, _ = self.make()
        self.assertRaises(LoginFailed, factory.decode, response, METHOD, address, uri=uri)

    @patient
    @given(
        st.dictionaries(
            st.sampled_from(
                sorted(Client(Factory(b"md5", b"").getChallenge(b"")).fields())
            ),
            st.binary(),
            min_size=1,
        )
    )
    def test_anyFields(self, changed: dict[str, bytes]) -> None:
        """
        Arbitrary values in a right answer break nothing.
        """
        factory, client = self.make(b"sha-256-sess")
        self.attempt(factory, header({**client.fields(), **changed}), uri=b"/a")

    @patient
    @given(st.data(), st.sampled_from([b"md5", b"sha-256-sess"]), st.booleans())
    def test_anyMutation(self, data: st.DataObject, algorithm: bytes, old: bool) -> None:
        """
        A right answer with anything cut out of it, put into it or repeated
        breaks nothing; and what was taken before isn't taken again.
        """
        factory, client = self.make(algorithm)
        fields = client.oldFields() if old else client.fields()
        response = header(fields)
        taken = self.attempt(factory, response)
        self.assertEqual(taken, not (old and algorithm == b"sha-256-sess"))
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(response)))
            end = data.draw(st.integers(start, min(start + 40, len(response))))
            piece = data.draw(st.binary(max_size=8) | st.just(response[start:end] * 2))
            response = response[:start] + piece + response[end:]
        self.assertFalse(self.attempt(factory, response), response)

    # A program that reads headers of 100 kB which a parser that goes back and
    # forth would never finish; it says which one it is at.
    longHeaders = """\
from mycred.credentials import DigestCredentialFactory
from mycred.error import LoginFailed

factory = DigestCredentialFactory(b"md5", b"here")
units = [b"a", b"=", b",", b" ", b'"', b"a=", b"a,", b"a ", b"a=,", b"a = ", b'a="']
units += [b"\\\\", b'\\\\"', b'""', b'a="",', b'a=" ', b" ,", b"= ", b"a= ,"]
for start in (b"", b"a", b"a=", b'a="', b'a=""', b"a=b ", b"a=b,"):
    for unit in units:
        for end in (b"", b'"', b"=", b"\\\\", b"x"):
            print(start, unit, end, flush=True)
            response = start + unit * (100_000 // len(unit)) + end
            try:
                factory.decode(response, b"GET", None)
            except LoginFailed:
                pass
print("done")
"""

    def test_longHeaders(self) -> None:
        """
        A hostile header of 100 kB holds the server up no more than an honest
        one would.
        """
        root = str(Path(mycred.__file__).parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-c", self.longHeaders]
        try:
            ended = subprocess.run(
                command,
                env={**os.environ, "PYTHONPATH": path},
                capture_output=True,
                timeout=20,
            )
        except subprocess.TimeoutExpired as expired:
            headers = (expired.stdout or b"").splitlines()
            self.fail(f"not finished: {headers[-1:]}")
        self.assertEqual(ended.stderr, b"")
        self.assertEqual(ended.stdout.splitlines()[-1], b"done")


class OwnOpaqueTests(DigestTestCase):
    """
    Tests for factories whose opaque values are a program's.
    """

    def test_own(self) -> None:
        """
        A program may write and read values of its own: an answer is taken once, and what
        the program doesn't call right is refused.
        """

        class Own(DigestCredentialFactory):
            """
            A factory that keeps its values by itself.
            """

            isRight = True

            def _generateOpaque(self, nonce: bytes, clientip: Any) -> bytes:
                """
                Write one.
                """
                return b"own"

            def _verifyOpaque(self, opaque: bytes, nonce: bytes, clientip: Any) -> bool:
                """
                Read it.
                """
                return self.isRight and opaque == b"own"

        factory = Own(b"md5", b"realm")
        client = Client(factory.getChallenge(b"192.0.2.1"))
        answer = header(client.fields())
        presented = factory.decode(answer, METHOD, b"192.0.2.1")
        self.assertTrue(presented.checkPassword(client.password))
        self.assertRaises(StaleNonce, factory.decode, answer, METHOD, b"192.0.2.1")
        second = header(client.fields(2))
        factory.isRight = False
        self.assertRaises(LoginFailed, factory.decode, second, METHOD, b"192.0.2.1")
        factory.isRight = True
        factory.decode(second, METHOD, b"192.0.2.1")
