"""
Tests for L{mycred.demo._smtp._data}, L{mycred.demo._smtp._paths} and
L{mycred.demo._smtp._trace}: what clients may send, and shouldn't.
"""

from __future__ import annotations

import smtplib
from email import message_from_bytes
from email.utils import parsedate
from types import SimpleNamespace
from typing import Any

from hypothesis import given, strategies as st

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._smtp._data import DataReader, hasHeaders, whyUnfit
from mycred.demo._smtp._paths import Address, Path, parsePath
from mycred.demo._smtp._trace import LONGEST_TRACE, traceOf

LINES = st.lists(
    st.one_of(st.sampled_from([b"", b".", b"..", b".x", b"\r", b"\n"]), st.binary())
)


def stuffed(content: bytes) -> bytes:
    """
    Return a message as the standard library's client sends it.
    """
    quoted = smtplib._quote_periods(content)  # type: ignore[attr-defined]
    end = b"" if not quoted or quoted.endswith(b"\r\n") else b"\r\n"
    return quoted + end + b".\r\n"


class DataReaderTests(SynchronousTestCase):
    """
    Tests for L{DataReader}.
    """

    def read(self, data: bytes, size: int, most: int = 10**6) -> tuple[Any, bytes]:
        """
        Read a message that comes in pieces.

        @return: it, and what follows it.
        """
        reader = DataReader(most)
        for start in range(0, len(data), size):
            rest = reader.feed(data[start : start + size])
            if rest is not None:
                return reader.content(), rest + data[start + size :]
        raise AssertionError("it isn't over")

    @given(LINES, st.integers(1, 9))
    def test_roundTrip(self, lines: list[bytes], size: int) -> None:
        """
        What another client sends comes out as it was, in pieces of any size, and what
        follows it is left alone.
        """
        content = b"\r\n".join(
            line.replace(b"\r", b"").replace(b"\n", b"") for line in lines
        )
        read, rest = self.read(stuffed(content) + b"QUIT\r\n", size)
        ended = content + b"\r\n" * bool(content and not content.endswith(b"\r\n"))
        self.assertEqual((read, rest), (ended, b"QUIT\r\n"))

    def test_ends(self) -> None:
        """
        Only a dot between two ends of lines, CR LF, ends a message: what some servers
        take for an end as well would be a way to have one message taken for two.
        """
        for end in (b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n"):
            with self.subTest(end=end):
                data = b"x" + end + b"MAIL FROM:<>\r\n.\r\n"
                self.assertEqual(self.read(data, 3)[1], b"")

    def test_lineFeed(self) -> None:
        """
        A line that ends in a lone LF is a line of the message like others.
        """
        read, _ = self.read(b"a: b\n\n.\n..\r\n..\r\n.\r\n", 3)
        self.assertEqual(read, b"a: b\r\n\r\n.\r\n..\r\n.\r\n")

    def test_size(self) -> None:
        """
        A message of the largest size is kept, dots that are doubled not counted; one
        octet more is too much, and is read to its end.
        """
        for line in (b"x\r\n", b".\r\n"):
            data = stuffed(line * 10) + b"NOOP\r\n"
            self.assertEqual(self.read(data, 4, 30), (line * 10, b"NOOP\r\n"))
            self.assertEqual(self.read(data, 4, 29), (None, b"NOOP\r\n"))

    def test_memory(self) -> None:
        """
        Of a message that is much too large next to nothing is kept, and its end is found
        wherever the pieces are cut.
        """
        for size in (1, 2, 3, 5):
            data = b"x" * 1000 + b"\r\n.\r\nNOOP\r\n"
            self.assertEqual(self.read(data, size, 100), (None, b"NOOP\r\n"))
        reader = DataReader(100)
        for _ in range(1000):
            self.assertIsNone(reader.feed(b"x" * 100))
        self.assertLess(len(reader._kept), 400)

    def test_unfit(self) -> None:
        """
        A NUL, a lone CR, and a line of more than 998 octets don't get into a mailbox,
        where they could keep other clients from reading it.
        """
        line = b"x" * 998 + b"\r\n"
        for content in (b"", b"a\r\n", line, line * 3, b"a: b\r\n\r\n" + line):
            self.assertIsNone(whyUnfit(content), content)
        unfit = [b"a\0b\r\n", b"a\rb\r\n", b"\r\n\r", b"\r\r\n"]
        for content in (*unfit, b"x" + line, line + b"x" + line, b"\r\nx" + line):
            self.assertIsNotNone(whyUnfit(content), content)

    @given(st.lists(st.sampled_from([0, 1, 498, 997, 998, 999, 1500]), max_size=6))
    def test_lines(self, lengths: list[int]) -> None:
        """
        A line counts wherever it stands, between lines of whatever lengths.
        """
        content = b"".join(b"x" * length + b"\r\n" for length in lengths)
        isUnfit = any(length > 998 for length in lengths)
        self.assertEqual(whyUnfit(content) is not None, isUnfit)

    def test_headers(self) -> None:
        """
        A message may begin with a header, or with the line that ends them.
        """
        for content in (b"A: b\r\n", b"X-a\t:\r\n", b"\r\nText\r\n"):
            self.assertTrue(hasHeaders(content), content)
        for content in (b"", b"Text\r\n", b": x\r\n", b"Two words: x\r\n"):
            self.assertFalse(hasHeaders(content), content)


class PathTests(SynchronousTestCase):
    """
    Tests for L{parsePath}.
    """

    def test_right(self) -> None:
        """
        What RFC 5321 allows is taken, and a space behind the colon.
        """
        for sent, local, domain in (
            (b":<bob@localhost>", b"bob", b"localhost"),
            (b": <bob@localhost>", b"bob", b"localhost"),
            (b":<b.o'b+x@[127.0.0.1]>", b"b.o'b+x", b"[127.0.0.1]"),
            (b":<bob>", b"bob", b""),
            (b':<"bo b@\\"x"@localhost>', b'bo b@"x', b"localhost"),
            (b":<@a.example,@b.example:bob@c.example>", b"bob", b"c.example"),
        ):
            self.assertEqual(parsePath(sent).address, Address(local, domain), sent)
        self.assertEqual(parsePath(b":<>"), Path(None, b"", {}))
        found = parsePath(b":<bob@localhost> size=512 BODY=8BITMIME x")
        self.assertEqual(
            found.parameters, {b"SIZE": b"512", b"BODY": b"8BITMIME", b"X": b""}
        )
        self.assertEqual(found.text, b"bob@localhost")

    def test_wrong(self) -> None:
        """
        What can't be an address is refused; so is a parameter that is there twice.
        """
        for sent in (
            b":bob@localhost",
            b":<bob@localhost",
            b":<bob@>",
            b":<bob@local host>",
            b":<bo b@localhost>",
            b":<.bob@localhost>",
            b":<b\xc3\xb6b@localhost>",
            b":<bob@localhost>x",
            b':<"bob@localhost>',
            b":<bob@localhost> SIZE=1 size=2",
            b":<bob@localhost> =1",
            b"<bob@localhost>",
            b":<" + b"b" * 256 + b"@localhost>",
        ):
            self.assertRaises(ValueError, parsePath, sent)

    @given(
        st.one_of(
            st.binary(max_size=60),
            st.lists(st.sampled_from(list(b':<>@".,\\ =-[]azAZ09\xff')), max_size=30).map(
                lambda octets: b":<" + bytes(octets) + b">"
            ),
        )
    )
    def test_anything(self, sent: bytes) -> None:
        """
        Whatever is sent is parsed, or is a L{ValueError} with a text for the client; the
        text of the path has nothing in it that could end a header.
        """
        try:
            path = parsePath(sent)
        except ValueError as error:
            self.assertTrue(str(error).isascii())
        else:
            self.assertRegex(path.text, rb"\A[\x20-\x7e]*\Z")


def facts(peer: Any, isSecure: bool = False) -> Any:
    """
    Return what is known of a connection.
    """
    return SimpleNamespace(peer=peer, isSecure=isSecure)


class TraceTests(SynchronousTestCase):
    """
    Tests for L{traceOf}.
    """

    def test_who(self) -> None:
        """
        The headers tell who has logged in, from where, and whether TLS was there.
        """
        for peer, isSecure, said in (
            (IPv4Address("TCP", "192.0.2.1", 1), False, "([192.0.2.1])"),
            (IPv6Address("TCP", "2001:db8::1", 1), True, "([IPv6:2001:db8::1])"),
            (IPv6Address("TCP", "::ffff:192.0.2.1", 1), True, "([192.0.2.1])"),
            (UNIXAddress(""), False, "(local)"),
        ):
            trace = traceOf(b"a@b", b"client", facts(peer, isSecure), b"here", b"alice")
            message = message_from_bytes(trace + b"\r\n")
            self.assertEqual(message["Return-Path"], "<a@b>")
            received = " ".join(message["Received"].split())
            protocol = "ESMTPSA" if isSecure else "ESMTPA"
            expected = f"from client {said} by here with {protocol} "
            expected += "(authenticated as alice); "
            self.assertEqual(received[: len(expected)], expected)
            self.assertIsNotNone(parsedate(received[len(expected) :]))

    @given(st.binary(max_size=2000), st.binary(max_size=2000))
    def test_anything(self, helo: bytes, user: bytes) -> None:
        """
        Whatever a client calls itself, and its user, there are these two headers, no
        longer than they may be.
        """
        sender = b"x" * 256
        trace = traceOf(sender, helo, facts(None), b"here", user)
        self.assertLessEqual(len(trace), LONGEST_TRACE)
        message = message_from_bytes(trace + b"\r\nText")
        self.assertEqual(message.keys(), ["Return-Path", "Received"])
        self.assertEqual(message.get_payload(), "Text")
