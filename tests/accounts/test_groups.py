"""
Tests for files of groups.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings, strategies

from mycred._accounts._groups import GroupFile, Groups
from mycred._passwordfile import _snapshot

from ..kit.machines import MachineTestCase


class GroupFileTests(MachineTestCase):
    """
    Tests for L{GroupFile}.
    """

    def groups(self, content: bytes) -> GroupFile:
        """
        Make a file of groups.
        """
        return GroupFile(self.write("group", content))

    def test_members(self) -> None:
        """
        Whoever is named in a line is in that group, and nobody whose name is part of
        another's.
        """
        self.settle()
        groups = self.groups(
            b"#root:x:1:bob\n\nroot:x:0:\n  users:x:100:erin,bob\nwheel:x:10:bobby\n"
            b"bob:x:1000:\nx:bob:7:\nmany:x:many:bob\nshort:x:8\n+more:x:9:bob\n"
            b"part:x:12x:bob\nlong:x:13:bob:\nfew:x:bob\nbig:x:4294967295:bob\n"
            b"bigger:x:00000000014:bob\nend:x:11:bob"
        )
        self.assertEqual(
            groups.of(b"bob", 1000), Groups((1000, 100, 11), ("bob", "users", "end"))
        )
        self.assertEqual(groups.of(b"bobby", 5), Groups((5, 10), ("wheel",)))
        self.assertEqual(groups.of(b"eve", 100), Groups((100,), ("users",)))
        self.assertEqual(groups.of(b"x", 100), Groups((100,), ("users",)))

    def test_sharedNumber(self) -> None:
        """
        Groups that share a number are one, by several names.
        """
        self.settle()
        groups = self.groups(
            b"pass:100:5:\nusers:x:100:\nmore:x:100:\nstaff:x:100:bob\nmail:x:8:bob\n"
            b"post:x:8:bob\n"
        )
        self.assertEqual(
            groups.of(b"bob", 100), Groups((100, 8), ("users", "staff", "mail", "post"))
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
            self.assertEqual(groups.of(name, 1).gids, (1, 7))
        self.assertEqual(groups.of(b"last", 1).gids, (1, 7, 8))
        self.assertEqual(groups.of(b"user", 1).gids, (1,))
        self.assertEqual(groups.of(b"user100000", 1).gids, (1,))

    def test_halfWritten(self) -> None:
        """
        In a file that is just being written the last line counts for nobody, since
        the rest of a name may follow, and what is found is in doubt.
        """
        groups = self.groups(b"users:x:100:bob\nwheel:x:10:bob")
        found = groups.of(b"bob", 100)
        self.assertEqual(found.gids, (100,))
        self.assertIsNotNone(found.doubt)
        self.settle()
        self.assertEqual(groups.of(b"bob", 100), Groups((100, 10), ("users", "wheel")))

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
        self.patch(_snapshot, "_CHUNK", chunk)
        expected = {1: "", 11: ""}
        for line in content.split(b"\n"):
            fields = line.split(b":")
            if len(fields) == 4 and fields[0] and fields[0][:1] != b"#":
                if fields[2].isdigit() and user in fields[3].split(b","):
                    expected[int(fields[2])] = ""
        found = self.groups(content).of(user, 1).gids
        self.assertEqual(set(found) | {11}, set(expected))
