"""
Tests for L{mycred._sshkeys._sources}.
"""

from __future__ import annotations

import contextlib
import re
import socket
from ipaddress import ip_address

from hypothesis import given, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._peers import parseHost
from mycred._sshkeys._budget import Budget, Limit, TooMuch
from mycred._sshkeys._sources import BadPattern, Client, _numeric, isLike

MOST = Limit.PATTERNS.value[0]

# Pieces of which many make an address.
_pieces = strategies.lists(
    strategies.sampled_from(("0", "1", "8", "9", "10", "127", "255", "256", "65536"))
    | strategies.sampled_from(("0x", "0xff", "0X1", "0177", "08", "00", "4294967295"))
    | strategies.sampled_from(("4294967296", "16777216", "12345", "abcd", "x", "g"))
    | strategies.sampled_from((".", "..", ":", "::", "ffff", "FFFF", "::ffff:", "1.2.")),
    max_size=9,
).map("".join)


def isAmong(
    address: str, patterns: str, host: str | None = None, budget: Budget | None = None
) -> bool:
    """
    Hold an address against a list.
    """
    return Client(address).isAmong(patterns, host, budget)


def isInside(address: str, networks: str, budget: Budget | None = None) -> bool:
    """
    Hold an address against a list of a certificate.
    """
    return Client(address).isInside(networks, budget)


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
        text = "1111:" * 8
        for pattern in (
            "*" * 60_000 + "x",
            "*?" * 30_000,
            "*" + "?" * 20 + "2",
            "*1" * 30 + "x",
            "?" * 60_000,
        ):
            self.assertFalse(isLike(text, pattern), pattern[:40])
        self.assertTrue(isLike(text, "*" * 60_000 + "?" * 40))

    def test_long(self) -> None:
        """
        A text that is longer than any name of a host is like no pattern.
        """
        self.assertTrue(isLike("a" * 1024, "a*"))
        self.assertFalse(isLike("a" * 1025, "a*"))


class AmongTests(SynchronousTestCase):
    """
    Tests for L{Client.isAmong}; L{tests.conch.test_correspondence} holds them to sshd.
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
        self.assertIsNotNone(parseHost("fe80::1%eth0"))
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

    def test_case(self) -> None:
        """
        Only letters of ASCII are the same in both cases.
        """
        self.assertTrue(isAmong("192.0.2.1", "KEY.*", "key.example.org"))
        # The sign for Kelvin, in lower case a k.
        self.assertFalse(isAmong("192.0.2.1", "\u212aey.*", "key.example.org"))
        self.assertFalse(isAmong("192.0.2.1", "key.*", "\u212aey.example.org"))

    def test_decided(self) -> None:
        """
        What stands after the pattern that decides isn't looked at.
        """
        for patterns in ("!192.0.2.1,", "!192.0.2.*,192.0.2.1/8", "*,!*,"):
            self.assertFalse(isAmong("192.0.2.1", patterns))
        # Nothing decides that a client is among them: another may exclude it.
        self.assertFalse(isAmong("192.0.2.1", "*," * 1000 + "!192.0.2.1"))
        with self.assertRaises(BadPattern):
            isAmong("192.0.2.1", "*," * 1000 + "192.0.2.1/8")

    def test_work(self) -> None:
        """
        Of a list that is too long nothing is looked at, whatever it begins with.
        """
        for function in (isAmong, isInside):
            for first in ("!192.0.2.1", "192.0.2.1", ""):
                budget = Budget()
                with self.assertRaises(TooMuch):
                    function("192.0.2.1", first + ",1" * MOST, budget=budget)
            budget = Budget()
            self.assertTrue(
                function("192.0.2.1", "192.0.2.1" + ",1" * (MOST - 1), budget=budget)
            )
            self.assertEqual(budget.left(Limit.PATTERNS), 0)


class NumericTests(SynchronousTestCase):
    """
    Addresses in all the ways to write one.
    """

    def assertAsByTheLibrary(self, text: str) -> None:
        """
        Insist on what getaddrinfo(3) makes of it, which OpenSSH asks.
        """
        try:
            found = socket.getaddrinfo(
                text.encode("ascii"),
                None,
                type=socket.SOCK_STREAM,
                flags=socket.AI_NUMERICHOST,
            )
            address = ip_address(found[0][4][0])
            expected = (address.max_prefixlen, int(address))
        except OSError:
            expected = None
        self.assertEqual(_numeric(text), expected, text)

    @given(_pieces)
    def test_pieces(self, text: str) -> None:
        """
        They are read as by the C library: with fewer numbers than four, in octal and
        in hexadecimal.
        """
        self.assertAsByTheLibrary(text)

    @given(strategies.text("0123456789abcdefABCDEFxX.:", max_size=45))
    def test_anything(self, text: str) -> None:
        """
        So is any text of the characters that are in addresses.
        """
        self.assertAsByTheLibrary(text)

    def test_ways(self) -> None:
        """
        There are many ways.
        """
        for text in (
            "127.1",
            "0x7f.1",
            "0177.0.0.01",
            "2130706433",
            "017700000001",
            "0x7f000001",
            "::127.0.0.1",
            "::FFFF:7f00:1",
            "0:0::0:1",
        ):
            self.assertIsNotNone(_numeric(text), text)
            self.assertAsByTheLibrary(text)
        for text in ("127.0.0.1.", "1.2.3.4.5", "256", "08", "0x", "::1::", "1:2", ".1"):
            self.assertAsByTheLibrary(text)

    def test_nobodyIsAsked(self) -> None:
        """
        Neither the resolver nor the name service is asked, whatever stands in a list.
        """

        def asked(*args: object, **given: object) -> None:
            self.fail("it was asked")

        for name in ("getaddrinfo", "gethostbyname", "getservbyname", "gethostbyaddr"):
            self.patch(socket, name, asked)
        patterns = "127.1,localhost,a.example.org,::1,10.0.0.0/8,*.example.org,fe80::%lo"
        self.assertTrue(isAmong("127.0.0.1", patterns))
        self.assertTrue(isInside("::1", "127.1,::1"))


class InsideTests(SynchronousTestCase):
    """
    Tests for L{Client.isInside}.
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
