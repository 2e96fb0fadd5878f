"""
Tests for what a client's lines stand for.
"""

from __future__ import annotations

from base64 import b64encode

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred.error import SASLCancelled, SASLError
from mycred.sasl import LONGEST_LINE, decode, decodeInitial


class DecodeTests(SynchronousTestCase):
    """
    Tests for L{decode} and L{decodeInitial}.
    """

    def test_base64(self) -> None:
        """
        A line stands for the bytes whose base64 it is.
        """
        for answer in (b"", b"a", b"ab", b"abc", bytes(range(256))):
            self.assertEqual(decode(b64encode(answer)), answer)

    def test_empty(self) -> None:
        """
        C{=} is the empty first answer.  An empty line is an empty answer, but no first
        one.
        """
        self.assertEqual(decodeInitial(b"="), b"")
        self.assertEqual(decode(b""), b"")
        self.assertRaises(SASLError, decode, b"=")
        self.assertRaises(SASLError, decodeInitial, b"")

    def test_cancelled(self) -> None:
        """
        The client may end the login itself.
        """
        for read in (decode, decodeInitial):
            self.assertRaises(SASLCancelled, read, b"*")

    def test_malformed(self) -> None:
        """
        What isn't the one base64 of some bytes is refused: other characters, spaces, too
        much or too little at the end, bits that are lost.
        """
        for wrong in (
            *(b"!!!!", b"YQ", b"YQ=", b"YQ===", b"YQ==YQ==", b" YQ==", b"YQ== ", b"Y Q="),
            *(b"YQ==\r", b"YR==", b"YWJ=", b"====", b"A", b"**", b"Y-_=", b"YWI\xff"),
            *(b"YQ==\n", b"\0", b"AUTH PLAIN", b"QUIT 1"),
        ):
            for read in (decode, decodeInitial):
                error = self.assertRaises(SASLError, read, wrong)
                self.assertTrue(str(error).isascii())
                self.assertNotIsInstance(error, SASLCancelled)

    def test_longest(self) -> None:
        """
        A line that is too long is refused.
        """
        longest = b"A" * LONGEST_LINE
        self.assertEqual(len(decode(longest)), LONGEST_LINE * 3 // 4)
        self.assertRaises(SASLError, decode, longest + b"AAAA")

    @given(st.binary(max_size=40))
    def test_anything(self, line: bytes) -> None:
        """
        Any line is the base64 of what it stands for, or refused.
        """
        try:
            answer = decode(line)
        except SASLError:
            return
        self.assertEqual(b64encode(answer), line)
