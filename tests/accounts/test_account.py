"""
Tests for L{mycred._accounts._account} and L{mycred._verdict}.
"""

from __future__ import annotations

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts import isAccountName, isMadeUp, madeUp


class NameTests(SynchronousTestCase):
    """
    Tests for L{isAccountName}.
    """

    def test_names(self) -> None:
        """
        Names as systems and directories have them are names.
        """
        for name in (
            b"alice",
            b"www-data",
            b"_apt",
            b"host$",
            b"alice@ad.example.org",
            b"AD\\alice",
            b"Alice Liddell",
            "zoë".encode(),
            b"zo\xeb",
            b"a" * 255,
        ):
            self.assertTrue(isAccountName(name), name)

    def test_noNames(self) -> None:
        """
        What would end a field, a line or a string of C, lead out of a folder, mean
        something else, or is too long, is no name.
        """
        for name in (
            b"",
            b"a:b",
            b"a\n",
            b"a\nb",
            b"a\r",
            b"a\0b",
            b"a\x1b[2J",
            b"a\x7f",
            b"../alice",
            b"/",
            b"+alice",
            b"-alice",
            b"a" * 256,
        ):
            self.assertFalse(isAccountName(name), name)

    @given(strategies.binary(max_size=300))
    def test_madeUp(self, name: bytes) -> None:
        """
        In the name of a made-up account, which programs are told, is nothing that means
        something to a shell or an option, in a pattern, or where files are named.
        """
        account = madeUp(name)
        self.assertTrue(isMadeUp(account))
        self.assertEqual(len(account.name), len(name))
        self.assertRegex(account.name, r"\A([A-Za-z0-9_][A-Za-z0-9._-]*)?\Z")
        if name.isalnum():
            self.assertEqual(account.name, name.decode("ascii"))

    @given(strategies.binary(max_size=300))
    def test_anything(self, name: bytes) -> None:
        """
        A name that is accepted can't break out of a line of passwd(5), whatever it
        is.
        """
        if isAccountName(name):
            self.assertEqual(len((name + b":x").split(b":")), 2)
            self.assertEqual((name + b":x").splitlines(), [name + b":x"])
            self.assertNotIn(b"\0", name)
