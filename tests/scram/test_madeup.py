"""
Tests for salts and keys that are made up.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mycred._scram import madeUpKeys, madeUpSalt

SECRET = b"s" * 32


class SaltTests(SynchronousTestCase):
    """
    Tests for salts.
    """

    def test_same(self) -> None:
        """
        A name always has the same salt, in each of its forms.
        """
        salt = madeUpSalt(SECRET, "sha256", b"alice")
        self.assertEqual(len(salt), 16)
        self.assertEqual(madeUpSalt(SECRET, "sha256", b"alice"), salt)
        nine = madeUpSalt(SECRET, "sha256", "\u2168".encode())
        self.assertEqual(nine, madeUpSalt(SECRET, "sha256", b"IX"))

    def test_others(self) -> None:
        """
        Other names, hashes and secrets have other salts.
        """
        salts = {
            madeUpSalt(secret, hash, name)
            for secret in (SECRET, b"t" * 32)
            for hash in ("sha1", "sha256")
            for name in (b"alice", b"Alice", b"", b"\xff")
        }
        self.assertEqual(len(salts), 16)

    def test_sizes(self) -> None:
        """
        A salt is as long as those of the store, up to 64 bytes.
        """
        for size in (1, 8, 16, 36, 64):
            self.assertEqual(len(madeUpSalt(SECRET, "sha1", b"alice", size)), size)


class KeysTests(SynchronousTestCase):
    """
    Tests for keys.
    """

    def test_nobodys(self) -> None:
        """
        Keys that are made up differ each time, and look like others.
        """
        one, other = (madeUpKeys("sha1", 4096, b"salt") for _ in range(2))
        self.assertEqual((one.iterations, one.salt, one.hash), (4096, b"salt", "sha1"))
        self.assertEqual(len(one.storedKey), 20)
        self.assertEqual(len(one.serverKey), 20)
        random = {one.storedKey, one.serverKey, other.storedKey, other.serverKey}
        self.assertEqual(len(random), 4)
        self.assertFalse(one.matches(b""))
