"""
Tests for L{mycred._stack._guesses}.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from zope.interface import implementer

from hypothesis import given, strategies as st

from twisted.internet.address import UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from mycred._stack._guesses import Guesses, Limits, networkFrom
from mycred._state import Guess, Limit
from mycred.credentials import (
    Anonymous,
    BearerToken,
    CertificateCredentials,
    CramMD5Credentials,
    DigestedCredentials,
    IScramCredentials,
    IUsernameDigestHash,
    SSHPrivateKey,
)
from tests.kit.throttled import addressOf, typed

LIMITS = Limits(*[Limit(n, 60.0, 600.0) for n in range(1, 6)], 1000.0)


class GuessesTests(SynchronousTestCase):
    """
    Tests for L{Guesses}.
    """

    def setUp(self) -> None:
        """
        Make some.
        """
        self.guesses = Guesses(LIMITS, [ip_network("10.0.0.0/8")], b"secret")

    def guess(self, *args: Any, **kwargs: Any) -> Guess:
        """
        Return the guess of a login.
        """
        return self.guessOf(typed(*args, **kwargs))

    def guessOf(self, credentials: Any) -> Guess:
        """
        Return the guess of credentials.
        """
        parts = self.guesses.partsOf(credentials)
        assert parts is not None
        return self.guesses.guessOf(parts)

    def tables(self, guess: Guess) -> list[str]:
        """
        Return the names of the tables in which a guess of a stranger counts.
        """
        pair = [] if guess.pair is None else [guess.pair]
        return [bucket.table for bucket in (*pair, *guess.strangers)]

    def test_tables(self) -> None:
        """
        IPv4 and IPv6 addresses are counted apart, so that there is no lack of room for
        the ones because of the others.
        """
        self.assertEqual(
            self.tables(self.guess()), ["pair", "address4", "network4", "account"]
        )
        self.assertEqual(
            self.tables(self.guess(host="2001:db8::1")),
            ["pair", "address6", "network6", "account"],
        )

    def test_newcomers(self) -> None:
        """
        A newcomer has another bucket in place of the account's.
        """
        guess = self.guess()
        self.assertEqual(guess.newcomers[:2], guess.strangers[:2])
        self.assertEqual(guess.newcomers[2].table, "newcomers")
        self.assertEqual(guess.account, guess.strangers[2].key)

    def test_sources(self) -> None:
        """
        A source is an IPv4 address, or the /64 of an IPv6 one; an IPv4 address that came
        as an IPv6 one is an IPv4 address.
        """
        for one, other, isSame in (
            ("192.0.2.1", "192.0.2.2", False),
            ("192.0.2.1", "::ffff:192.0.2.1", True),
            ("2001:db8::1", "2001:db8::ffff:1", True),
            ("2001:db8::1", "2001:db8:0:1::1", False),
            ("fe80::1%eth0", "fe80::2", True),
        ):
            first, second = self.guess(host=one), self.guess(host=other)
            self.assertEqual(first.strangers[0] == second.strangers[0], isSame, one)
            self.assertEqual(first.pair == second.pair, isSame, one)
            self.assertEqual(first.strangers[1], second.strangers[1], one)

    def test_networks(self) -> None:
        """
        A network is a /24, or a /48.
        """
        for one, other in (
            ("192.0.2.1", "192.0.3.1"),
            ("2001:db8:1::1", "2001:db8:2::1"),
        ):
            first, second = self.guess(host=one), self.guess(host=other)
            self.assertNotEqual(first.strangers[1], second.strangers[1])

    def test_spellings(self) -> None:
        """
        All spellings of a name are one account.
        """
        guesses = [self.guess(name) for name in (b"alice", "Alice", b"ALICE ")]
        self.assertEqual(len({guess.account for guess in guesses}), 1)
        self.assertEqual(len({guess.pair for guess in guesses}), 1)

    def test_nothingTold(self) -> None:
        """
        No name and no password is in what the state gets, and only 2 bytes depend on the
        password.
        """
        one, other = self.guess(password=b"one"), self.guess(password=b"other")
        assert one.tried is not None and other.tried is not None
        self.assertEqual(one._replace(tried=b""), other._replace(tried=b""))
        self.assertEqual(one.tried[:6], other.tried[:6])
        self.assertNotEqual(one.tried, other.tried)
        self.assertNotIn("alice", repr(one))

    def test_secret(self) -> None:
        """
        Whoever doesn't know the secret can't compute a key.
        """
        other = Guesses(LIMITS, [], b"another")
        parts = other.partsOf(typed())
        assert parts is not None
        guess, mine = other.guessOf(parts), self.guess()
        self.assertNotEqual(guess.account, mine.account)
        self.assertNotEqual(guess.tried, mine.tried)

    def test_passwords(self) -> None:
        """
        A password that is text is known again; one that is too long, or none, isn't.
        """
        self.assertEqual(self.guess(password="a").tried, self.guess(password=b"a").tried)
        for password in (b"x" * 2000, None, 7):
            self.assertIs(self.guess(password=password).tried, None)

    def test_proofs(self) -> None:
        """
        What proves a password without sending it is a guess; it can't be known which.
        """
        cram = CramMD5Credentials()
        cram.username = b"alice"
        digest = DigestedCredentials(b"alice", b"GET", b"r", {})

        @implementer(IScramCredentials)
        class Scram:
            username = b"alice"

        @implementer(IUsernameDigestHash)
        class Digest:
            username = b"alice"

        for credentials in (cram, digest, Scram(), Digest()):
            guess = self.guessOf(credentials)
            self.assertEqual(guess.account, self.guess().account)
            self.assertIs(guess.tried, None)

    def test_noGuesses(self) -> None:
        """
        Keys, certificates, tokens and logins without a name can't be guessed.
        """
        for credentials in (
            Anonymous(),
            SSHPrivateKey(b"alice", b"", b"", b"", b""),
            CertificateCredentials(None),
            BearerToken(b"token"),
        ):
            self.assertIs(self.guesses.partsOf(credentials), None)

    def test_exempt(self) -> None:
        """
        Clients in exempt networks cost nothing, in whatever way their address came.
        """
        for host in ("10.1.2.3", "::ffff:10.1.2.3"):
            self.assertIs(self.guesses.partsOf(typed(host=host)), None)
        self.assertEqual(len(self.tables(self.guess(host="11.1.2.3"))), 4)

    def test_peers(self) -> None:
        """
        The address may be one of Twisted's, or text; text that is none is no address.
        """
        for peer in (addressOf("192.0.2.1"), "192.0.2.1", b"192.0.2.1"):
            credentials = typed(host=None)
            credentials.peer = peer
            self.assertEqual(self.guessOf(credentials), self.guess())
        credentials.peer = "a.example.org"
        self.assertIs(self.guessOf(credentials).pair, None)
        self.flushLoggedErrors()

    def test_withoutAddress(self) -> None:
        """
        Where no login has an address only accounts are counted.
        """
        for _ in range(2):
            guess = self.guess(host=None)
            self.assertEqual(self.tables(guess), ["account"])
            self.assertIsNot(guess.tried, None)

    def test_hidden(self) -> None:
        """
        Where others have one, those without share a bucket; not those over a UNIX socket,
        which have none.
        """
        self.guess()
        guess = self.guess(host=None)
        self.assertEqual(self.tables(guess), ["others", "account"])
        self.assertEqual(guess.strangers[0], self.guess(b"bob", host=None).strangers[0])
        credentials = typed(host=None)
        credentials.peer = UNIXAddress("/run/socket")
        self.assertEqual(self.tables(self.guessOf(credentials)), ["account"])

    @given(
        st.one_of(st.binary(), st.text(), st.none(), st.lists(st.integers())),
        st.one_of(st.binary(), st.text(), st.none()),
        st.one_of(st.text(), st.none(), st.binary(), st.integers()),
    )
    def test_anything(self, name: Any, password: Any, peer: Any) -> None:
        """
        Whatever a client sends is a guess.
        """
        credentials = typed(name, password, None)
        credentials.peer = peer
        guess = self.guessOf(credentials)
        self.assertEqual(len(guess.account), 8)


class NetworkTests(SynchronousTestCase):
    """
    Tests for L{networkFrom}.
    """

    def test_networks(self) -> None:
        """
        A network is written with the length of its prefix; an address is one, too.
        """
        for text, network in (
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::1", "::1/128"),
        ):
            self.assertEqual(str(networkFrom(text)), network)
            self.assertEqual(networkFrom(ip_network(network)), ip_network(network))

    def test_wrong(self) -> None:
        """
        What is none, or holds no address that a client can have, is refused, with what
        would be right.
        """
        for text, right in (
            ("192.0.2.1/24", "write 192.0.2.0/24"),
            ("2001:db8::1/32", "write 2001:db8::/32"),
            ("::ffff:10.0.0.0/104", "write 10.0.0.0/8"),
            ("office", "192.0.2.0/24"),
            ("", "192.0.2.0/24"),
            ("192.0.2.0/33", "192.0.2.0/24"),
            ("192.0.2.0-192.0.2.9", "192.0.2.0/24"),
        ):
            error = self.assertRaises(ValueError, networkFrom, text)
            self.assertIn(right, str(error))

    @given(st.one_of(st.text(), st.from_regex(r"[0-9a-f.:]{1,20}/[0-9]{1,3}")))
    def test_anything(self, text: str) -> None:
        """
        Nothing else is raised.
        """
        try:
            networkFrom(text)
        except ValueError as error:
            self.assertIn("write ", str(error))
