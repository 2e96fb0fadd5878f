"""
Tests for L{mycred.checkers._htdigest}.
"""

from __future__ import annotations

import os
from hashlib import md5, sha256
from typing import Any

from zope.interface.verify import verifyObject

from hypothesis import given, settings, strategies

from twisted.cred.credentials import DigestedCredentials as TwistedDigested
from twisted.internet.defer import Deferred, succeed

from mycred.checkers import HtdigestChecker, ICredentialsChecker, _htdigest
from mycred.checkers._htdigest import DigestLayout
from mycred.credentials import (
    DigestCredentialFactory,
    IUsernameDigestHash,
    calcHA1,
    calcHA2,
    calcResponse,
)
from mycred.error import LoginFailed, TemporaryFailure

from ..kit.files import FileTestCase
from ..kit.work import WorkTests, digested

# htdigest -c FILE Members alice, with the password sesame
ALICE = b"alice:Members:d4c1bd79570a77a56389c354ecc4860c\n"


def answer(name: bytes, password: bytes, algorithm: bytes = b"MD5", **other: Any) -> Any:
    """
    Answer a challenge as a browser does.
    """
    realm = other.get("realm", b"Members")
    factory = DigestCredentialFactory(algorithm, realm)
    challenge = factory.getChallenge(None)
    alg, nonce = algorithm.lower(), challenge["nonce"]
    ha1 = calcHA1(alg, name, realm, password, nonce, b"c")
    ha2 = calcHA2(alg, b"GET", b"/", b"auth", None)
    response = calcResponse(ha1, ha2, alg, nonce, b"00000001", b"c", b"auth")
    fields = {
        **challenge,
        "username": name,
        "uri": b"/",
        "response": response,
        "nc": b"00000001",
        "cnonce": b"c",
        "qop": b"auth",
    }
    header = b", ".join(b'%s="%s"' % (k.encode(), v) for k, v in fields.items())
    return factory.decode(header, b"GET", None)


class HtdigestTestCase(FileTestCase):
    """
    Base of the tests for L{HtdigestChecker}.
    """

    def htdigest(self, content: bytes, realm: bytes = b"Members") -> HtdigestChecker:
        """
        Make a checker, of a file that holds this and isn't new.
        """
        self.path.write_bytes(content)
        os.utime(self.path, (0, 0))
        self.settle()
        return HtdigestChecker(str(self.path), realm, workers=self.workers)


class SameWorkTests(WorkTests, HtdigestTestCase):
    """
    Tests for the work after which somebody is refused.
    """

    def test_sameWork(self) -> None:
        """
        A name that nobody has, one whose hash is damaged, and one of another realm are
        refused after the work that others take: a line is taken apart, a hash is read,
        and an answer computed.
        """
        self.count(DigestLayout, "parse")
        self.count(_htdigest, "readDigest")
        damaged, other = (
            b"bob:Members:d4c1\n",
            ALICE.replace(b"alice:Members", b"al:Others"),
        )
        checker = self.htdigest(other + damaged + ALICE)
        asking = checker.requestAvatarId(answer(b"alice", b"sesame"))
        self.assertAccepted(asking, b"alice")
        names = (b"alice", b"eve", b"bob", b"al")
        self.assertSameWork(checker, digested, *names, parse=1, readDigest=1, checkHash=1)


class HtdigestTests(HtdigestTestCase):
    """
    Tests for L{HtdigestChecker}.
    """

    def test_interface(self) -> None:
        """
        It checks HTTP Digest by the hash, and nothing else.
        """
        checker = self.htdigest(b"")
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
        self.assertEqual(checker.credentialInterfaces, (IUsernameDigestHash,))

    def test_login(self) -> None:
        """
        The right password names the avatar; a wrong one, an unknown user, and a
        user of another realm are refused alike.
        """
        other = b"bob:Others:" + md5(b"bob:Others:tulip").hexdigest().encode()
        checker = self.htdigest(b"# users\n\n" + ALICE + other + b"\r\n")
        asking = checker.requestAvatarId(answer(b"alice", b"sesame"))
        self.assertAccepted(asking, b"alice")
        for name, password in [
            (b"alice", b"tulip"),
            (b"alice", b""),
            (b"eve", b"sesame"),
            (b"bob", b"tulip"),
        ]:
            self.assertRefused(checker.requestAvatarId(answer(name, password)))

    def test_sha256(self) -> None:
        """
        A hash of SHA-256 serves a challenge of that algorithm.
        """
        stored = sha256(b"alice:Members:sesame").hexdigest().encode()
        checker = self.htdigest(b"alice:Members:" + stored + b"\n")
        right = answer(b"alice", b"sesame", b"SHA-256")
        self.assertAccepted(checker.requestAvatarId(right), b"alice")
        wrong = answer(b"alice", b"tulip", b"SHA-256")
        self.assertRefused(checker.requestAvatarId(wrong))

    def test_lines(self) -> None:
        """
        The first line for a user in the realm counts; a damaged hash matches
        nothing and is logged; comments hold nobody.
        """
        damaged = b"dave:Members:d4c1bd79570a77a5\n"
        checker = self.htdigest(
            b"alice:Others:00\n" + ALICE + b"alice:Members:00\n#" + ALICE + damaged
        )
        asking = checker.requestAvatarId(answer(b"alice", b"sesame"))
        self.assertAccepted(asking, b"alice")
        self.assertRefused(checker.requestAvatarId(answer(b"#alice", b"sesame")))
        self.assertRefused(checker.requestAvatarId(answer(b"dave", b"sesame")))
        self.assertEqual([e["number"] for e in self.logged("matches nothing")], [3, 5])
        [repeated] = self.logged("has a line already")
        self.assertEqual((repeated["number"], repeated["first"]), (3, 2))

    def test_otherRealm(self) -> None:
        """
        A server that asks for another realm than the file is read for is told
        apart in the log.
        """
        checker = self.htdigest(ALICE)
        asking = checker.requestAvatarId(answer(b"alice", b"sesame", realm=b"Cellar"))
        self.assertRefused(asking)
        [event] = self.logged("asks for the realm")
        self.assertEqual((event["asked"], event["realm"]), (b"Cellar", b"Members"))

    def test_missing(self) -> None:
        """
        A file that can't be read is no wrong password.
        """
        checker = self.htdigest(ALICE)
        self.path.unlink()
        asking = checker.requestAvatarId(answer(b"alice", b"sesame"))
        self.failureResultOf(asking, TemporaryFailure)

    def test_ownCredentials(self) -> None:
        """
        Credentials of a program's own may take their time, or be malformed.
        """

        class Credentials:
            """
            Credentials that answer later.
            """

            username = b"alice"

            def checkHash(self, stored: bytes) -> Deferred[bool]:
                """
                Answer later.
                """
                return succeed(stored == ALICE.split(b":")[2].strip())

        checker = self.htdigest(ALICE)
        self.assertAccepted(checker.requestAvatarId(Credentials()), b"alice")
        malformed = answer(b"alice", b"sesame")
        malformed.fields = {}
        self.failureResultOf(checker.requestAvatarId(malformed), LoginFailed)
        theirs = TwistedDigested(b"alice", b"GET", b"Members", {"algorithm": b"bogus"})
        self.assertRefused(checker.requestAvatarId(theirs))
        malformed.username = "a\0"
        self.assertRefused(checker.requestAvatarId(malformed))

    def test_realms(self) -> None:
        """
        The realms in the file are known, and what isn't a line of one isn't shown.
        """
        checker = self.htdigest(
            ALICE + b"bob:Others:" + b"0" * 32 + b"\ncarol:x:secret\n"
        )
        self.assertEqual(checker.realms(), {b"Members", b"Others"})

    @settings(deadline=None, database=None, max_examples=50)
    @given(
        content=strategies.binary() | strategies.text(alphabet=":\n0aM").map(str.encode)
    )
    def test_anyContent(self, content: bytes) -> None:
        """
        No content of the file makes anything fail but the login.
        """
        checker = self.htdigest(content, b"M")
        self.assertRefused(checker.requestAvatarId(answer(b"a", b"x", realm=b"M")))
