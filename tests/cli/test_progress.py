"""
Tests for L{mycred._cli._progress}.
"""

from __future__ import annotations

from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from mycred._cli._progress import Progress


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
