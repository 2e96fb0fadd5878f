"""
Tests for L{mycred.credentials}.
"""

from __future__ import annotations

import hmac
import os
import random
import secrets
import subprocess
import sys
import time
import warnings
from base64 import encodebytes
from hashlib import md5
from pathlib import Path
from typing import Any

from zope.interface.verify import verifyObject

from hypothesis import given, settings, strategies as st

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred import credentials
from mycred.credentials import (
    Anonymous,
    CramMD5Credentials,
    DigestedCredentials,
    IAnonymous,
    ICredentials,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
    SSHPrivateKey,
    UsernamePassword,
)
from mycred.error import LoginFailed

patient = settings(deadline=None, database=None)


class UsernamePasswordTests(SynchronousTestCase):
    """
    Tests for L{UsernamePassword}.
    """

    def test_attributes(self) -> None:
        """
        The name and the password stay as they were presented.
        """
        for name, password in ((b"alice", b"secret"), ("alice", "secret")):
            presented = UsernamePassword(name, password)  # type: ignore[arg-type]
            self.assertEqual(presented.username, name)
            self.assertEqual(presented.password, password)

    def test_bytes(self) -> None:
        """
        A password in bytes matches itself, and nothing else.
        """
        presented = UsernamePassword(b"alice", b"secret")
        self.assertIs(presented.checkPassword(b"secret"), True)
        for wrong in (b"Secret", b"secret ", b"secre", b""):
            self.assertIs(presented.checkPassword(wrong), False)

    def test_text(self) -> None:
        """
        A password that a protocol handed over as text matches the same text.
        """
        presented: Any = UsernamePassword("alice", "secret")  # type: ignore[arg-type]
        self.assertTrue(presented.checkPassword("secret"))
        self.assertFalse(presented.checkPassword("Secret"))

    def test_mixedTypes(self) -> None:
        """
        As in Twisted: text never matches bytes, and asking raises nothing.
        """
        text: Any = UsernamePassword("alice", "secret")  # type: ignore[arg-type]
        self.assertFalse(text.checkPassword(b"secret"))
        presented: Any = UsernamePassword(b"alice", b"secret")
        for other in ("secret", None, 7):
            self.assertFalse(presented.checkPassword(other))

    def test_none(self) -> None:
        """
        Where no password was presented, none is right.
        """
        presented: Any = UsernamePassword(b"alice", None)  # type: ignore[arg-type]
        for stored in (None, b"", ""):
            self.assertFalse(presented.checkPassword(stored))

    def test_otherTypes(self) -> None:
        """
        As in Twisted: what is neither text nor bytes matches what is equal to it.
        """
        for password in (2, 2.5, ("a", 1), frozenset({1}), True, object()):
            presented: Any = UsernamePassword(1, password)  # type: ignore[arg-type]
            self.assertIs(presented.checkPassword(password), True)
            for other in (3, "2", b"2", None, []):
                self.assertIs(presented.checkPassword(other), False)

    def test_ownComparison(self) -> None:
        """
        As in Twisted: a stored secret that compares itself, as libraries have them for
        hashes, is asked, and so may answer later.
        """
        answer: Deferred[bool] = Deferred()

        class Stored:
            """
            A hash.
            """

            def __eq__(self, typed: object) -> Any:
                return answer if typed == b"later" else typed == b"sesame"

            __hash__ = None  # type: ignore[assignment]

        stored: Any = Stored()
        self.assertTrue(UsernamePassword(b"alice", b"sesame").checkPassword(stored))
        self.assertFalse(UsernamePassword(b"alice", b"x").checkPassword(stored))
        later: object = UsernamePassword(b"alice", b"later").checkPassword(stored)
        self.assertIs(later, answer)

    def test_nonASCII(self) -> None:
        """
        A password beyond ASCII works, as text and in bytes of any encoding.
        """
        text: Any = UsernamePassword("jörg", "pässwörd€")  # type: ignore[arg-type]
        self.assertTrue(text.checkPassword("pässwörd€"))
        self.assertFalse(text.checkPassword("passwörd€"))
        presented = UsernamePassword(b"j\xf6rg", b"p\xe4ss")
        self.assertTrue(presented.checkPassword(b"p\xe4ss"))
        self.assertFalse(presented.checkPassword("päss".encode()))


class CramMD5Tests(SynchronousTestCase):
    """
    Tests for L{CramMD5Credentials}.
    """

    def answered(self, response: bytes) -> CramMD5Credentials:
        """
        Challenge a client as RFC 2195 does in its example, and take a response.
        """
        cram = CramMD5Credentials(b"postoffice.reston.mci.net")
        cram.challenge = b"<1896.697170952@postoffice.reston.mci.net>"
        cram.setResponse(response)
        return cram

    def answer(self, cram: CramMD5Credentials, name: bytes, password: bytes) -> None:
        """
        Answer a challenge as a client does.
        """
        digest = hmac.new(password, cram.getChallenge(), md5).hexdigest()
        cram.setResponse(name + b" " + digest.encode("ascii"))

    def test_rfc2195(self) -> None:
        """
        The example of RFC 2195: tim, whose secret is tanstaaftanstaaf.
        """
        cram = self.answered(b"tim b913a602c7eda7a495b4e6e7334d3890")
        self.assertEqual(cram.username, b"tim")
        self.assertTrue(cram.checkPassword(b"tanstaaftanstaaf"))
        self.assertFalse(cram.checkPassword(b"tanstaaf"))

    def test_textPassword(self) -> None:
        """
        A checker may hold the password as text.
        """
        cram: Any = self.answered(b"tim b913a602c7eda7a495b4e6e7334d3890")
        self.assertTrue(cram.checkPassword("tanstaaftanstaaf"))
        cram = CramMD5Credentials()
        self.answer(cram, b"alice", "pässwörd".encode())
        self.assertTrue(cram.checkPassword("pässwörd"))

    def test_spaceInName(self) -> None:
        """
        A user name may hold spaces.
        """
        cram = CramMD5Credentials()
        self.answer(cram, b"Alice B. Liddell", b"secret")
        self.assertEqual(cram.username, b"Alice B. Liddell")
        self.assertTrue(cram.checkPassword(b"secret"))

    def test_otherChallenge(self) -> None:
        """
        The answer to one challenge is no answer to another.
        """
        first, second = CramMD5Credentials(), CramMD5Credentials()
        self.answer(first, b"alice", b"secret")
        second.getChallenge()
        second.username, second.response = first.username, first.response
        self.assertTrue(first.checkPassword(b"secret"))
        self.assertFalse(second.checkPassword(b"secret"))

    def test_noChallenge(self) -> None:
        """
        Where nothing was asked, no answer is right.
        """
        digest = hmac.new(b"secret", b"", md5).hexdigest().encode("ascii")
        cram = CramMD5Credentials()
        cram.setResponse(b"alice " + digest)
        self.assertFalse(cram.checkPassword(b"secret"))

    def test_noResponse(self) -> None:
        """
        Where nothing was answered, no password is right.
        """
        cram = CramMD5Credentials()
        cram.getChallenge()
        self.assertIsNone(cram.username)
        self.assertFalse(cram.checkPassword(b"secret"))
        self.assertFalse(cram.checkPassword(b""))

    def test_malformed(self) -> None:
        """
        A response that isn't a name and a digest is a failed login.
        """
        for response in (b"", b" ", b"alice", b"alice ", b" alice", b"\r\n"):
            self.assertRaises(LoginFailed, self.answered, response)

    def test_askedOnce(self) -> None:
        """
        The challenge is made up once, and there are no more of them.
        """
        cram = CramMD5Credentials()
        self.assertEqual(cram.getChallenge(), cram.getChallenge())
        self.assertFalse(cram.moreChallenges())

    @patient
    @given(st.binary() | st.binary().map(b"tim ".__add__))
    def test_anyResponse(self, response: bytes) -> None:
        """
        Whatever a client answers, it fails to log in, and breaks nothing.
        """
        try:
            cram = self.answered(response)
        except LoginFailed:
            return
        self.assertIs(cram.checkPassword(b"tanstaaftanstaaf"), False)


class CramMD5ChallengeTests(SynchronousTestCase):
    """
    Tests for the challenge of L{CramMD5Credentials}.
    """

    def longest(self, host: bytes | str | None) -> bytes:
        """
        Make the longest challenge that there may be for a host.
        """
        self.patch(secrets, "randbits", lambda bits: (1 << bits) - 1)
        return CramMD5Credentials(host).getChallenge()

    def test_messageID(self) -> None:
        """
        The challenge is a message ID of the server's, as RFC 2195 wants it.
        """
        for host in (b"a.example.org", "a.example.org"):
            challenge = CramMD5Credentials(host).getChallenge()
            self.assertRegex(challenge, rb"\A<[0-9]+\.[0-9]+@a\.example\.org>\Z")

    def test_noHost(self) -> None:
        """
        A server that doesn't say its name is localhost.
        """
        for host in (None, b"", ""):
            challenge = CramMD5Credentials(host).getChallenge()
            self.assertRegex(challenge, rb"\A<[0-9]+\.[0-9]+@localhost>\Z")

    def test_unpredictable(self) -> None:
        """
        Nobody who knows the time and the state of Python's common random
        numbers can tell the next challenge.
        """
        self.addCleanup(random.setstate, random.getstate())
        self.patch(time, "time", lambda: 1_000_000.0)
        challenges = set()
        for _ in range(20):
            random.seed(7)
            challenges.add(CramMD5Credentials().getChallenge())
        self.assertEqual(len(challenges), 20)

    def test_cryptographicSource(self) -> None:
        """
        At least 64 bits of the challenge come from Python's source of secrets.
        """
        asked: list[int] = []

        def randbits(bits: int) -> int:
            asked.append(bits)
            return 42

        self.patch(secrets, "randbits", randbits)
        challenge = CramMD5Credentials().getChallenge()
        self.assertGreaterEqual(sum(asked), 64)
        self.assertTrue(challenge.startswith(b"<42."), challenge)

    def test_oneLine(self) -> None:
        """
        The challenge fits into the one line that Twisted's IMAP4 server sends.
        """
        for host in (None, b"mail.example.org", "mail.example.org"):
            challenge = self.longest(host)
            self.assertLessEqual(len(challenge), 57)
            self.assertEqual(encodebytes(challenge).count(b"\n"), 1)


class UsernameHashedPasswordTests(SynchronousTestCase):
    """
    Tests for L{credentials.UsernameHashedPassword}.
    """

    def test_deprecated(self) -> None:
        """
        Using it warns, at the place where it is used, and with Twisted's words.
        """
        credentials.UsernameHashedPassword  # noqa: B018
        [warning] = self.flushWarnings([self.test_deprecated])
        self.assertEqual(warning["category"], DeprecationWarning)
        self.assertEqual(
            warning["message"],
            "mycred.credentials.UsernameHashedPassword was deprecated in Twisted "
            "21.2.0: Use mycred.credentials.UsernamePassword instead.",
        )

    def test_checkPassword(self) -> None:
        """
        It matches the stored secret that is this very hash.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hashed = credentials.UsernameHashedPassword(b"alice", b"5ebe2294")
        self.assertTrue(verifyObject(IUsernameHashedPassword, hashed))
        self.assertEqual((hashed.username, hashed.hashed), (b"alice", b"5ebe2294"))
        self.assertTrue(hashed.checkPassword(b"5ebe2294"))
        other: Any
        for other in (b"5ebe2295", b"", "5ebe2294", None):
            self.assertFalse(hashed.checkPassword(other))


class SSHPrivateKeyTests(SynchronousTestCase):
    """
    Tests for L{SSHPrivateKey}.
    """

    def test_attributes(self) -> None:
        """
        It holds what conch found in the client's request, in conch's order.
        """
        key = SSHPrivateKey(b"alice", b"ssh-ed25519", b"blob", b"data", b"signature")
        self.assertEqual(key.username, b"alice")
        self.assertEqual(key.algName, b"ssh-ed25519")
        self.assertEqual(key.blob, b"blob")
        self.assertEqual(key.sigData, b"data")
        self.assertEqual(key.signature, b"signature")

    def test_question(self) -> None:
        """
        A client that only asks whether a key would do has signed nothing.
        """
        key = SSHPrivateKey(b"alice", b"ssh-ed25519", b"blob", None, None)
        self.assertIsNone(key.sigData)
        self.assertIsNone(key.signature)


class InterfaceTests(SynchronousTestCase):
    """
    Credentials provide what checkers ask for, and nothing besides.
    """

    def test_provided(self) -> None:
        """
        Each kind of credentials keeps the promises of its interfaces.
        """
        fields = {"nonce": b"n", "uri": b"/"}
        offered: list[tuple[Any, set[Any]]] = [
            (UsernamePassword(b"alice", b"secret"), {IUsernamePassword}),
            (Anonymous(), {IAnonymous}),
            (CramMD5Credentials(), {IUsernameHashedPassword}),
            (
                DigestedCredentials(b"alice", b"GET", b"here", fields),
                {IUsernameHashedPassword, IUsernameDigestHash},
            ),
            (SSHPrivateKey(b"alice", b"", b"", None, None), {ISSHPrivateKey}),
        ]
        every = set().union(*(promised for _, promised in offered))
        for presented, promised in offered:
            for interface in (ICredentials, *promised):
                self.assertTrue(verifyObject(interface, presented))
            for interface in every - promised:
                self.assertFalse(interface.providedBy(presented))


class ImportTests(SynchronousTestCase):
    """
    Importing the module has no consequences.
    """

    def test_silent(self) -> None:
        """
        A program that takes warnings for errors can import the module; no
        reactor is installed by that.
        """
        program = (
            "import sys, mycred.credentials\n"
            "sys.exit('twisted.internet.reactor' in sys.modules)\n"
        )
        path = [str(Path(mycred.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
            capture_output=True,
            timeout=120,
        )
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, b"", b""))
