"""
Tests for L{mycred._sshkeys._budget}.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mycred._sshkeys._budget import Budget, Limit, TooMuch


class BudgetTests(SynchronousTestCase):
    """
    Tests for L{Budget}.
    """

    def test_spent(self) -> None:
        """
        As many as the limit says may be looked at, and not one more.
        """
        for limit in Limit:
            budget, (most, what) = Budget(), limit.value
            budget.spend(limit, most - 1)
            budget.spend(limit)
            self.assertEqual(budget.left(limit), 0)
            error = self.assertRaises(TooMuch, budget.spend, limit)
            self.assertIn(f"{what}: no more than {most}", str(error))

    def test_apart(self) -> None:
        """
        Each thing is counted by itself.
        """
        budget = Budget()
        self.assertRaises(TooMuch, budget.spend, Limit.LINES, 10**6)
        budget.spend(Limit.OPTIONS)
        self.assertEqual(len({limit.value for limit in Limit}), len(Limit))

    def test_stays(self) -> None:
        """
        What was too much once stays so.
        """
        budget = Budget()
        for _ in range(2):
            self.assertRaises(TooMuch, budget.spend, Limit.TIMES, 10**6)
        self.assertRaises(TooMuch, budget.spend, Limit.TIMES)
