"""
Tests for CRAM-MD5.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.error import SASLError, UnauthorizedLogin

from ..kit.sasl import Server, portalOf


def client(name: bytes, password: bytes) -> Callable[[bytes], bytes]:
    """
    Return what answers the challenge.
    """

    def answer(challenge: bytes) -> bytes:
        digest = hmac.new(password, challenge, "md5").hexdigest()
        return name + b" " + digest.encode("ascii")

    return answer


class CramMD5Tests(SynchronousTestCase):
    """
    Tests for the mechanism.
    """

    def setUp(self) -> None:
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.addUser(b"alice smith", b"sesame")
        self.server = Server(portalOf(checker), host=b"mail.example.org")

    def test_right(self) -> None:
        """
        A client that knows the password is let in; its name may hold a space.
        """
        answer = client(b"alice smith", b"sesame")
        self.successResultOf(self.server.login("CRAM-MD5", answer))
        self.assertRegex(self.server.sent[0], rb"^<\d+\.\d+@mail\.example\.org>$")

    def test_wrong(self) -> None:
        """
        Another password, another name, and the answer to another challenge are refused.
        """
        old = client(b"alice smith", b"sesame")(b"<1.2@mail.example.org>")
        for answer in (
            client(b"alice smith", b"Sesame"),
            client(b"bob", b"sesame"),
            lambda _: old,
        ):
            login = self.server.login("CRAM-MD5", answer)
            failure = self.failureResultOf(login, UnauthorizedLogin)
            self.assertFalse(failure.check(SASLError))
        self.assertEqual(len(set(self.server.sent)), 3)

    def test_malformed(self) -> None:
        """
        Answers without a name or a digest, and names that can't be any, make no sense.
        """
        for wrong in (
            b"",
            b"alice",
            b" ",
            b"J\xfcrgen 00",
            b"a\0 00",
            b"a" * 1025 + b" 0",
        ):
            login = self.server.login("CRAM-MD5", iter([wrong]))
            self.failureResultOf(login, SASLError)

    def test_serverFirst(self) -> None:
        """
        The server begins: a first answer makes no sense.
        """
        login = self.server.login("CRAM-MD5", iter([]), b"")
        self.failureResultOf(login, SASLError)
        self.assertEqual(self.server.sent, [])

    @given(st.binary(max_size=60))
    def test_anything(self, answer: bytes) -> None:
        """
        Any other answer is refused, and raises nothing else.
        """
        login = self.server.login("CRAM-MD5", iter([answer]))
        self.failureResultOf(login, UnauthorizedLogin)
