"""
Tests for L{mycred._cli._prompt}.
"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import mycred
from mycred._hashes import verify

from ..kit.command import PasswdTestCase

ROOT = Path(mycred.__file__).parents[1]

# How long a process may take, in seconds.
PATIENCE = 30

# The command, with a password of little cost.
PASSWD = [sys.executable, "-m", "mycred", "passwd", "--cost=4"]


class TerminalTests(PasswdTestCase):
    """
    Tests for who sits at a terminal.
    """

    def type(self, *lines: bytes, end: bytes = b"\n") -> tuple[int, bytes]:
        """
        Type at the prompts of a command that sets a password.

        @return: the exit status, and what the terminal has shown.
        """
        return self.typeAt([*PASSWD, str(self.path), "alice"], lines, end)

    def typeAt(
        self,
        command: list[str],
        lines: Sequence[bytes],
        end: bytes = b"\n",
        output: int | None = None,
    ) -> tuple[int, bytes]:
        """
        Type at the prompts of a command on a terminal of its own.

        @param output: what its standard output is, if it isn't the terminal.

        @return: the exit status, and what the terminal has shown.
        """
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(ROOT)
            if output is not None:
                os.dup2(output, 1)
            os.execv(sys.executable, command)
        shown = b""
        waiting = list(lines)
        while True:
            try:
                shown += os.read(terminal, 1000)
            except OSError:
                break
            if waiting and shown.endswith(b": "):
                os.write(terminal, waiting.pop(0) + end)
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown

    def test_twice(self) -> None:
        """
        The password is asked for twice, and isn't shown.
        """
        password = "schlüssel".encode()
        status, shown = self.type(password, password)
        self.assertEqual(status, 0, shown)
        self.assertEqual(shown.count(b": "), 2)
        self.assertNotIn(b"schl", shown)
        self.assertTrue(verify(self.secret(b"alice"), password))

    def test_print(self) -> None:
        """
        With C{--print} only the hash is on standard output; the terminal has the
        prompts.
        """
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        typed = [b"sesame", b"sesame"]
        status, shown = self.typeAt([*PASSWD, "--print"], typed, output=writer)
        os.close(writer)
        self.assertEqual((status, shown.count(b": ")), (0, 2), shown)
        [secret] = os.read(reader, 1000).splitlines()
        self.assertTrue(verify(secret, b"sesame"))

    def test_nothingTyped(self) -> None:
        """
        Who types nothing, or what isn't text, is told so in one line.
        """
        for typed, says in [
            (b"\x04", b"no password was given"),
            (b"p\xff\n", b"--stdin takes any bytes"),
        ]:
            status, shown = self.type(typed, end=b"")
            self.assertEqual(status, 2, shown)
            self.assertIn(says, shown)
            self.assertNotIn(b"Traceback", shown)

    def test_noTerminal(self) -> None:
        """
        Where there is nobody to ask, C{--stdin} is named.
        """
        done = subprocess.run(
            [sys.executable, "-m", "mycred", "passwd", str(self.path), "alice"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            cwd=ROOT,
            timeout=PATIENCE,
        )
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        [line] = done.stderr.splitlines()
        self.assertIn(b"use --stdin", line)

    def test_differ(self) -> None:
        """
        If the two differ nothing is changed.
        """
        status, shown = self.type(b"sesame", b"sesane")
        self.assertEqual(status, 2)
        self.assertIn(b"differ", shown)
        self.assertFalse(self.path.exists())
