"""
Tests for L{mycred._sshkeys._strictmodes}; L{tests.conch.test_correspondence} holds it to
sshd.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys import UnsafeFile, readSafely
from mycred._verdict import Account


class ReadSafelyTests(SynchronousTestCase):
    """
    Tests for L{readSafely}.
    """

    def setUp(self) -> None:
        """
        Make a home directory, with a file in a directory.
        """
        self.above = Path(self.mktemp()).resolve()
        self.home = self.above / "alice"
        self.directory = self.home / "x" / ".ssh"
        self.directory.mkdir(parents=True)
        self.file = self.directory / "keys"
        self.file.write_bytes(b"text")
        self.link = self.above / "link"
        self.link.symlink_to(self.home)
        for path in (*self.file.parents, self.file):
            if self.above in (path, *path.parents):
                path.chmod(0o755)

    def read(self, home: object, path: object = None) -> bytes:
        """
        Return what a file of a user holds.
        """
        account = Account("alice", os.geteuid(), os.getegid(), str(home), "/bin/sh")
        return readSafely(str(path or self.file), account, True)

    def spellings(self) -> list[str]:
        """
        Return paths of the home directory.
        """
        home = str(self.home)
        return [home, f"{home}/", f"{self.above}/./alice", f"{home}/x/..", str(self.link)]

    def test_read(self) -> None:
        """
        A file counts that only the user can have written, whatever the directories above
        their home directory are like.
        """
        self.above.chmod(0o777)
        for home in self.spellings():
            self.assertEqual(self.read(home), b"text")
            self.assertEqual(self.read(home, self.link / "x" / ".ssh" / "keys"), b"text")

    def test_unsafe(self) -> None:
        """
        It doesn't if another user may write there, or in a directory above it, up to the
        home directory.
        """
        for path in (self.file, self.directory, self.directory.parent, self.home):
            path.chmod(0o775)
            for home in self.spellings():
                error = self.assertRaises(UnsafeFile, self.read, home)
                self.assertIn(f"{path} must belong", str(error))
            path.chmod(0o755)

    def test_outside(self) -> None:
        """
        Of a file outside of the home directory all directories above it count, also where
        its path begins like that of the home directory.
        """
        self.above.chmod(0o777)
        others = self.above / "alice2"
        others.mkdir()
        other = others / "keys"
        other.write_bytes(b"text")
        (self.directory / "to").symlink_to(other)
        for home in (*self.spellings(), self.above / "none", ""):
            for path in (other, self.directory / "to"):
                error = self.assertRaises(UnsafeFile, self.read, home, path)
                self.assertIn(f"{self.above} must belong", str(error))

    def test_descriptors(self) -> None:
        """
        However it ends, the file is closed.
        """
        pipe, large = self.home / "pipe", self.home / "large"
        os.mkfifo(pipe)
        with large.open("wb") as file:
            file.truncate(2**24 + 1)
        huge = self.home / "huge"
        with huge.open("wb") as file:
            file.truncate(2**29 + 1)
        before = os.listdir("/proc/self/fd")
        self.read(self.home)
        self.assertRaises(IsADirectoryError, self.read, self.home, self.directory)
        self.assertRaises(FileNotFoundError, self.read, self.home, self.home / "none")
        for path in (pipe, huge):
            self.assertRaises(OSError, self.read, self.home, path)
        self.assertRaises(UnsafeFile, self.read, self.home, large)
        self.file.chmod(0o666)
        self.assertRaises(UnsafeFile, self.read, self.home)
        self.assertEqual(len(os.listdir("/proc/self/fd")), len(before))
