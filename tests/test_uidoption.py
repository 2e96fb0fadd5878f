"""
Tests for L{mycred._uidoption}; L{tests.test_strcred} and L{tests.demo.test_rights} hold
programs to it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred._uidoption import (
    LaterUser,
    insistOnAppendable,
    insistOnReadable,
    insistOnWritable,
    laterUser,
    rightsOf,
)


class RightsTests(SynchronousTestCase):
    """
    Tests for what another user may do with files.
    """

    def setUp(self) -> None:
        if os.geteuid():
            raise SkipTest("run the tests as root")
        record = pwd.getpwnam("nobody")
        self.user = LaterUser(record.pw_uid, record.pw_gid, record.pw_name)
        # Not below the tests' own directory, which may be closed to other users.
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.directory.chmod(0o755)
        self.path = self.directory / "file"
        self.path.write_text("")

    def test_readable(self) -> None:
        """
        A file that they can read is fine, and so is one that doesn't exist.
        """
        self.path.chmod(0o644)
        insistOnReadable(self.path, self.user)
        insistOnReadable(os.fsencode(self.directory / "missing"), self.user)

    def test_unreadable(self) -> None:
        """
        For one that they can't read the text says what to do.
        """
        self.path.chmod(0o600)
        error = self.assertRaises(PermissionError, insistOnReadable, self.path, self.user)
        self.assertIn(f"{self.path} can't be read by nobody (--uid), as whom", str(error))
        self.assertIn(f"chmod g+r {self.path}", str(error))

    def test_closed(self) -> None:
        """
        The first directory that they can't pass through is named, also where a link
        leads through it.
        """
        self.path.chmod(0o666)
        closed = self.directory / "closed"
        closed.mkdir(0o700)
        (closed / "file").write_text("")
        link = self.directory / "link"
        link.symlink_to(closed / "file")
        for path in (closed / "file", closed / "deep" / "file", link):
            for insist in (insistOnReadable, insistOnWritable, insistOnAppendable):
                error = self.assertRaises(PermissionError, insist, str(path), self.user)
                says = (
                    f"since they can't pass through {closed}; do chmod o+x {closed}, or"
                )
                self.assertIn(says, str(error))

    def test_appendable(self) -> None:
        """
        A file that they can append to is fine, and so is one that they can make; else
        the text says what to do.
        """
        os.chown(self.path, self.user.uid, self.user.gid)
        insistOnAppendable(str(self.path), self.user)
        os.chown(self.path, 0, 0)
        for path, mend in (
            (self.path, f"chown nobody {self.path}"),
            (
                self.directory / "new",
                f"install -m 600 -o nobody /dev/null {self.directory}/new",
            ),
        ):
            error = self.assertRaises(
                PermissionError, insistOnAppendable, str(path), self.user
            )
            says = f"{path} can't be written by nobody (--uid), as whom the server runs"
            self.assertEqual(str(error), f"{says}; do {mend}")
        self.directory.chmod(0o777)
        insistOnAppendable(str(self.directory / "new"), self.user)
        self.assertFalse((self.directory / "new").exists())

    def test_writable(self) -> None:
        """
        A file that is to be written must be in a directory that they can write, and be
        writable itself.
        """
        error = self.assertRaises(
            PermissionError, insistOnWritable, str(self.path), self.user
        )
        self.assertIn(f"{self.directory} can't be written by nobody", str(error))
        self.assertIn("install -d -m 700 -o nobody", str(error))
        self.directory.chmod(0o777)
        insistOnWritable(str(self.directory / "missing"), self.user)
        self.path.chmod(0o644)
        error = self.assertRaises(
            PermissionError, insistOnWritable, str(self.path), self.user
        )
        self.assertIn(f"do chown nobody {self.path}, or", str(error))
        self.path.chmod(0o666)
        insistOnWritable(str(self.path), self.user)

    def test_givenBack(self) -> None:
        """
        The rights of the process itself come back, whatever happens meanwhile.
        """
        before = os.geteuid(), os.getegid(), os.getgroups()
        rights = rightsOf(self.user.uid, self.user.gid, [self.user.gid])
        with self.assertRaises(ZeroDivisionError), rights:
            self.assertEqual(os.geteuid(), self.user.uid)
            self.assertEqual(os.getgroups(), [self.user.gid])
            raise ZeroDivisionError
        self.assertEqual((os.geteuid(), os.getegid(), os.getgroups()), before)

    def test_otherPrograms(self) -> None:
        """
        Options of another program than twistd name no user.
        """
        self.assertIsNone(laterUser({"uid": 65534}))
        self.assertIsNone(laterUser(None))
