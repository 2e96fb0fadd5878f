"""
Tests for L{mycred.demo._imap4._syntax} and what reads commands by it.

They cover L{mycred.demo._imap4._commands}, too.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo._dialogue import Refused
from mycred.demo._imap4._commands import COMMANDS
from mycred.demo._imap4._syntax import Arguments, literal, string

# What commands are made of.
_PIECES = [
    *b'( ) [ ] < > { } " \\ * % , : . + - 0 1 9 1:* 2,4:7 {3} {3+} "a" NIL'.split(),
    b"INBOX",
    *b"BODY[ BODY.PEEK[ ]<0.5> HEADER.FIELDS TEXT MIME FLAGS (FLAGS ALL OR NOT".split(),
    *b'SUBJECT BEFORE 1-Feb-1994 "1-Feb-1994" CHARSET UTF-8 +FLAGS.SILENT'.split(),
    *b"\\Seen (MESSAGES UNSEEN) & &AOk- \xff \x00 \r".split(b" "),
    b" ",
    b'"01-Feb-1994 21:52:25 -0800"',
]


class ArgumentsTests(SynchronousTestCase):
    """
    Tests for L{Arguments}.
    """

    def test_astring(self) -> None:
        """
        Atoms, quoted strings and literals are the strings that they stand for.
        """
        for text, value in [
            (b"alice", b"alice"),
            (b'"alice"', b"alice"),
            (b'""', b""),
            (b'"a b"', b"a b"),
            (rb'"a\"b\\c"', rb'a"b\c'),
            (rb'"\\"', b"\\"),
            (rb'"\\\""', rb"\""),
            (b"pa(ss", b"pa(ss"),
            (b"a\\b", b"a\\b"),
            (b"\xc3\xbc", b"\xc3\xbc"),
            (b'"\xc3\xbc"', b"\xc3\xbc"),
        ]:
            arguments = Arguments(text)
            self.assertEqual(arguments.astring(), value, text)
            arguments.end()
        for size in (b"{3}", b"{3+}"):
            arguments = Arguments(size, b'a"\\', b" more")
            self.assertEqual(arguments.astring(), b'a"\\')
            self.assertEqual(arguments.astring(), b"more")

    def test_malformed(self) -> None:
        """
        What is no string raises, and doesn't say what is there.
        """
        for text in (b'"', b'"a', b'"a"b', rb'"\a"', rb'"a\"', b'"\x00"', b"{3}", b"(a)"):
            error = self.assertRaises(ValueError, Arguments(text).astring)
            self.assertIn("expected", str(error))

    def test_listed(self) -> None:
        """
        A list is what stands in parentheses.
        """
        arguments = Arguments(b'(a "b c" {1}', b"d", b" e)")
        self.assertEqual(
            arguments.listOf(lambda: arguments.astring(isListed=True)),
            [b"a", b"b c", b"d", b"e"],
        )
        arguments.end()

    @given(st.binary(max_size=30).filter(lambda b: b"\x00" not in b))
    def test_string(self, value: bytes) -> None:
        """
        What is written as a string is read as the same.
        """
        written = string(value)
        found = re.fullmatch(rb"(\{[0-9]+\})\r\n(.*)", written, re.DOTALL)
        pieces = (found[1], found[2], b"") if found else (written,)
        self.assertEqual(Arguments(*pieces).astring(), value)

    def test_sets(self) -> None:
        """
        Sets of numbers hold what RFC 3501 says, the highest included.
        """
        for text, numbers in [
            (b"1", {1}),
            (b"2,4:6", {2, 4, 5, 6}),
            (b"6:4", {4, 5, 6}),
            (b"*", {9}),
            (b"8:*", {8, 9}),
            (b"*:8", {8, 9}),
            (b"12:*", {9}),
            (b"1,1,*", {1, 9}),
            (b"4294967295", set()),
        ]:
            held = Arguments(text).sequenceSet()
            self.assertEqual({n for n in range(1, 10) if held.holds(n, 9)}, numbers, text)
        for text in (
            b"0",
            b"",
            b"a",
            b"1:",
            b":1",
            b"1,",
            b"-1",
            b"1:2:3",
            b"1;2",
            b"*1",
        ):
            self.assertRaises(ValueError, Arguments(text).sequenceSet)

    def test_dates(self) -> None:
        """
        Dates are read as RFC 3501 has them, whatever the case of months.
        """
        for text in (b"1-Feb-1994", b'"01-FEB-1994"'):
            self.assertEqual(Arguments(text).date(), date(1994, 2, 1))
        for text, seconds in [
            (b'"01-Jan-1970 00:00:00 +0000"', 0),
            (b'" 1-Jan-1970 01:00:10 +0100"', 10),
            (b'"31-Dec-1969 23:30:00 -0030"', 0),
        ]:
            self.assertEqual(Arguments(text).dateTime(), seconds)
        for text in (
            b"31-Feb-1994",
            b"1-Foo-1994",
            b'"1-Feb-1994',
            b"1-Feb-0000",
            b"01-02-1994",
        ):
            self.assertRaises(ValueError, Arguments(text).date)
        for text in (
            b'"31-Feb-1994 00:00:00 +0000"',
            b'"01-Feb-1994 25:00:00 +0000"',
            b'"31-Dec-9999 23:00:00 -0800"',
            b'"01-Jan-0001 00:00:00 +0800"',
        ):
            self.assertRaises(ValueError, Arguments(text).dateTime)

    def test_literal(self) -> None:
        """
        A literal follows a line whose last argument says so, and nothing else.
        """
        for line in (
            b"1 LOGIN {3}",
            b"1 LOGIN {3+}",
            b"1 FETCH 1 BODY[HEADER.FIELDS ({3}",
        ):
            self.assertTrue(literal.search(line), line)
        for line in (
            b"1 LOGIN alice x{3}",
            b'1 LOGIN alice "{3}"',
            b"1 LOGIN {3} ",
            b"{x}",
        ):
            self.assertIsNone(literal.search(line), line)


class CommandTests(SynchronousTestCase):
    """
    Tests for the tables of commands.
    """

    @given(
        st.sampled_from(list(COMMANDS.values())),
        st.lists(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4)), max_size=12),
        st.lists(st.binary(max_size=8), max_size=4),
    )
    def test_anything(self, command: Any, pieces: list[bytes], rest: list[bytes]) -> None:
        """
        Whatever follows a command: its arguments are read, or it is an error of the
        client's.
        """
        text = b"".join(pieces)
        pairs = [*rest, b""] if len(rest) % 2 else rest
        try:
            command.read(Arguments(text, *pairs))
        except (ValueError, Refused) as error:
            self.assertNotIsInstance(error, UnicodeError)

    @given(st.sampled_from(sorted(COMMANDS)), st.binary(min_size=12, max_size=12))
    def test_nothingComesBack(self, name: bytes, secret: bytes) -> None:
        """
        No error says what it was made of.
        """
        for text in (b" " + secret, b' "' + secret, b" x y " + secret, b" 1 " + secret):
            try:
                COMMANDS[name].read(Arguments(text))
            except ValueError as error:
                self.assertNotIn(secret.decode("latin-1"), str(error))
