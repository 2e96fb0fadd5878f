"""
Tests for names and passwords in one form.
"""

from __future__ import annotations

import stringprep
from collections.abc import Iterable

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._scram import prepared, saslprep
from mycred._scram._saslprep import _MAPPED, _isProhibited


def _codesIn(start: int) -> Iterable[int]:
    """
    Return the code points of a plane that are looked at: all of the first one.
    """
    return range(start, start + (0x10000 if start == 0 else 0x800))


class SASLprepTests(SynchronousTestCase):
    """
    Tests for L{saslprep}.
    """

    def test_rfc(self) -> None:
        """
        The examples of RFC 4013, section 3.
        """
        for text, expected in (
            ("I\u00adX", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u00aa", "a"),
            ("\u2168", "IX"),
        ):
            self.assertEqual(saslprep(text), expected)
        for text in ("\u0007", "\u0627\u0031"):
            self.assertRaises(ValueError, saslprep, text)

    def test_spaces(self) -> None:
        """
        All spaces are one.
        """
        self.assertEqual(saslprep("a\u00a0b\u3000c\u1680d"), "a b c d")

    def test_composed(self) -> None:
        """
        A letter and its accent are one character.
        """
        self.assertEqual(saslprep("Ju\u0308rgen"), "J\u00fcrgen")

    def test_prohibited(self) -> None:
        """
        Control characters, private ones, surrogates, and those that Unicode 3.2 didn't
        know are prohibited.
        """
        for wrong in (
            *("\x00", "\x7f", "\u0080", "\ue000", "\ufdd0", "\ud800", "\ufffd"),
            *("\u2ff0", "\u206a", "\u202e", "\U000e0001", "\u0221", "\U0001f600"),
        ):
            self.assertRaises(ValueError, saslprep, f"a{wrong}b")

    def test_directions(self) -> None:
        """
        Text that is written from right to left begins and ends so, and has nothing of the
        other direction in it.
        """
        self.assertEqual(saslprep("\u06271\u0628"), "\u06271\u0628")
        for wrong in ("\u0627a\u0628", "1\u0627", "\u0627\u00adb"):
            self.assertRaises(ValueError, saslprep, wrong)

    def test_nothing(self) -> None:
        """
        A text of which nothing is left is none.
        """
        for nothing in ("", "\u00ad", "\u200d\ufeff"):
            self.assertRaises(ValueError, saslprep, nothing)

    @given(st.text(st.characters(), max_size=20))
    def test_anything(self, text: str) -> None:
        """
        Any text is prepared, or refused with a L{ValueError}; what is prepared stays as
        it is.
        """
        try:
            found = saslprep(text)
        except ValueError:
            return
        self.assertEqual(saslprep(found), found)


class TableTests(SynchronousTestCase):
    """
    Tests against the tables of RFC 3454, as the standard library has them.
    """

    # All planes in which something was assigned, and the begin of one in which nothing
    # was.
    characters = [
        chr(code) for part in (0, 1, 2, 3, 14, 15) for code in _codesIn(part << 16)
    ]

    def test_prohibited(self) -> None:
        """
        The same characters are prohibited.
        """
        names = "c21_c22", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "a1"
        tables = [getattr(stringprep, f"in_table_{name}") for name in names]
        for character in self.characters:
            expected = any(table(character) for table in tables)
            if _isProhibited(character) != expected:
                self.fail(hex(ord(character)))

    def test_mapped(self) -> None:
        """
        The same characters are mapped.
        """
        for character in self.characters:
            expected = character
            if stringprep.in_table_c12(character):
                expected = " "
            elif stringprep.in_table_b1(character):
                expected = ""
            if character.translate(_MAPPED) != expected:
                self.fail(hex(ord(character)))


class PreparedTests(SynchronousTestCase):
    """
    Tests for L{prepared}.
    """

    def test_prepared(self) -> None:
        """
        A secret is prepared where that can be done, and else as it is.
        """
        for secret, expected in (
            (b"sesame", b"sesame"),
            ("I\u00adX".encode(), b"IX"),
            ("\u2168".encode(), b"IX"),
            (b"", b""),
            ("\u00ad".encode(), "\u00ad".encode()),
            (b"J\xfcrgen", b"J\xfcrgen"),
            (b"bell\x07", b"bell\x07"),
            (b"delete\x7f", b"delete\x7f"),
            ("\U0001f600".encode(), "\U0001f600".encode()),
        ):
            self.assertEqual(prepared(secret), expected)

    @given(st.binary(max_size=20))
    def test_anything(self, secret: bytes) -> None:
        """
        There is a form of any bytes, and it is the form of itself.
        """
        self.assertEqual(prepared(prepared(secret)), prepared(secret))
