"""
Tests for the way that a login takes: how many modules it passes through
(L{benchmarks.trace}).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.trace import GOALS, checkers, traced
from mycred import _files


class HotPathTests(SynchronousTestCase):
    """
    Tests for logins by files.
    """

    def test_goals(self) -> None:
        """
        A reader who follows a login has few modules to read.
        """
        self.patch(_files, "SETTLING", 0)
        for name, checker in self.checkers().items():
            trace = traced(checker, pause=0)
            self.assertLessEqual(len(trace.modules), GOALS[name], trace.modules)
            self.assertIn(name, GOALS)

    def test_whole(self) -> None:
        """
        The trace has all of the way: what checks the password, where the file is, and
        what verifies the hash.
        """
        self.patch(_files, "SETTLING", 0)
        modules = traced(self.checkers()["htpasswd"], pause=0).modules
        self.assertEqual(modules[0], "_checking._passwords")
        self.assertEqual(modules[-1], "_hashes._bcrypt")
        self.assertIn("_passwordfile._lookup", modules)

    def checkers(self) -> dict[str, Any]:
        """
        Return checkers of files in a new directory.
        """
        directory = Path(self.mktemp())
        directory.mkdir()
        known = checkers(directory)
        self.addCleanup(known["sql"].close)
        return known
