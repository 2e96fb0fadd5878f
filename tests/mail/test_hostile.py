"""
Tests for L{mycred.mail}: whatever a client sends, it gets answers of the protocol, nobody
gets in, and nothing is logged as a defect.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable

from hypothesis import given, settings, strategies as st

from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from mycred.error import UnauthorizedLogin
from tests.kit.mailservers import (
    DIALECTS,
    Dialect,
    ScramChecker,
    TalkTests,
    TokenChecker,
)
from tests.kit.portals import Checker

REFUSED = UnauthorizedLogin()

MECHANISMS = [
    b"PLAIN",
    b"LOGIN",
    b"SCRAM-SHA-256",
    b"SCRAM-SHA-1-PLUS",
    b"EXTERNAL",
    b"OAUTHBEARER",
    b"XOAUTH2",
    b"CRAM-MD5",
    b"X",
]

# What an answer looks like.
ANSWERS = {
    "imap": re.compile(rb"(?:\+ |\* (?:BAD|BYE|CAPABILITY)\b|\S+ (?:OK|NO|BAD) ).*"),
    "pop3": re.compile(rb"(?:\+ |\+OK|-ERR ).*|\.|[A-Z][A-Z0-9 -]*"),
    "smtp": re.compile(rb"[2-5][0-9][0-9][ -].*"),
}

_words = st.sampled_from(
    [
        *MECHANISMS,
        *(b"AUTHENTICATE AUTH LOGIN USER PASS APOP CAPA CAPABILITY EHLO HELO".split()),
        *(b"MAIL FROM:<a@b> RCPT TO:<a@b> DATA RSET NOOP STARTTLS STLS QUIT".split()),
        *(b'a alice =  * {3} {3+} {0} {99999999999} ( ) " \\ + STAT TOP 1 LIST'.split()),
        b"",
        b'"al ice"',
        b64encode(b"\0alice\0tulip"),
        b64encode(b"n,,n=alice,r=abc"),
        b64encode(b"c=biws,r=abc,p=eA=="),
        b64encode(b"\1"),
        b"FETCH",
    ]
)
_bytes = st.binary(max_size=20)
_lines = st.lists(st.one_of(_words, _bytes), max_size=5).map(b" ".join)
_answers = st.binary(max_size=40).map(b64encode)
_ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
_pieces = st.tuples(st.one_of(_lines, _answers), _ends).map(b"".join)


_names = st.sampled_from(sorted(ANSWERS))
_quickly = settings(deadline=None, database=None, max_examples=200)


class HostileTests(TalkTests, SynchronousTestCase):
    """
    Tests for all protocols.
    """

    name = "imap"

    def hostile(self, name: str, pieces: Callable[[Dialect], list[bytes]]) -> None:
        """
        Send pieces, and look at what comes back.
        """
        self.name = name
        talk = self.talk(ScramChecker({}), TokenChecker(), context=object())
        for piece in pieces(DIALECTS[name]):
            if not talk.transport.connected:
                break
            for line in talk.send(piece):
                self.assertRegex(line, ANSWERS[name])
        talk.hangUp()
        self.assertEqual(self.realm.names, [])
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    @given(_names, st.lists(_pieces, max_size=12))
    @_quickly
    def test_random(self, name: str, pieces: list[bytes]) -> None:
        """
        Anything may come at any time.
        """
        self.hostile(name, lambda _: pieces)

    @given(
        _names,
        st.sampled_from(MECHANISMS),
        st.lists(st.one_of(_answers, _lines), max_size=4),
    )
    @_quickly
    def test_exchanges(self, name: str, mechanism: bytes, answers: list[bytes]) -> None:
        """
        Anything may be the answer to a challenge.
        """

        def pieces(dialect: Dialect) -> list[bytes]:
            begin = dialect.auth(mechanism)
            return [line + b"\r\n" for line in (begin, *answers, begin, *answers)]

        self.hostile(name, pieces)

    @given(_names, st.sampled_from(MECHANISMS), st.one_of(_answers, _bytes))
    @_quickly
    def test_initial(self, name: str, mechanism: bytes, initial: bytes) -> None:
        """
        Anything may be an initial response.
        """
        self.hostile(name, lambda d: [d.auth(mechanism) + b" " + initial + b"\r\n"])

    @given(_names, st.integers(0, 40000), st.sampled_from([b"\r\n", b"x", b"\r\nx"]))
    @_quickly
    def test_long(self, name: str, size: int, end: bytes) -> None:
        """
        An answer may be of any length.
        """

        def pieces(dialect: Dialect) -> list[bytes]:
            return [dialect.auth(b"PLAIN") + b"\r\n", b"A" * size + end, end]

        self.hostile(name, pieces)

    @given(_names, st.lists(_pieces, max_size=8), st.lists(_pieces, max_size=4))
    @_quickly
    def test_meanwhile(self, name: str, during: list[bytes], after: list[bytes]) -> None:
        """
        Anything may come while a login is under way.
        """
        self.name = name
        waiting: Deferred[bytes] = Deferred()
        first = [waiting]
        talk = self.talk(Checker(lambda: first.pop() if first else fail(REFUSED)))
        talk.send(DIALECTS[name].auth(b"PLAIN", b"\0alice\0tulip") + b"\r\n")
        for piece in during:
            self.assertEqual(talk.send(piece), [])
        waiting.errback(REFUSED)
        said = talk.said()
        self.assertTrue(said[0].startswith(DIALECTS[name].refused), said)
        for piece in after:
            if talk.transport.connected:
                said += talk.send(piece)
        for line in said:
            self.assertRegex(line, ANSWERS[name])
        talk.hangUp()
        self.assertEqual(self.realm.names, [])
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
