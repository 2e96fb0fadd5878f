"""
Tests for L{mycred._stack._names}.
"""

from __future__ import annotations

import contextlib

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._stack._names import spelledOnce

ALICE = (
    b"alice",
    "alice",
    b"ALICE",
    b" alice\t",
    b"al ice",
    "al\u00adice",
    "al\u200bice",
    "\uff41\uff4c\uff49\uff43\uff45",
    "alicé",
    "ali\u0301ce",
    "\u202ealice",
    "alice\ufe0f",
    b"ali\0ce",
    "AL\u0130CE",
    "alicé".encode(),
    # As FTP hands it over.
    "alicé".encode().decode("latin-1"),
)


#: Names each of which Active Directory takes for the others beside it.
ALIKE = (
    ("bjorn", "björn", "bjǫrṅ", "b\u0328j\u1ab2ø\u24c7n", "BJØRN", "bjorɲ"),
    ("pawel", "paweł", "PAWEŁ", "pa\u2c73e\ua749"),
    ("aegir", "ægir", "\u01e3gir"),
    ("つ", "ツ", "っ", "\u32e1", "\uff82", "づ"),
    ("isik", "ışık", "IŞIK"),
)


class SpelledOnceTests(SynchronousTestCase):
    """
    Tests for L{spelledOnce}.
    """

    def test_spellings(self) -> None:
        """
        Case, spaces, marks, what isn't seen and how it came make no difference.
        """
        self.assertEqual({spelledOnce(name) for name in ALICE}, {b"alice"})

    def test_alike(self) -> None:
        """
        Letters with a stroke, ligatures, and both kinds of kana make none, either.
        """
        for names in ALIKE:
            self.assertEqual(len({spelledOnce(name) for name in names}), 1, names)

    def test_different(self) -> None:
        """
        Other names are others, those that aren't UTF-8, too.
        """
        names = ["alice", "bob", "al.ice", "алиса", b"\xff", b"\xfe", "alice2"]
        self.assertEqual(len({spelledOnce(name) for name in names}), len(names))

    def test_tooLong(self) -> None:
        """
        Names that are too long are told apart by their beginning only.
        """
        one, other = b"x" * 2000 + b"1", b"x" * 2000 + b"2"
        self.assertEqual(spelledOnce(one), spelledOnce(other))
        self.assertLessEqual(len(spelledOnce("\ufdfa" * 10**6)), 100_000)

    def test_noName(self) -> None:
        """
        What is no text is one account, as over PB.
        """
        names = (None, ["alice"], 7, object(), "", b"  ")
        self.assertEqual({spelledOnce(name) for name in names}, {b""})

    @given(st.one_of(st.binary(), st.text(), st.text(st.characters())))
    def test_anything(self, name: object) -> None:
        """
        It takes whatever a client can send, and what it returns stays as it is if it is
        text.
        """
        once = spelledOnce(name)
        self.assertIsInstance(once, bytes)
        with contextlib.suppress(UnicodeDecodeError):
            once.decode("utf-8")
            self.assertEqual(spelledOnce(once), once)
