"""
Tests for L{mycred._certificates._mapping}.
"""

from __future__ import annotations

import contextlib

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._certificates import parseMapping
from mycred._certificates._mapping import withFingerprints


class MappingTests(SynchronousTestCase):
    """
    Tests for L{parseMapping} and L{withFingerprints}.
    """

    def test_lines(self) -> None:
        """
        A line has a name, which may hold spaces, and an account.  What begins with a
        number sign, and what is blank, is skipped.
        """
        text = """
        # value account
        alice@example.org\talice
          CN=Bob  B.,O=Example Inc.   bob
        al@example.org alice\r
        # carol@example.org carol

        \u00c5sa \u00e5sa
        """
        self.assertEqual(
            parseMapping(b"\xef\xbb\xbf" + text.encode()),
            {
                "alice@example.org": "alice",
                "CN=Bob  B.,O=Example Inc.": "bob",
                "al@example.org": "alice",
                "\u00c5sa": "\u00e5sa",
            },
        )
        self.assertEqual(parseMapping(b""), {})

    def test_twice(self) -> None:
        """
        A name may stand there twice for one account, and not for two.
        """
        self.assertEqual(parseMapping(b"a x\na  x"), {"a": "x"})
        error = self.assertRaises(ValueError, parseMapping, b"a x\n\na y\n")
        self.assertEqual(
            str(error), "line 3: the name stands for another account already"
        )

    def test_flaws(self) -> None:
        """
        A line that isn't like that makes the file useless, and the error says which.
        """
        for line, why in (
            (b"alice", "write a name, a space, and an account"),
            (b"a\0b x", "odd characters"),
            (b"a x\x07", "odd characters"),
            (b"a" * 2000 + b" x", "too long"),
            (b"a\xff x", "utf-8"),
        ):
            error = self.assertRaises(ValueError, parseMapping, b"#\n" + line + b"\nb y")
            self.assertIn("line 2: ", str(error))
            self.assertIn(why, str(error))

    def test_fingerprints(self) -> None:
        """
        A fingerprint is written as openssl does, or without colons, in any case.
        """
        digits = "0123456789abcdef" * 4
        pairs = ":".join(digits[at : at + 2] for at in range(0, 64, 2)).upper()
        for written in (digits, pairs, digits.upper()):
            self.assertEqual(withFingerprints(f"{written} al".encode()), {digits: "al"})
        for wrong in (digits[1:], digits + "00", "x" + digits[1:], f"SHA256={pairs}"):
            error = self.assertRaises(ValueError, withFingerprints, f"{wrong} x".encode())
            self.assertIn("64 hexadecimal digits", str(error))

    @given(strategies.binary() | strategies.text("ab \t\n\r#:\x85\u2028").map(str.encode))
    def test_hostile(self, text: bytes) -> None:
        """
        Whatever a file holds, nothing but L{ValueError} is raised.
        """
        for parse in (parseMapping, withFingerprints):
            with contextlib.suppress(ValueError):
                for name, account in parse(text).items():
                    self.assertTrue(name)
                    self.assertTrue(account.isprintable())
