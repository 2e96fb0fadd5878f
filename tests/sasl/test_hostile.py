"""
Tests with clients that say what no client should.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from ..kit.hostile import Attack


class HostileTests(SynchronousTestCase):
    """
    Tests for all mechanisms; C{python -m benchmarks hostile} takes longer.
    """

    def test_lines(self) -> None:
        """
        No line breaks anything, and none lets anybody in.
        """
        report = Attack(16).run(20_000)
        self.assertEqual(report.broken, [])
        self.assertEqual(report.accepted, [])
        # They have got to all places where a login can end.
        wanted = {"SASLError", "SASLCancelled", "UnauthorizedLogin"}
        self.assertEqual(set(report.outcomes) - {"UnhandledCredentials"}, wanted)
        self.assertEqual(self.flushLoggedErrors(), [])
