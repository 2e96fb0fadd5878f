"""
Tests for C{mycred lint}.
"""

from __future__ import annotations

import os
from io import StringIO

from hypothesis import given, settings, strategies

from twisted.trial.unittest import SynchronousTestCase

from mycred._cli._progress import Progress
from mycred._hashes import recognize

from .._vectors import VECTORS
from ..checkers._files import BCRYPT
from ._command import CommandTests


class LintTests(CommandTests, SynchronousTestCase):
    """
    Tests for what is found.
    """

    def lint(self, content: bytes, mode: int = 0o600) -> list[str]:
        """
        Look through a file.

        @return: what is said, without the name of the file.
        """
        self.path.write_bytes(content)
        self.path.chmod(mode)
        done = self.mycred("lint", self.path)
        self.assertEqual(done.err, "")
        lines = done.out.splitlines()
        self.assertEqual(done.status, 1 if lines else 0)
        for line in lines:
            self.assertTrue(line.startswith(f"{self.path}:"), line)
        return [line.removeprefix(f"{self.path}:") for line in lines]

    def test_nothing(self) -> None:
        """
        A file in which all is well is passed over in silence.
        """
        strong = [
            b"u%d:%s" % (number, stored)
            for number, (_, stored, _) in enumerate(VECTORS)
            if not recognize(stored).scheme.weakness
        ]
        content = b"# users\n\n  \n" + b"\r\n".join(strong) + b":1000:1000::/home\n"
        self.assertEqual(self.lint(content), [])
        self.assertEqual(self.lint(b""), [])

    def test_lines(self) -> None:
        """
        Each oddity is told with its line, in their order, and nothing of what is
        stored.
        """
        found = self.lint(
            b"carol:%s\nalone\n:nobody\ndave:\nerin:hunter2\nfrank:$9$hunter2\n"
            b"grace:$2y$18$%s\ncarol:%s\nheidi:$2y$05$hunter2\nivan:{SHA}x\n"
            b"judy:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\nken:{PLAIN}hunter2\nle\0o:%s\n"
            b"mia:{PLAIN}hunter2" % (BCRYPT, b"." * 53, BCRYPT, BCRYPT)
        )
        expected = [
            (2, "no colon"),
            (3, "no name"),
            (4, "no hash"),
            (5, "matches nothing"),
            (5, "everybody who reads the file has it"),
            (6, "unknown kind"),
            (7, "absurd cost"),
            (8, "a line already, line 1"),
            (9, "damaged"),
            (10, "damaged"),
            (11, "SHA-1 is weak"),
            (12, "plain text is weak"),
            (13, "NUL"),
            (14, "no end; it matches nothing"),
        ]
        self.assertEqual(
            [int(line.split(":")[0]) for line in found], [n for n, _ in expected]
        )
        for line, (_, says) in zip(found, expected):
            self.assertIn(says, line)
        self.assertNotIn("hunter2", "".join(found))

    def test_mode(self) -> None:
        """
        A file that everybody can read, or even write, is told.
        """
        for mode, says in [
            (0o604, ["read it"]),
            (0o602, ["write it"]),
            (0o606, ["read it", "write it"]),
            (0o640, []),
        ]:
            found = self.lint(b"carol:" + BCRYPT, mode)
            self.assertEqual(len(found), len(says))
            for line, text in zip(found, says):
                self.assertIn(text, line)

    def test_unreadable(self) -> None:
        """
        What can't be read is an error in one line, and nothing is said to be well.
        """
        os.mkfifo(self.folder / "fifo")
        for path in (self.folder / "none", self.folder, self.folder / "fifo"):
            self.assertUsage(self.mycred("lint", path), f"^mycred lint: {path}: ")

    def test_manyRepeated(self) -> None:
        """
        Each name that comes again is told, with the line that counts.
        """
        content = b"".join(b"u%d:%s\n" % (number, BCRYPT) for number in range(500))
        found = self.lint(content * 2)
        self.assertEqual(len(found), 500)
        for number, line in enumerate(found, 1):
            self.assertTrue(line.startswith(f"{500 + number}: "), line)
            self.assertIn(f"line {number},", line)

    def test_usage(self) -> None:
        """
        A file must be named.
        """
        self.assertUsage(self.mycred("lint"), "FILE")

    @settings(deadline=None, database=None)
    @given(strategies.binary() | strategies.text(alphabet=":\n# a${}").map(str.encode))
    def test_anyContent(self, content: bytes) -> None:
        """
        No content of a file makes it fail.
        """
        self.path.write_bytes(content)
        self.assertIn(self.mycred("lint", self.path).status, (0, 1))


class Terminal(StringIO):
    """
    A terminal.
    """

    def isatty(self) -> bool:
        """
        Be one.
        """
        return True


class ProgressTests(SynchronousTestCase):
    """
    Tests for the bar.
    """

    def setUp(self) -> None:
        self.now = 0.0
        self.terminal = Terminal()
        self.progress = Progress(self.terminal, 200, lambda: self.now)

    def test_soon(self) -> None:
        """
        What is done at once shows no bar.
        """
        self.progress.show(100)
        self.progress.clear()
        self.assertEqual(self.terminal.getvalue(), "")

    def test_late(self) -> None:
        """
        What takes its time shows how far it is, now and then, and wipes the bar out
        before something else is written.
        """
        self.now = Progress.PATIENCE
        self.progress.show(50)
        first = self.terminal.getvalue()
        self.assertRegex(first, r"^\r\[#{7}\.{23}\]  25 %$")
        self.progress.show(60)
        self.assertEqual(self.terminal.getvalue(), first)
        self.now += Progress.STEP
        self.progress.show(200)
        self.assertTrue(self.terminal.getvalue().endswith("100 %"))
        self.progress.clear()
        self.progress.clear()
        self.assertRegex(self.terminal.getvalue(), r"100 %\r +\r$")

    def test_noTerminal(self) -> None:
        """
        Elsewhere than on a terminal there is no bar.
        """
        stream = StringIO()
        progress = Progress(stream, 200, lambda: self.now)
        self.now = 100.0
        progress.show(100)
        progress.clear()
        self.assertEqual(stream.getvalue(), "")
