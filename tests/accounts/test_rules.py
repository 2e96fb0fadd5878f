"""
Tests for L{mycred._accounts._rules}; L{AccountStatus} is tested through the SSH keys that
it judges, in L{tests.checkers.sshkeys.test_files} and L{tests.checkers.test_young}.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts import NOLOGIN, SHELLS, AccountRules
from mycred._verdict import Account

ALICE = Account(
    "alice", 1000, 1000, "/home/alice", "/bin/sh", ("alice", "mail"), (1000, 8)
)


class RulesTests(SynchronousTestCase):
    """
    Tests for L{AccountRules}.
    """

    def assertDenied(self, rules: AccountRules, account: Account, says: str) -> None:
        """
        Insist on a denial whose reason says this.
        """
        self.assertIn(says, self.denial(rules, account) or "")

    def denial(self, rules: AccountRules, account: Account) -> str | None:
        """
        Ask for a denial, on a machine with a few groups.
        """
        numbers = {"alice": 1000, "mail": 8, "post": 8, "staff": 50}
        return rules.denial(account, numbers.get)

    def test_none(self) -> None:
        """
        Without rules every account may be used.
        """
        self.assertIsNone(self.denial(AccountRules(), ALICE))
        self.assertIsNone(
            self.denial(AccountRules(), ALICE._replace(uid=0, shell="/bin/false"))
        )

    def test_minuid(self) -> None:
        """
        An account with a uid below the lowest one is denied.
        """
        self.assertIsNone(self.denial(AccountRules(minuid=1000), ALICE))
        self.assertDenied(AccountRules(minuid=1001), ALICE, "its uid 1000 is below 1001")

    def test_groups(self) -> None:
        """
        An account must be in one of the groups, whichever of its own that is, and by
        whatever name its gid has; no account is in a group that is gone.
        """
        self.assertIsNone(self.denial(AccountRules(groups=("post",)), ALICE))
        self.assertDenied(AccountRules(groups=("gone",)), ALICE, "gone")
        self.assertIsNone(self.denial(AccountRules(groups=("staff", "mail")), ALICE))
        self.assertIsNone(self.denial(AccountRules(groups=("alice",)), ALICE))
        self.assertDenied(AccountRules(groups=("staff", "wheel")), ALICE, "staff, wheel")

    def test_shells(self) -> None:
        """
        The shell must be in the file, on a line of its own, as it is.
        """
        path = Path(self.mktemp())
        rules = AccountRules(shells=str(path))
        path.write_bytes(b"# shells\n/bin/sh # the old one\n /bin/bash\n#/bin/ksh\n\n")
        self.assertIsNone(self.denial(rules, ALICE))
        self.assertIsNone(self.denial(rules, ALICE._replace(shell="/bin/bash")))
        for shell in ("/bin/ksh", "/bin/s", "/bin/shh", "", "# shells", "/bin/zsh"):
            self.assertDenied(rules, ALICE._replace(shell=shell), f"shell {shell} is")

    def test_noShells(self) -> None:
        """
        If the file isn't there, nobody can tell.
        """
        self.assertRaises(OSError, self.denial, AccountRules(shells=self.mktemp()), ALICE)

    def test_nologin(self) -> None:
        """
        While one of the files is there, only root may log in; a link that leads
        nowhere will do.
        """
        first, second = Path(self.mktemp()), Path(self.mktemp())
        rules = AccountRules(nologin=(str(first), str(second)))
        self.assertIsNone(self.denial(rules, ALICE))
        second.symlink_to("nowhere")
        self.assertDenied(rules, ALICE, f"there is {second}")
        self.assertIsNone(self.denial(rules, ALICE._replace(uid=0)))
        first.touch()
        self.assertDenied(rules, ALICE, f"there is {first}")

    def test_types(self) -> None:
        """
        What has another type is told at once, also text where names are needed.
        """
        for wrong in (
            {"groups": "mail"},
            {"groups": (5,)},
            {"nologin": "/etc/nologin"},
            {"minuid": "5"},
            {"shells": 5},
        ):
            arguments: Any = wrong
            self.assertRaises(TypeError, AccountRules, **arguments)
        rules = AccountRules(groups=["mail"], nologin=["/etc/nologin"])
        self.assertEqual(rules, AccountRules(groups=("mail",), nologin=("/etc/nologin",)))

    def test_hiddenNologin(self) -> None:
        """
        If it can't be found out whether there is such a file, no user gets in.
        """
        self.assertRaises(
            OSError, self.denial, AccountRules(nologin=("/" + "x" * 300,)), ALICE
        )
        below = AccountRules(nologin=(f"{__file__}/nologin",))
        self.assertIsNone(self.denial(below, ALICE))

    def test_pipe(self) -> None:
        """
        A pipe in the place of a file isn't waited for.
        """
        path = self.mktemp()
        os.mkfifo(path)
        self.assertRaises(OSError, self.denial, AccountRules(shells=path), ALICE)

    def test_places(self) -> None:
        """
        The files are where nologin(5), systemd and shells(5) have them.
        """
        self.assertEqual(NOLOGIN, ("/etc/nologin", "/run/nologin"))
        self.assertEqual(SHELLS, "/etc/shells")
