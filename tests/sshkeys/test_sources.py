"""
Tests for L{mycred._sshkeys._sources}.
"""

from __future__ import annotations

import contextlib
import re

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys._sources import BadPattern, isAmong, isInside, isLike, normalized


class LikeTests(SynchronousTestCase):
    """
    Tests for L{isLike}.
    """

    def test_like(self) -> None:
        """
        C{*} stands for anything, C{?} for a character.
        """
        for text, pattern in (
            ("", ""),
            ("", "*"),
            ("abc", "a*"),
            ("abc", "*c"),
            ("abc", "a?c"),
            ("abc", "**b**"),
            ("a*", "a*"),
        ):
            self.assertTrue(isLike(text, pattern), pattern)
        for text, pattern in (("", "?"), ("abc", "ab"), ("abc", "abcd"), ("abc", "b*")):
            self.assertFalse(isLike(text, pattern), pattern)

    @given(strategies.text("ab", max_size=8), strategies.text("ab*?", max_size=8))
    def test_regularly(self, text: str, pattern: str) -> None:
        """
        It is what a regular expression would match.
        """
        expression = pattern.replace("*", ".*").replace("?", ".")
        self.assertEqual(
            isLike(text, pattern), re.fullmatch(expression, text) is not None
        )

    def test_hostile(self) -> None:
        """
        A pattern made to take for ever doesn't.
        """
        self.assertFalse(isLike("a" * 2000, "*a" * 200 + "b"))


class AmongTests(SynchronousTestCase):
    """
    Tests for L{isAmong}; L{tests.conch.test_correspondence} holds them to sshd.
    """

    def test_addresses(self) -> None:
        """
        Addresses and networks of both families are told apart.
        """
        for address, patterns, expected in (
            ("192.0.2.1", "192.0.2.1", True),
            ("192.0.2.1", "192.0.2.0/24", True),
            ("192.0.2.1", "0.0.0.0/0", True),
            ("2001:db8::1", "2001:db8::/32", True),
            ("2001:db8::1", "2001:DB8:0::1", True),
            ("2001:db8::1", "0.0.0.0/0", False),
            ("192.0.2.1", "::/0", False),
            ("::ffff:192.0.2.1", "192.0.2.0/24", True),
            ("::ffff:192.0.2.1", "!192.0.2.1,*", False),
            ("192.0.2.1", "192.0.2.?,!192.0.2.0/24", False),
            ("192.0.2.1", "192.0.2.01", True),
        ):
            self.assertEqual(isAmong(address, patterns), expected, patterns)

    def test_names(self) -> None:
        """
        With a name, patterns are held against it too, in lower case.
        """
        for patterns, expected in (
            ("*.example.org", True),
            ("*.Example.ORG", True),
            ("*.example.org,!a.example.org", False),
            ("*.example.org,!192.0.2.1", False),
            ("192.0.2.1,!*.example.org", False),
            ("example.org", False),
        ):
            found = isAmong("192.0.2.1", patterns, "A.example.org")
            self.assertEqual(found, expected, patterns)

    def test_bad(self) -> None:
        """
        Wrong patterns are errors, unless the client was excluded before.
        """
        for patterns in ("", ",", "*,", "!", "192.0.2.1/24", "::1/64", "192.0.2.0/33"):
            with self.assertRaises(BadPattern, msg=patterns):
                isAmong("192.0.2.1", patterns)
        self.assertFalse(isAmong("192.0.2.1", "!192.0.2.1,"))

    def test_noAddress(self) -> None:
        """
        Who has no address is nowhere.
        """
        for peer in ("", "localhost", "/run/socket", "192.0.2"):
            self.assertFalse(isAmong(peer, "*"))
            self.assertFalse(isInside(peer, "0.0.0.0/0"))

    def test_scope(self) -> None:
        """
        An address with a scope is in no network that has none, but excluded by it.
        """
        self.assertIsNotNone(normalized("fe80::1%eth0"))
        for patterns, expected in (
            ("fe80::1", False),
            ("fe80::/10", False),
            ("fe80::1%eth0", True),
            ("fe80::1%lo", False),
            ("fe80::*", True),
            ("!fe80::/10,*", False),
        ):
            self.assertEqual(isAmong("fe80::1%eth0", patterns), expected, patterns)
        self.assertFalse(isInside("fe80::1%eth0", "fe80::/10"))

    def test_odd(self) -> None:
        """
        What OpenSSH wouldn't take for an address isn't taken for one here.
        """
        for patterns in (
            "10.0.0.0/" + "0" * 80 + "8",
            "1.2.3.4/" + "9" * 5000,
            "\uff11\uff10.0.0.0/8",
        ):
            self.assertFalse(isAmong("10.0.0.1", patterns), patterns[:20])
        # Names end with one that is too long; what was found by address stays.
        self.assertFalse(isAmong("10.0.0.1", "10.*.nowhere,h*," + "a" * 2000, "host"))
        self.assertTrue(isAmong("10.0.0.1", "10.*," + "a" * 2000))

    @given(strategies.text(max_size=40))
    def test_anything(self, patterns: str) -> None:
        """
        Arbitrary text raises nothing but the error of this module.
        """
        for function in (isAmong, isInside):
            with contextlib.suppress(BadPattern):
                function("192.0.2.1", patterns)


class InsideTests(SynchronousTestCase):
    """
    Tests for L{isInside}.
    """

    def test_networks(self) -> None:
        """
        Addresses and networks count.
        """
        self.assertTrue(isInside("192.0.2.1", "::1,192.0.2.0/24"))
        self.assertFalse(isInside("192.0.3.1", "::1,192.0.2.0/24"))

    def test_bad(self) -> None:
        """
        Nothing else does, whether the client is in one before or not.
        """
        for networks in ("192.0.2.1,x", "192.0.2.1,", "*", "!192.0.2.1", "a" * 60):
            with self.assertRaises(BadPattern):
                isInside("192.0.2.1", networks)
