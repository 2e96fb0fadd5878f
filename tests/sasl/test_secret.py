"""
Tests for the secret of a site.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mycred.sasl import secretIn

# Waits for the others, and prints the secret.
PROGRAM = """
import sys
from mycred.sasl import secretIn
print(flush=True)
sys.stdin.read()
print(secretIn(sys.argv[1]).hex())
"""


class SecretTests(SynchronousTestCase):
    """
    Tests for L{secretIn}.
    """

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.path = self.directory / "secret"

    def test_made(self) -> None:
        """
        The first call makes the file, for its owner alone, and leaves nothing else.
        """
        secret = secretIn(str(self.path))
        self.assertEqual(len(secret), 32)
        self.assertEqual(self.path.read_bytes(), secret)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(os.listdir(self.directory), ["secret"])

    def test_kept(self) -> None:
        """
        All others return the same, and a secret that an administrator has made is taken.
        """
        secret = secretIn(str(self.path))
        self.assertEqual(secretIn(str(self.path)), secret)
        self.path.write_bytes(b"x" * 40)
        self.assertEqual(secretIn(str(self.path)), b"x" * 40)

    def test_others(self) -> None:
        """
        Two files have two secrets.
        """
        other = secretIn(str(self.directory / "other"))
        self.assertNotEqual(secretIn(str(self.path)), other)

    def test_unusable(self) -> None:
        """
        A file that is too short to be secret is an error, and so is one that can't be
        read, or a directory in which none can be made.
        """
        self.path.write_bytes(b"x" * 31)
        for path in (self.path, self.directory, self.directory / "missing" / "secret"):
            self.assertRaises(OSError, secretIn, str(path))
        self.assertEqual(self.path.read_bytes(), b"x" * 31)
        self.path.unlink()
        os.mkfifo(self.path)
        self.assertRaises(OSError, secretIn, str(self.path))

    def test_everybody(self) -> None:
        """
        A file that every user of the machine can read or write holds no secret.
        """
        secretIn(str(self.path))
        for mode in (0o604, 0o602, 0o644):
            self.path.chmod(mode)
            error = self.assertRaises(OSError, secretIn, str(self.path))
            self.assertIn("chmod o-rwx", str(error))
        self.path.chmod(0o640)
        self.assertEqual(len(secretIn(str(self.path))), 32)

    def test_danglingLink(self) -> None:
        """
        A link to nothing is an error, and nothing is made where it points to.
        """
        self.path.symlink_to(self.directory / "elsewhere")
        self.assertRaises(OSError, secretIn, str(self.path))
        self.assertEqual(os.listdir(self.directory), ["secret"])

    def test_atOnce(self) -> None:
        """
        Processes that begin at once all get the same.
        """
        programs = [
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(self.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for program in programs:
            program.stdout.readline()
        for program in programs:
            program.stdin.close()
        found = {program.stdout.read() for program in programs}
        for program in programs:
            program.stdout.close()
            self.assertEqual(program.wait(), 0)
        self.assertEqual(found, {self.path.read_bytes().hex() + "\n"})
