"""
Tests for L{mycred._auditlog._options}: what a file of settings says.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred._auditlog import AuditFile, AuditSyslog, auditOptions, makeAudit
from mycred._contracts import InvalidAuthArgumentString

from ..kit.auditing import logIn, session

DOC = Path(__file__).parents[2] / "doc"


class OptionsTests(SynchronousTestCase):
    """
    Each option takes effect, or is an error when the program starts.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()

    def made(self, argstring: str) -> Any:
        """
        Make what the options say.
        """
        audit = makeAudit(auditOptions.parse(argstring))
        self.addCleanup(audit.close)
        return audit

    def wrong(self, argstring: str) -> str:
        """
        Return what is said about options that are wrong.
        """
        wrong = (ValueError, InvalidAuthArgumentString)
        return str(self.assertRaises(wrong, self.made, argstring))

    def test_formats(self) -> None:
        """
        A file has lines as in the log, unless it is to have JSON.
        """
        for more, begins in (("", "2"), (":format=line", "2"), (":format=json", "{")):
            path = Path(f"{self.path}{begins}{more[-4:]}")
            audit = self.made(f"file={path}{more}")
            logIn(session(audit))
            self.assertEqual(path.read_text()[0], begins)
            self.assertEqual(audit.writesLater, (str(path),))

    def test_both(self) -> None:
        """
        A file and syslog can both be had, and each without the other.
        """
        both = self.made(f"file={self.path}:syslog=authpriv")
        self.assertEqual(
            [type(each) for each in both._observers], [AuditFile, AuditSyslog]
        )
        alone = self.made("syslog=auth")
        self.assertEqual((len(alone._observers), alone.writesLater), (1, ()))

    def test_nothing(self) -> None:
        """
        One of them must be given.
        """
        self.assertEqual(self.wrong(""), "write file= or syslog=, or both")

    def test_noEffect(self) -> None:
        """
        A format without a file is an error.
        """
        said = self.wrong("syslog=auth:format=json")
        self.assertEqual(said, "format: there is no file= of this format")

    def test_wrong(self) -> None:
        """
        What can't be is said.
        """
        os.mkfifo(f"{self.path}.fifo")
        with socket.socket(socket.AF_UNIX) as listening:
            directory = tempfile.mkdtemp()
            self.addCleanup(shutil.rmtree, directory)
            listening.bind(f"{directory}/s")
            for argstring, says in {
                "file=": "file: a value is missing",
                f"file={self.path}/x": f"{self.path} is no directory",
                f"file={directory}": "Is a directory",
                f"file={directory}/s": "can't be written",
                f"file={self.path}.fifo": "can't be written",
                "file=/dev/null": "it is not a regular file",
                f"file={self.path}:format=xml": "format: write one of line, json",
                "syslog=mail": "syslog: write one of auth, authpriv, local0",
                "sylog=auth": "did you mean syslog=?",
            }.items():
                self.assertIn(says, self.wrong(argstring))

    def test_notMade(self) -> None:
        """
        The file isn't made when the options are parsed: twistd may become another user.
        """
        self.made(f"file={self.path}")
        self.assertFalse(self.path.exists())

    def test_rights(self) -> None:
        """
        Whoever can't write the file, or make it, is told so.
        """
        if os.geteuid():
            raise SkipTest("run the tests as root")
        directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, directory)
        os.chmod(directory, 0o755)
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
        try:
            said = self.wrong(f"file={directory}/logins")
        finally:
            os.seteuid(0)
        self.assertIn(f"({directory} can't be written); write the path of a file", said)

    def test_page(self) -> None:
        """
        The page has a row for each option.
        """
        page = (DOC / "audit.rst").read_text("utf-8")
        for option in auditOptions:
            self.assertIn(f"   * - ``{option.key} = ", page)
