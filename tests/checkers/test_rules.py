"""
Tests for L{mycred.checkers._rules}.
"""

from __future__ import annotations

import grp
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mycred.checkers import AccountRules, accountRules


class AccountRulesTests(SynchronousTestCase):
    """
    Tests for L{accountRules}.
    """

    def test_none(self) -> None:
        """
        Without arguments there are no rules.
        """
        self.assertEqual(accountRules(), AccountRules())

    def test_all(self) -> None:
        """
        Each argument makes its rule.
        """
        group = grp.getgrgid(os.getegid()).gr_name
        self.assertEqual(
            accountRules(minuid=1000, groups=[group], shells=True, nologin=True),
            AccountRules(
                nologin=("/etc/nologin", "/run/nologin"),
                shells="/etc/shells",
                minuid=1000,
                groups=(group,),
            ),
        )

    def test_unknownGroup(self) -> None:
        """
        A group must exist, where groups are looked up.
        """
        path = Path(self.mktemp())
        path.write_text("mail:x:8:\n")
        self.assertEqual(accountRules(groups=["mail"], group=path).groups, ("mail",))
        for group in (None, path):
            error = self.assertRaises(
                ValueError, accountRules, groups=["no-such-group"], group=group
            )
            self.assertEqual(str(error), "groups: there is no group 'no-such-group'")

    def test_noGroupFile(self) -> None:
        """
        A file of groups that can't be read is an error of its own.
        """
        self.assertRaises(OSError, accountRules, groups=["mail"], group="/no/such")
