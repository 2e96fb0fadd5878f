"""
Tests for the mechanisms that send a password.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.error import SASLError, UnauthorizedLogin

from ..kit.sasl import Server, portalOf


class PasswordTests(SynchronousTestCase):
    """
    Tests for PLAIN and LOGIN.
    """

    def setUp(self) -> None:
        checker = InMemoryUsernamePasswordDatabaseDontUse()
        checker.addUser(b"alice", b"sesame")
        checker.addUser("Jürgen".encode(), b"J\xfcrgen")
        checker.addUser(b"nobody", b"")
        self.server = Server(portalOf(checker))

    def login(self, mechanism: str, *answers: bytes) -> Any:
        """
        Log in, with the answers to challenges.
        """
        self.server.sent.clear()
        return self.server.login(mechanism, iter(answers))

    def test_plain(self) -> None:
        """
        A name and a password log in, at once or after an empty challenge.
        """
        self.successResultOf(self.login("PLAIN", b"\0alice\0sesame"))
        self.assertEqual(self.server.sent, [b""])
        self.successResultOf(
            self.server.login("PLAIN", iter([]), b"alice\0alice\0sesame")
        )
        self.assertEqual(self.server.portal.realm.asked, [b"alice", b"alice"])

    def test_asSent(self) -> None:
        """
        The password is passed on as it was sent, be it no UTF-8.
        """
        self.successResultOf(self.login("PLAIN", b"\0J\xc3\xbcrgen\0J\xfcrgen"))
        self.successResultOf(self.login("LOGIN", b"J\xc3\xbcrgen", b"J\xfcrgen"))

    def test_wrong(self) -> None:
        """
        A wrong password is refused, and so is an unknown name.
        """
        for name, password in ((b"alice", b"Sesame"), (b"bob", b"x"), (b"alice", b"")):
            for login in (
                self.login("PLAIN", b"\0%b\0%b" % (name, password)),
                self.login("LOGIN", name, password),
            ):
                failure = self.failureResultOf(login, UnauthorizedLogin)
                self.assertFalse(failure.check(SASLError))

    def test_actAsAnother(self) -> None:
        """
        Nobody may act as another user: names are compared byte by byte.
        """
        for authzid in (b"bob", b"Alice", b"alice "):
            login = self.login("PLAIN", authzid + b"\0alice\0sesame")
            failure = self.failureResultOf(login, UnauthorizedLogin)
            self.assertFalse(failure.check(SASLError))
        self.assertEqual(self.server.portal.realm.asked, [])

    def test_login(self) -> None:
        """
        LOGIN asks for the name, and then for the password; the name may come first.
        """
        self.successResultOf(self.login("LOGIN", b"alice", b"sesame"))
        self.assertEqual(self.server.sent, [b"Username:", b"Password:"])
        self.server.sent.clear()
        login = self.server.login("LOGIN", iter([b"sesame"]), b"alice")
        self.successResultOf(login)
        self.assertEqual(self.server.sent, [b"Password:"])

    def test_malformed(self) -> None:
        """
        Messages of PLAIN with too few or too many NULs, names and passwords that can't be
        any, and names that aren't UTF-8 make no sense.
        """
        for message in (
            *(b"", b"alice", b"alice\0sesame", b"\0alice\0sesame\0", b"\0\0", b"\0\0x"),
            *(b"\0J\xfcrgen\0x", b"J\xfcrgen\0J\xfcrgen\0x", b"a" * 1025 + b"\0a\0x"),
            *(b"\0" + b"a" * 1025 + b"\0x", b"\0a\0" + b"x" * 1025),
        ):
            self.failureResultOf(self.login("PLAIN", message), SASLError)
        for name, password in (
            *((b"", b"x"), (b"J\xfcrgen", b"x"), (b"a\0b", b"x"), (b"a" * 1025, b"x")),
            *((b"alice", b"sesame\0"), (b"alice", b"x" * 1025)),
        ):
            self.failureResultOf(self.login("LOGIN", name, password), SASLError)

    @given(st.binary(max_size=40), st.integers(0, 20), st.integers(0, 20))
    def test_anything(self, noise: bytes, start: int, end: int) -> None:
        """
        A message into which something else was written lets in no one else, and raises
        nothing else than a refusal.
        """
        right = b"\0alice\0password"
        wrong = right[:start] + noise + right[end:]
        for login in (self.login("PLAIN", wrong), self.login("LOGIN", b"alice", noise)):
            self.failureResultOf(login, UnauthorizedLogin)
