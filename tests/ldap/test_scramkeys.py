"""
Tests for SCRAM keys in users' entries, L{mycred._ldap._scramkeys}.
"""

from __future__ import annotations

from hypothesis import given, strategies as st

from twisted.trial.unittest import SynchronousTestCase

from mycred._ldap._scramkeys import KnownKeys, keysAmong
from mycred._scram import ScramKeys, written

from ..kit.authpassword import authPassword, keysOf


class KeysTests(SynchronousTestCase):
    """
    Tests for L{keysAmong}.
    """

    keys = keysOf()
    value = authPassword(keys).encode()

    def test_forms(self) -> None:
        """
        Keys are written as in RFC 5803, with spaces as in RFC 3112, or as Dovecot does,
        with the scheme in any case.
        """
        dovecot = written(self.keys)
        for value in (
            self.value,
            b" " + self.value.replace(b"$", b" $  ") + b" ",
            dovecot,
            dovecot.replace(b"SCRAM-SHA", b"scram-sha"),
        ):
            self.assertEqual(keysAmong([value]), ({"sha256": self.keys}, ""), value)

    def test_hashes(self) -> None:
        """
        There may be keys for each hash, beside hashes of other kinds.
        """
        other = keysOf(hash="sha1")
        values = [b"{SSHA}abc", b"MD5 $ a $ b", authPassword(other).encode(), self.value]
        self.assertEqual(keysAmong(values), ({"sha1": other, "sha256": self.keys}, ""))

    def test_several(self) -> None:
        """
        Of several keys for one hash those of the most iterations count, and of those with
        as many always the same ones, in whatever order they come.
        """
        few, many, others = (
            keysOf(iterations=count, salt=salt)
            for count, salt in ((3, b"a"), (9, b"b"), (9, b"c"))
        )
        values = [authPassword(keys).encode() for keys in (few, many, others)]
        for ordered in (values, values[::-1], values[1:] + values[:1]):
            self.assertEqual(keysAmong(ordered)[0], {"sha256": many})

    def test_unusable(self) -> None:
        """
        What begins like keys, and is none or asks for absurd work, doesn't count, and is
        told.
        """
        for value in (
            b"SCRAM-SHA-256",
            b"SCRAM-SHA-512$" + self.value.partition(b"$")[2],
            self.value[:-1],
            self.value + b"x",
            self.value.replace(b"$4:", b"$0:"),
            self.value.replace(b"$4:", b"$-4:"),
            self.value.replace(b"$4:", b"$999999999:"),
            self.value.replace(b"$4:", b"$" + b"9" * 5000 + b":"),
            self.value.replace(b"$4:", b"$4:" + b"AAAA" * 5000),
        ):
            keys, flaw = keysAmong([value])
            self.assertEqual(keys, {})
            self.assertIn("a value", flaw)
            self.assertNotIn(self.value.partition(b"$")[2].decode(), flaw)
            # Others beside it do.
            self.assertEqual(keysAmong([value, self.value])[0], {"sha256": self.keys})

    def test_many(self) -> None:
        """
        An entry may have any number of values: only some are parsed.
        """
        values = [b"SCRAM-SHA-256$%d:x" % number for number in range(100_000)]
        keys, flaw = keysAmong(values)
        self.assertEqual(keys, {})
        self.assertIn("a value", flaw)

    @given(st.lists(st.binary(max_size=2000), max_size=5))
    def test_anything(self, values: list[bytes]) -> None:
        """
        Whatever the values are, this returns.
        """
        keysAmong(values)

    @given(
        st.binary(max_size=20),
        st.integers(0, len(value)),
        st.integers(0, len(value)),
    )
    def test_damaged(self, junk: bytes, start: int, end: int) -> None:
        """
        Whatever a part of the keys is replaced with, what is returned are keys.
        """
        keys, _ = keysAmong([self.value[:start] + junk + self.value[end:]])
        for hash, one in keys.items():
            self.assertIsInstance(one, ScramKeys)
            self.assertEqual((one.hash, len(one.storedKey)), (hash, 32))


class KnownTests(SynchronousTestCase):
    """
    Tests for L{KnownKeys}.
    """

    def setUp(self) -> None:
        self.known = KnownKeys()

    def add(self, dn: str, hash: str, iterations: int, salt: bytes) -> None:
        """
        Have a user's keys remembered.
        """
        keys = keysOf(hash=hash, iterations=iterations, salt=salt)
        self.known.add(dn, {hash: keys})

    def test_nothing(self) -> None:
        """
        While nothing is known, there may be keys for each hash, as most programs write
        them.
        """
        self.assertEqual(self.known.hashes(), {"sha1", "sha256"})
        self.assertEqual(self.known.usual("sha256"), (4096, 16))

    def test_usual(self) -> None:
        """
        What most users have is usual, each hash by itself, and each user counts once.
        """
        for dn in "abc":
            self.add(dn, "sha256", 5, b"12")
        for dn in "dddde":
            self.add(dn, "sha256", 9, b"123")
        self.assertEqual(self.known.usual("sha256"), (5, 2))
        self.assertEqual(self.known.usual("sha1"), (4096, 16))
        self.assertEqual(self.known.hashes(), {"sha256"})
        self.add("f", "sha1", 9, b"123")
        self.assertEqual(self.known.hashes(), {"sha1", "sha256"})
        self.assertEqual(self.known.usual("sha1"), (9, 3))

    def test_forgotten(self) -> None:
        """
        Only some users are remembered, those that were looked up last.
        """
        for number in range(1000):
            self.add(str(number), "sha1" if number < 500 else "sha256", 4, b"1")
        self.assertEqual(self.known.hashes(), {"sha256"})
