"""
Tests for names as clients send them.
"""

from __future__ import annotations

import re

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._scram import SASLNAME, sentName, unescapedName
from mycred.error import SASLError


class NameTests(SynchronousTestCase):
    """
    Tests for what can be a name.
    """

    def test_asSent(self) -> None:
        """
        A name comes back as it was sent, prepared or not; there may be none.
        """
        for name in (b"alice", "Jürgen".encode(), "\u2168".encode(), b"a b", b""):
            self.assertEqual(sentName(name), name)

    def test_absurd(self) -> None:
        """
        A name with a NUL, one that is too long, and one that isn't UTF-8 are refused.
        """
        for name in (b"ali\0ce", b"a" * 1025, b"J\xfcrgen", b"\xed\xa0\x80"):
            self.assertRaises(SASLError, sentName, name)

    def test_escapes(self) -> None:
        """
        A comma and an equals sign come back; nothing else is an escape.
        """
        self.assertEqual(unescapedName(b"a=2Cb=3D2Cc"), b"a,b=2Cc")
        for wrong in (b"a=b", b"a=", b"a=2c", b"=3d", b"a,b", b"a\0b", b"=", b"=2"):
            self.assertIsNone(re.fullmatch(SASLNAME, wrong), wrong)

    @given(st.binary(max_size=40))
    def test_anything(self, name: bytes) -> None:
        """
        Any bytes are a name, or refused.
        """
        if re.fullmatch(SASLNAME, name) is not None:
            try:
                found = unescapedName(name)
            except SASLError:
                return
            self.assertEqual(found.decode().encode(), found)

    @given(st.text(st.characters(exclude_characters="\0"), max_size=40))
    def test_written(self, name: str) -> None:
        """
        Any text can be written as a name.
        """
        sent = name.replace("=", "=3D").replace(",", "=2C")
        try:
            encoded = sent.encode()
        except UnicodeEncodeError:
            return
        self.assertIsNotNone(re.fullmatch(SASLNAME, encoded))
        self.assertEqual(unescapedName(encoded), name.encode())
