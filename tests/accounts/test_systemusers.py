"""
Tests for L{mycred._accounts._systemusers} and L{mycred._accounts._users}.
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts import SystemUsers, _systemusers, findAccount
from mycred._accounts._users import FoundUser
from mycred._verdict import Account


class SystemUsersTests(SynchronousTestCase):
    """
    Tests for L{SystemUsers}.
    """

    def test_self(self) -> None:
        """
        The user who runs this is found as L{pwd} and id(1) know them.
        """
        record = pwd.getpwuid(os.getuid())
        users = SystemUsers()
        account = findAccount(users, os.fsencode(record.pw_name))
        assert account is not None
        self.assertEqual(account.name, record.pw_name)
        self.assertEqual((account.uid, account.gid), (os.getuid(), record.pw_gid))
        self.assertEqual(account.home, record.pw_dir)
        gids = os.getgrouplist(record.pw_name, record.pw_gid)
        self.assertEqual(account.gids, tuple(dict.fromkeys(gids)))
        self.assertEqual(account.gids[0], record.pw_gid)
        for name in account.groups:
            self.assertIn(grp.getgrnam(name).gr_gid, account.gids)

    def test_otherUser(self) -> None:
        """
        Groups are those of the user that is asked for.
        """
        other = next(u for u in pwd.getpwall() if u.pw_gid not in (0, os.getgid()))
        account = findAccount(SystemUsers(), os.fsencode(other.pw_name))
        assert account is not None
        gids = os.getgrouplist(other.pw_name, other.pw_gid)
        self.assertEqual(account.gids, tuple(dict.fromkeys(gids)))

    def test_doubledGroups(self) -> None:
        """
        A group that is listed twice counts once.
        """
        self.patch(_systemusers, "_groupList", lambda name, gid: [0, 0, 1, 0])
        groups = SystemUsers().groupsOf(Account("root", 0, 0, "/", "/bin/sh"))
        self.assertEqual(groups.gids, (0, 1))

    def test_closes(self) -> None:
        """
        However many unknown users are looked up, no file stays open.
        """
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            SystemUsers().find(b"no-such-user")
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_unknown(self) -> None:
        """
        No user is found by a name that no account has, whatever its bytes.
        """
        for name in (b"no-such-user", b"\xff\xfe", "zoë".encode()):
            self.assertEqual(SystemUsers().find(name), FoundUser())

    def test_namelessGroup(self) -> None:
        """
        A group that has no name is known by its gid.
        """

        class NoGroups:
            """
            A database without groups.
            """

            def getgrgid(self, gid: int) -> object:
                """
                Raise, since there is none.
                """
                raise KeyError(gid)

            def getgrnam(self, name: str) -> object:
                """
                Raise, since there is none.
                """
                raise KeyError(name)

        users = SystemUsers(groupdb=NoGroups())
        groups = users.groupsOf(Account("root", 0, 0, "/", "/bin/sh"))
        self.assertEqual((groups.names, groups.gids[0]), ((), 0))
        self.assertIsNone(users.gidOf("root"))

    def test_tooManyFiles(self) -> None:
        """
        If no file can be opened, the name service finds no user: that is no answer.
        """

        class Nothing:
            """
            A database that finds nothing.
            """

            def find(self, key: object) -> object:
                """
                Raise, since there is nothing.
                """
                raise KeyError(key)

            getpwnam = getgrgid = getgrnam = find

        users = SystemUsers(Nothing(), Nothing())
        account = Account("root", 0, 0, "/", "/bin/sh")
        self.assertEqual(users.find(b"root"), FoundUser())
        self.assertEqual(users.groupsOf(account).names, ())

        def fail(path: str, flags: int) -> int:
            raise OSError(24, "Too many open files")

        self.patch(os, "open", fail)
        self.assertRaises(OSError, users.find, b"root")
        self.assertRaises(OSError, users.groupsOf, account)
        self.assertRaises(OSError, users.gidOf, "root")

    def groupList(self, groups: list[int], tells: bool) -> list[int]:
        """
        Return the groups that a C library has.

        @param tells: whether it says how many there are, as glibc does.
        """
        asked = []

        def getgrouplist(name: bytes, gid: int, gids: Any, count: Any) -> int:
            size = ctypes.cast(count, ctypes.POINTER(ctypes.c_int))
            asked.append(size[0])
            if size[0] < len(groups):
                if tells:
                    size[0] = len(groups)
                return -1
            for place, one in enumerate(groups):
                gids[place] = one
            size[0] = len(groups)
            return len(groups)

        self.patch(_systemusers, "getgrouplist", lambda: getgrouplist)
        found = _systemusers._groupList(b"alice", 1)
        self.assertLess(len(asked), 15)
        return found

    def test_manyGroups(self) -> None:
        """
        A user may be in many groups.
        """
        for number in (1, 64, 65, 1000, 65_536):
            for tells in (True, False):
                groups = list(range(number))
                self.assertEqual(self.groupList(groups, tells), groups)

    def test_noGroups(self) -> None:
        """
        If they can't be listed, that is an error.
        """
        with self.assertRaises(OSError):
            self.groupList(list(range(2**18)), False)
