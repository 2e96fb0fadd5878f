"""
Tests for L{mycred._accounts._fileusers}.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings, strategies

from mycred._accounts import FileUsers
from mycred._accounts._fileusers import GroupFile
from mycred._accounts._users import FoundUser, UserGroups
from mycred._passwordfile import Snapshot
from mycred._verdict import Account

from ..kit.machines import MachineTestCase


class FileUsersTests(MachineTestCase):
    """
    Tests for L{FileUsers}.
    """

    def find(self, name: bytes, content: bytes) -> FoundUser:
        """
        Return what is found in a file that holds this, and isn't being written.
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
        The largest ids are those below what stands for none; an empty shell is /bin/sh.
        """
        user = self.find(b"carol", b"carol:x:4294967294:4294967294:::\n").user
        assert user is not None
        self.assertEqual((user.account.uid, user.account.gid), (2**32 - 2, 2**32 - 2))
        self.assertEqual(user.account.shell, "/bin/sh")

    def test_damaged(self) -> None:
        """
        A line that isn't one of passwd(5) is no user's.
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


class GroupFileTests(MachineTestCase):
    """
    Tests for L{GroupFile}.
    """

    def groups(self, content: bytes) -> GroupFile:
        """
        Return a file of groups.
        """
        return GroupFile(self.write("group", content))

    def test_members(self) -> None:
        """
        A user who is named in a line is in that group; a user whose name is only part of
        another one isn't.
        """
        self.settle()
        groups = self.groups(
            b"#root:x:1:bob\n\nroot:x:0:\n  users:x:100:erin,bob\nwheel:x:10:bobby\n"
            b"bob:x:1000:\nx:bob:7:\nmany:x:many:bob\nshort:x:8\n+more:x:9:bob\n"
            b"part:x:12x:bob\nlong:x:13:bob:\nfew:x:bob\nbig:x:4294967295:bob\n"
            b"bigger:x:00000000014:bob\nend:x:11:bob"
        )
        self.assertEqual(
            groups.groupsOf(b"bob", 1000),
            UserGroups((1000, 100, 11), ("bob", "users", "end")),
        )
        self.assertEqual(groups.groupsOf(b"bobby", 5), UserGroups((5, 10), ("wheel",)))
        self.assertEqual(groups.groupsOf(b"eve", 100), UserGroups((100,), ("users",)))
        self.assertEqual(groups.groupsOf(b"x", 100), UserGroups((100,), ("users",)))

    def test_sharedGid(self) -> None:
        """
        Groups that share a gid are one, by several names.
        """
        self.settle()
        groups = self.groups(
            b"pass:100:5:\nusers:x:100:\nmore:x:100:\nstaff:x:100:bob\nmail:x:8:bob\n"
            b"post:x:8:bob\n"
        )
        self.assertEqual(
            groups.groupsOf(b"bob", 100),
            UserGroups((100, 8), ("users", "staff", "mail", "post")),
        )
        self.assertEqual(groups.gidOf("staff"), 100)

    def test_gidOf(self) -> None:
        """
        A group is found by its name; the first line for it counts.
        """
        self.settle()
        groups = self.groups(b"a:x:1:mail\nxmail:x:2:\nmail:x:8:\nmail:x:9:\nzo\xeb:x:4:")
        self.assertEqual(groups.gidOf("mail"), 8)
        self.assertEqual(groups.gidOf(os.fsdecode(b"zo\xeb")), 4)
        for name in ("", "x", "mai", "ail", "mail:x", "none"):
            self.assertIsNone(groups.gidOf(name), name)

    def test_longLine(self) -> None:
        """
        A line of any length is looked at as a whole.
        """
        self.settle()
        members = b",".join(b"user%d" % number for number in range(100_000))
        groups = self.groups(b"all:x:7:%s,last\nnext:x:8:last\n" % members)
        for name in (b"user0", b"user9999", b"user99999"):
            self.assertEqual(groups.groupsOf(name, 1).gids, (1, 7))
        self.assertEqual(groups.groupsOf(b"last", 1).gids, (1, 7, 8))
        self.assertEqual(groups.groupsOf(b"user", 1).gids, (1,))
        self.assertEqual(groups.groupsOf(b"user100000", 1).gids, (1,))

    def test_halfWritten(self) -> None:
        """
        In a file that is just being written the last line doesn't count, since
        the rest of a name may follow, and what is found is in doubt.
        """
        groups = self.groups(b"users:x:100:bob\nwheel:x:10:bob")
        found = groups.groupsOf(b"bob", 100)
        self.assertEqual(found.gids, (100,))
        self.assertIsNotNone(found.doubt)
        self.settle()
        self.assertEqual(
            groups.groupsOf(b"bob", 100), UserGroups((100, 10), ("users", "wheel"))
        )

    @settings(max_examples=200, suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        strategies.text("ab:,\n1#", max_size=60).map(str.encode),
        strategies.sampled_from([b"a", b"ab", b"b", b"1"]),
        strategies.integers(1, 5),
    )
    def test_likeAll(self, content: bytes, user: bytes, chunk: int) -> None:
        """
        Whatever the file holds, the groups are those that are found by taking all its
        lines apart.
        """
        self.settle()
        self.patch(Snapshot, "CHUNK", chunk)
        expected = {1: "", 11: ""}
        for line in content.split(b"\n"):
            fields = line.split(b":")
            if len(fields) == 4 and fields[0] and fields[0][:1] != b"#":
                if fields[2].isdigit() and user in fields[3].split(b","):
                    expected[int(fields[2])] = ""
        found = self.groups(content).groupsOf(user, 1).gids
        self.assertEqual(set(found) | {11}, set(expected))
