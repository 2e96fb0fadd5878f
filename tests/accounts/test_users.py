"""
Tests for where users are found.
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts import FileUsers, SystemUsers, _users, describe
from mycred._verdict import Account

from ..kit.machines import MachineTestCase


class SystemUsersTests(SynchronousTestCase):
    """
    Tests for L{SystemUsers}.
    """

    def test_self(self) -> None:
        """
        The user who runs this is found as L{pwd} and id(1) know him.
        """
        record = pwd.getpwuid(os.getuid())
        users = SystemUsers()
        account = describe(users, os.fsencode(record.pw_name))
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
        account = describe(SystemUsers(), os.fsencode(other.pw_name))
        assert account is not None
        gids = os.getgrouplist(other.pw_name, other.pw_gid)
        self.assertEqual(account.gids, tuple(dict.fromkeys(gids)))

    def test_doubledGroups(self) -> None:
        """
        A group that is listed twice counts once.
        """
        self.patch(_users, "_groupList", lambda name, gid: [0, 0, 1, 0])
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
        Nobody is found by a name that nobody has, whatever its bytes.
        """
        for name in (b"no-such-user", b"\xff\xfe", "zoë".encode()):
            self.assertEqual(SystemUsers().find(name), _users.Found())

    def test_namelessGroup(self) -> None:
        """
        A group that has no name is known by its number.
        """

        class NoGroups:
            """
            A database without groups.
            """

            def getgrgid(self, gid: int) -> object:
                """
                Find none.
                """
                raise KeyError(gid)

            def getgrnam(self, name: str) -> object:
                """
                Find none.
                """
                raise KeyError(name)

        users = SystemUsers(groupdb=NoGroups())
        groups = users.groupsOf(Account("root", 0, 0, "/", "/bin/sh"))
        self.assertEqual((groups.names, groups.gids[0]), ((), 0))
        self.assertIsNone(users.gidOf("root"))

    def test_tooManyFiles(self) -> None:
        """
        If no file can be opened, the name service finds nobody: that is no answer.
        """

        class Nothing:
            """
            A database that finds nothing.
            """

            def find(self, key: object) -> object:
                """
                Find nothing.
                """
                raise KeyError(key)

            getpwnam = getgrgid = getgrnam = find

        users = SystemUsers(Nothing(), Nothing())
        account = Account("root", 0, 0, "/", "/bin/sh")
        self.assertEqual(users.find(b"root"), _users.Found())
        self.assertEqual(users.groupsOf(account).names, ())

        def fail(path: str, flags: int) -> int:
            raise OSError(24, "Too many open files")

        self.patch(os, "open", fail)
        self.assertRaises(OSError, users.find, b"root")
        self.assertRaises(OSError, users.groupsOf, account)
        self.assertRaises(OSError, users.gidOf, "root")

    def groupList(self, groups: list[int], tells: bool) -> list[int]:
        """
        Ask a C library for groups.

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

        self.patch(_users, "getgrouplist", lambda: getgrouplist)
        found = _users._groupList(b"alice", 1)
        self.assertLess(len(asked), 15)
        return found

    def test_manyGroups(self) -> None:
        """
        Whoever is in many groups is in all of them.
        """
        for number in (1, 64, 65, 1000, 65_536):
            for tells in (True, False):
                groups = list(range(number))
                self.assertEqual(self.groupList(groups, tells), groups)

    def test_noGroups(self) -> None:
        """
        If they can't be listed, that is told.
        """
        with self.assertRaises(OSError):
            self.groupList(list(range(2**18)), False)


class FileUsersTests(MachineTestCase):
    """
    Tests for L{FileUsers}.
    """

    def find(self, name: bytes, content: bytes) -> _users.Found:
        """
        Look somebody up in a file that holds this, and has come to rest.
        """
        self.settle()
        self.write("passwd", content)
        return FileUsers(self.passwd).find(name)

    def test_lines(self) -> None:
        """
        Lines are read as glibc reads them: of two for one user the first counts,
        comments, blank lines and instructions are skipped.
        """
        content = (
            b"#carol:x:1:1:::\n\n  \n+carol:x:2:2:::\n+\n-\n+::::::\n"
            b"  carol:x:3:3::/c:/bin/c\ncarol:x:4:4:::\nnonsense\n:x:5:5:::\n"
        )
        user = self.find(b"carol", content).user
        assert user is not None
        self.assertEqual(user.account, Account("carol", 3, 3, "/c", "/bin/c"))
        for name in (b"#carol", b"+carol", b"+", b"-", b"nonsense", b""):
            self.assertIsNone(self.find(name, content).user, name)

    def test_numbers(self) -> None:
        """
        The largest numbers are those below what stands for nobody; an empty shell is
        /bin/sh.
        """
        user = self.find(b"carol", b"carol:x:4294967294:4294967294:::\n").user
        assert user is not None
        self.assertEqual((user.account.uid, user.account.gid), (2**32 - 2, 2**32 - 2))
        self.assertEqual(user.account.shell, "/bin/sh")

    def test_damaged(self) -> None:
        """
        A line that isn't one of passwd(5) is nobody's.
        """
        for line in (
            b"carol:x",
            b"carol:x:1:1::/c",
            b"carol:x:1:1::/c:/bin/sh:",
            b"carol:x::1::/c:/bin/sh",
            b"carol:x:-1:1::/c:/bin/sh",
            b"carol:x:1:root::/c:/bin/sh",
            b"carol:x:4294967295:1::/c:/bin/sh",
            b"carol:x:1:99999999999::/c:/bin/sh",
        ):
            found = self.find(b"carol", line + b"\n")
            self.assertIsNone(found.user, line)
            self.assertIn("passwd(5)", found.flaw)

    def test_names(self) -> None:
        """
        Bytes that are no UTF-8 come through as Python has them.
        """
        user = self.find(b"zo\xeb", b"zo\xeb:x:1:1::/h\xff:/bin/sh\n").user
        assert user is not None
        self.assertEqual(user.name, b"zo\xeb")
        self.assertEqual(os.fsencode(user.account.home), b"/h\xff")

    def test_cut(self) -> None:
        """
        A last line without an end counts, once it has come to rest, if its shell is
        there: an empty one would stand for one that is in /etc/shells.
        """
        line = b"carol:x:1:1::/c:/bin/sh"
        passwd = self.write("young", line)
        found = FileUsers(passwd).find(b"carol")
        self.assertIsNone(found.user)
        self.assertIsNotNone(found.doubt)
        self.assertIsNotNone(self.find(b"carol", line).user)
        for size in range(len(line) - len(b"/bin/sh") + 1):
            self.assertIsNone(self.find(b"carol", line[:size]).user, line[:size])

    def test_hidden(self) -> None:
        """
        As for pam_unix, C{##} refers to the shadow file if the name follows.
        """
        for secret, hidden in [(b"##carol", True), (b"##dave", False), (b"##", False)]:
            user = self.find(b"carol", b"carol:%s:1:1:::/bin/sh\n" % secret).user
            assert user is not None
            self.assertEqual(user.own is None, hidden)
