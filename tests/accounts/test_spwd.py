"""
Tests for L{mycred._accounts._spwd}.
"""

from __future__ import annotations

import os
import pwd

from mycred._accounts import RecordUsers, ShadowDatabase

from ..kit.machines import MachineTestCase


class ShadowDatabaseTests(MachineTestCase):
    """
    Tests for L{ShadowDatabase}.
    """

    def test_entry(self) -> None:
        """
        An entry has the fields of shadow(5), with -1 for those that are empty or no
        numbers.
        """
        self.write("shadow", b"zo\xeb:$6$x:19000:0:99999:7::x:\nold:*:1:2:3\n")
        shadow = ShadowDatabase(self.shadow)
        entry = shadow.getspnam(os.fsdecode(b"zo\xeb"))
        self.assertIsInstance(entry, shadow.struct_spwd)
        dates = (19000, 0, 99999, 7, -1, -1, -1)
        self.assertEqual(entry, (os.fsdecode(b"zo\xeb"), "$6$x", *dates))
        self.assertEqual(shadow.getspnam("old"), ("old", "*", 1, 2, 3, -1, -1, -1, -1))

    def test_missing(self) -> None:
        """
        A user without an entry is a L{KeyError}, a missing file an L{OSError}.
        """
        self.assertRaises(KeyError, ShadowDatabase(self.shadow).getspnam, "eve")
        self.assertRaises(OSError, ShadowDatabase("/nowhere").getspnam, "eve")


class RecordUsersTests(MachineTestCase):
    """
    Tests for L{RecordUsers}.
    """

    def test_own(self) -> None:
        """
        A user of the name service has the hash and the dates of the entry; an unknown
        one stays unknown.
        """
        name = os.fsencode(pwd.getpwuid(os.getuid()).pw_name)
        self.write("shadow", name + b":$6$x:19000:0:90:7:5:20000:\n")
        entry = ShadowDatabase(self.shadow).getspnam(os.fsdecode(name))
        users = RecordUsers(None, None, entry)
        user = users.find(name).user
        assert user is not None
        self.assertEqual(user.own, (b"$6$x", 19000, 90, 5, 20000))
        self.assertIsNone(users.find(b"no-such-user").user)

    def test_hashAlone(self) -> None:
        """
        An entry that is just a name and a hash has no dates.
        """
        name = pwd.getpwuid(os.getuid()).pw_name
        user = RecordUsers(None, None, (name, "$6$x")).find(os.fsencode(name)).user
        assert user is not None
        self.assertEqual(user.own, (b"$6$x", None, None, None, None))
