"""
Tests for L{mycred._sshkeys._groupmemory}.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts._users import UserGroups
from mycred._sshkeys._groupmemory import GroupMemory
from mycred._verdict import Account

ALICE = Account("alice", 1000, 1000, "/home/alice", "/bin/sh")
BOB = Account("bob", 1001, 1001, "/home/bob", "/bin/sh")


class Service:
    """
    A name service that knows groups.

    @ivar asked: the names that it was asked for.
    @ivar groups: what it answers.
    @ivar isDown: whether it can't answer.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.groups = UserGroups((1000,), ("users",))
        self.isDown = False

    def groupsOf(self, account: Account) -> UserGroups:
        """
        Return the groups of an account.
        """
        self.asked.append(account.name)
        if self.isDown:
            raise OSError("the directory is down")
        return self.groups


class MemoryTests(SynchronousTestCase):
    """
    Tests for what is remembered, and for how long.
    """

    def setUp(self) -> None:
        self.service = Service()
        self.now = 0.0
        self.path = Path(self.mktemp())
        self.path.write_text("users:x:1000:\n")
        self.memory = GroupMemory(
            self.service,  # type: ignore[arg-type]
            lambda: self.now,
            str(self.path),
        )

    def test_remembered(self) -> None:
        """
        A key that is offered and the signature that follows ask once.
        """
        for _ in range(2):
            self.assertEqual(self.memory.groupsOf(ALICE), self.service.groups)
        self.assertEqual(self.service.asked, ["alice"])

    def test_accounts(self) -> None:
        """
        Each account has its own groups, and so has one of another primary group.
        """
        self.memory.groupsOf(ALICE)
        self.memory.groupsOf(BOB)
        self.memory.groupsOf(ALICE._replace(gid=5))
        self.assertEqual(self.service.asked, ["alice", "bob", "alice"])

    def test_later(self) -> None:
        """
        After a second they are asked for again.
        """
        self.memory.groupsOf(ALICE)
        self.service.groups = UserGroups((), ())
        self.now = 0.9
        self.assertEqual(self.memory.groupsOf(ALICE).gids, (1000,))
        self.now = 1.0
        self.assertEqual(self.memory.groupsOf(ALICE).gids, ())

    def test_changedFile(self) -> None:
        """
        What is remembered doesn't count once the file of groups differs, is replaced or
        is gone.
        """
        self.memory.groupsOf(ALICE)
        self.path.write_text("users:x:1000:alice\n")
        self.memory.groupsOf(ALICE)
        new = Path(self.mktemp())
        new.write_text("users:x:1000:alice\n")
        os.rename(new, self.path)
        self.memory.groupsOf(ALICE)
        self.path.unlink()
        self.memory.groupsOf(ALICE)
        self.assertEqual(len(self.service.asked), 4)

    def test_outage(self) -> None:
        """
        That groups can't be found out isn't remembered.
        """
        self.service.isDown = True
        self.assertRaises(OSError, self.memory.groupsOf, ALICE)
        self.service.isDown = False
        self.assertEqual(self.memory.groupsOf(ALICE), self.service.groups)

    def test_bounded(self) -> None:
        """
        However many accounts log in, the memory is bounded.
        """
        for number in range(1000):
            self.memory.groupsOf(ALICE._replace(name=f"user{number}"))
        self.assertLessEqual(len(self.memory._known), 256)
