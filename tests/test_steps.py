"""
Tests for L{mycred._steps}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mycred._steps import Steps


class StepsTests(SynchronousTestCase):
    """
    Tests for the steps of a look-up.
    """

    def test_watched(self) -> None:
        """
        Each step has how long it took before it.
        """
        steps = Steps(True)
        steps.step(lambda: "query")
        steps.step(lambda: "verdict")
        assert steps.steps is not None
        told = [line[8:] for line in steps.steps]
        self.assertEqual(told, [" ms  query", " ms  verdict"])
        for line in steps.steps:
            self.assertRegex(line[:8], r"^ +\d+\.\d$")

    def test_unwatched(self) -> None:
        """
        What isn't recorded isn't put into words.
        """
        steps = Steps(False)
        steps.step(lambda: self.fail("put into words"))
        self.assertIs(steps.steps, None)
