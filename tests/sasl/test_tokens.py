"""
Tests for the mechanisms that send a token.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, strategies as st

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from mycred.credentials import IBearerToken
from mycred.error import (
    AccountDenied,
    DenialReason,
    LoginFailed,
    SASLCancelled,
    SASLError,
    TemporaryFailure,
    UnauthorizedLogin,
)

from ..kit.sasl import Server, portalOf

# Google's documentation, with other values.
XOAUTH2 = b"user=alice@example.org\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckB\x01\x01"


class TokenChecker:
    """
    A checker of one token.

    @ivar given: the tokens and the names that it was asked about.
    """

    credentialInterfaces = (IBearerToken,)

    def __init__(self, token: bytes = b"token") -> None:
        self.token = token
        self.error: Any = UnauthorizedLogin()
        self.given: list[tuple[bytes, bytes]] = []

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes]:
        """
        Answer.
        """
        self.given.append((credentials.token, credentials.authzid))
        if credentials.token == self.token:
            return succeed(b"alice")
        return fail(self.error)


def message(auth: bytes, header: bytes = b"n,a=alice,") -> bytes:
    """
    Return a message of OAUTHBEARER.
    """
    return header + b"\x01host=mail.example.org\x01port=143\x01auth=" + auth + b"\x01\x01"


class TokenTests(SynchronousTestCase):
    """
    Tests for OAUTHBEARER and XOAUTH2.
    """

    def setUp(self) -> None:
        self.checker = TokenChecker()
        self.server = Server(portalOf(self.checker))

    def login(self, message: bytes, *answers: Any, mechanism: str = "OAUTHBEARER") -> Any:
        """
        Log in, with a message that comes with the name of the mechanism.
        """
        self.server.sent.clear()
        return self.server.login(mechanism, iter(answers), message)

    def test_right(self) -> None:
        """
        A token lets in, with the name of the user to act as, or without.
        """
        for header, authzid in (
            (b"n,a=alice,", b"alice"),
            (b"n,a=,", b""),
            (b"n,,", b""),
            (b"y,a=al=2Cice,", b"al,ice"),
        ):
            for scheme in (b"Bearer", b"bearer", b"BEARER "):
                login = self.login(message(scheme + b" token", header))
                self.successResultOf(login)
                self.assertEqual(self.checker.given[-1], (b"token", authzid))
        self.assertEqual(self.server.sent, [])

    def test_xoauth2(self) -> None:
        """
        Google's form does so, too.
        """
        self.checker.token = b"ya29.vF9dft4qmTc2Nvb3RlckB"
        self.successResultOf(self.login(XOAUTH2, mechanism="XOAUTH2"))
        self.assertEqual(self.checker.given, [(self.checker.token, b"alice@example.org")])

    def test_wrong(self) -> None:
        """
        A client whose token isn't good is told so in JSON, and is refused whatever it
        answers to that.
        """
        for mechanism, sent, status in (
            ("OAUTHBEARER", message(b"Bearer wrong"), "invalid_token"),
            ("XOAUTH2", XOAUTH2, "401"),
        ):
            for answer in (b"\x01", b"", b"x", SASLCancelled("cancelled"), SASLError()):
                login = self.login(sent, answer, mechanism=mechanism)
                failure = self.failureResultOf(login, UnauthorizedLogin)
                self.assertFalse(failure.check(SASLError))
                (advice,) = self.server.sent
                self.assertEqual(json.loads(advice)["status"], status)

    def test_noToken(self) -> None:
        """
        A client without a token gets the advice that it asks for; no checker is asked.
        """
        login = self.login(message(b""), b"\x01")
        self.failureResultOf(login, UnauthorizedLogin)
        self.assertEqual(len(self.server.sent), 1)
        self.assertEqual(self.checker.given, [])

    def test_notTheToken(self) -> None:
        """
        A client isn't told that its token is bad if it isn't, or nobody knows.
        """
        for error in (TemporaryFailure("down"), AccountDenied(DenialReason.LOCKED)):
            self.checker.error = error
            login = self.login(message(b"Bearer wrong"))
            failure = self.failureResultOf(login, LoginFailed)
            self.assertIs(failure.value, error)
            self.assertEqual(self.server.sent, [])

    def test_malformed(self) -> None:
        """
        What isn't in the form of the RFC makes no sense.
        """
        right = message(b"Bearer token")
        for wrong in (
            *(
                b"",
                b"\x01",
                b"n,a=alice,",
                b"n,,\x01\x01",
                b"n,,\x01\x01\x01",
                right[:-1],
            ),
            *(right + b"\x01", right[1:], b"p=tls-unique" + right[1:], b"x" + right[1:]),
            *(message(b"Bearer"), message(b"Basic dG9rZW4="), message(b"Bearer a b")),
            *(message(b"Bearer a=b"), message(b"Bearer t\x80"), message(b"Bearer a,b")),
            *(message(b"Bearer a\x01auth=Bearer b"), message(b"Bearer a", b"n,a=b,c,")),
            *(message(b"Bearer a", b"n,a=\xff,"), message(b"Bearer a", b"n,a=a\0,")),
            *(message(b"Bearer a", b"n,a=b=3,"), message(b"Bearer a\x01host")),
            message(b"Bearer a\x01=x"),
        ):
            self.failureResultOf(self.login(wrong), SASLError)
        for wrong in (
            *(
                b"",
                b"user=a",
                b"user=a\x01",
                XOAUTH2[:-1],
                XOAUTH2 + b"\x01",
                XOAUTH2[1:],
            ),
            *(b"user=\xff\x01auth=Bearer a\x01\x01", b"user=a\x01user=b\x01\x01"),
            b"user=a\0\x01auth=Bearer a\x01\x01",
        ):
            self.failureResultOf(self.login(wrong, mechanism="XOAUTH2"), SASLError)
        self.assertEqual(self.checker.given, [])

    @given(st.binary(max_size=80), st.integers(0, 80), st.integers(0, 80))
    def test_anything(self, noise: bytes, start: int, end: int) -> None:
        """
        A message into which something else was written is refused, and raises nothing
        else.
        """
        self.checker.token = b"another"
        for mechanism, right in (
            ("OAUTHBEARER", message(b"Bearer token")),
            ("XOAUTH2", XOAUTH2),
        ):
            wrong = right[:start] + noise + right[end:]
            login = self.login(wrong, b"\x01", mechanism=mechanism)
            self.failureResultOf(login, UnauthorizedLogin)
