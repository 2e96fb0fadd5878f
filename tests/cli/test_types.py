"""
Tests for L{mycred._cli._types}.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred._cli import main
from mycred._hashes import Hash

from ..kit.command import CommandTests
from ..kit.files import BCRYPT

ROOT = Path(mycred.__file__).parents[1]


# How long a process may take, in seconds.
PATIENCE = 30


class TypesTests(CommandTests, SynchronousTestCase):
    """
    Tests for C{mycred types}, and for the command as such.
    """

    def test_types(self) -> None:
        """
        Each auth type is listed once, with what it checks and what follows it.
        """
        done = self.mycred("types")
        self.assertEqual((done.status, done.err), (0, ""))
        rows = [line.split() for line in done.out.splitlines()]
        types = [row[0] for row in rows[1:]]
        self.assertEqual(len(types), len(set(types)))
        self.assertIn(
            "htpasswd IUsernamePassword, IScramCredentials "
            "/path/to/htpasswd[:weak=no][:plaintext=yes]",
            [" ".join(row) for row in rows],
        )
        self.assertLessEqual({"anonymous", "file", "htdigest", "memory"}, set(types))

    def test_explain(self) -> None:
        """
        One type is explained as by C{--help-auth-type}.
        """
        done = self.mycred("types", "htpasswd")
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn("Example: --auth=htpasswd:", done.out)
        told = self.mycred("types", "nosuch")
        self.assertUsage(told, "^mycred types: nosuch: there is no such auth type, only")
        told = self.mycred("types", "htpaswd")
        self.assertUsage(
            told, r"^mycred types: htpaswd: .*, did you mean htpasswd\? There"
        )
        told = self.mycred("check", "--auth=htpasswd:/no/such", "carol")
        self.assertUsage(told, "mycred types htpasswd tells more")

    def test_closedStreams(self) -> None:
        """
        Without standard streams a command does its work, and says what is wrong by
        its status alone.
        """
        for user, status in (("carol", 1), ("eve", 1)):
            self.path.write_bytes(b"carol:" + BCRYPT)
            for name in ("stdin", "stdout", "stderr"):
                self.patch(sys, name, None)
            arguments = ["passwd", "--verify", "--stdin", str(self.path), user]
            self.assertEqual(main(arguments), status)
            self.assertEqual(main(["lint", str(self.path)]), 1)

    def test_noMemory(self) -> None:
        """
        Too little memory is trouble, and no wrong password.
        """

        def exhausted(*_: object) -> None:
            raise MemoryError

        self.path.write_bytes(b"carol:" + BCRYPT)
        self.patch(Hash, "verify", exhausted)
        done = self.mycred("passwd", "--verify", "--stdin", self.path, "carol")
        self.assertUsage(done, "not enough memory")

    def test_oddFileName(self) -> None:
        """
        The name of a file that isn't text is shown as it is.
        """
        odd = os.fsencode(self.folder) + b"/\xff"
        with open(odd, "wb") as file:
            file.write(b"x\n")
        done = subprocess.run(
            [sys.executable, "-m", "mycred", "lint", odd],
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
        )
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertIn(b"/\xff:1: no colon", done.stdout)

    def test_brokenPipe(self) -> None:
        """
        Who has read enough isn't told off.
        """
        self.path.write_bytes(b"x\n" * 100_000)
        program = f"{sys.executable} -m mycred lint {self.path} | head -1; echo $?"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", program], cwd=ROOT, capture_output=True
        )
        self.assertEqual(done.stderr, b"")
        self.assertEqual(done.stdout.splitlines()[-1], b"141")

    def test_usage(self) -> None:
        """
        A wrong command is told in one line; help names all of them.
        """
        self.assertUsage(self.mycred(), "COMMAND")
        self.assertUsage(self.mycred("pass"), "passwd.*lint.*check.*types")
        done = self.mycred("--help")
        self.assertEqual(done.status, 0)
        for command in ("passwd", "lint", "check", "types"):
            self.assertIn(command, done.out)
            self.assertEqual(self.mycred(command, "--help").status, 0)
        self.assertEqual(self.mycred("--version").out, f"{mycred.__version__}\n")
