"""
Tests for L{mycred._auditlog._file}, L{mycred._auditlog._formats} and
L{mycred._auditlog._gap}: files with a line for each login.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, strategies as st

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred.stack import AuditFile, AuditLog

from ..kit.auditing import FORGERIES, logIn, session

# What writes as many lines as its argument says.
WRITER = """
import sys
from tests.kit.auditing import logIn, session
from mycred.stack import AuditFile, AuditLog
portal = session(AuditLog(AuditFile(sys.argv[1], "json")))
for _ in range(int(sys.argv[2])):
    logIn(portal, sys.argv[3].encode(), b"wrong")
"""


class FileCase(SynchronousTestCase):
    """
    Base of the tests of files.
    """

    format = "line"

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.file = AuditFile(str(self.path), self.format)
        self.addCleanup(self.file.close)
        self.portal = session(AuditLog(self.file))
        self.logged: list[Any] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def said(self) -> list[str]:
        """
        Return what the log says of the file, and begin again.
        """
        said = [formatEvent(e) for e in self.logged if "place" in e]
        del self.logged[:]
        return said

    def lines(self) -> list[str]:
        """
        Return the lines of the file, of which each must be whole.
        """
        text = self.path.read_text("utf-8")
        self.assertTrue(text.endswith("\n"))
        return text.split("\n")[:-1]


class LineTests(FileCase):
    """
    The format of lines.
    """

    def test_line(self) -> None:
        """
        A line is that of the log, after the time.
        """
        logIn(self.portal, b"eve", b"wrong")
        [line] = self.lines()
        [logged] = [formatEvent(event) for event in self.logged if "verdict" in event]
        time, _, rest = line.partition(" ")
        self.assertRegex(time, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$")
        self.assertEqual(rest, logged)

    @given(st.text() | st.binary() | st.sampled_from(FORGERIES))
    def test_anyName(self, name: object) -> None:
        """
        Whatever a client types, there is one line, whose one address is the client's own.
        """
        self.path.unlink(missing_ok=True)
        logIn(self.portal, name, b"wrong")
        [line] = self.lines()
        self.assertTrue(line.isprintable())
        self.assertEqual(line.count(" peer="), 1)
        self.assertTrue(line.endswith(" peer=192.0.2.1"))
        self.assertLess(len(line), 2000)


class JSONTests(FileCase):
    """
    The format of JSON.
    """

    format = "json"

    @given(st.text() | st.binary() | st.sampled_from(FORGERIES))
    def test_anyName(self, name: object) -> None:
        """
        Whatever a client types, there is one line of ASCII with one object, in which the
        address is found as text, once.
        """
        self.path.unlink(missing_ok=True)
        logIn(self.portal, name, b"wrong")
        [line] = self.lines()
        self.assertTrue(line.isascii() and line.isprintable())
        self.assertEqual(json.loads(line)["source.ip"], "192.0.2.1")
        self.assertEqual(re.findall('"source.ip":"([^"]*)"', line), ["192.0.2.1"])
        self.assertLess(len(line), 4000)

    def test_together(self) -> None:
        """
        Several processes write to one file, which is moved away meanwhile: no line is
        missing, and all are whole.
        """
        arguments = [sys.executable, "-c", WRITER, str(self.path.absolute()), "300"]
        root = Path(__file__).parents[2]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        writers = [
            subprocess.Popen([*arguments, name * 64], env=environment, cwd=root)
            for name in "ab"
        ]
        moved: list[Path] = []
        while None in [writer.poll() for writer in writers]:
            with contextlib.suppress(subprocess.TimeoutExpired):
                writers[0].wait(0.01)
            with contextlib.suppress(FileNotFoundError):
                moved.append(self.path.rename(f"{self.path}.{len(moved)}"))
        self.assertEqual([writer.wait() for writer in writers], [0, 0])
        self.assertGreater(len(moved), 1)
        files = [path for path in (*moved, self.path) if path.exists()]
        lines = "".join(path.read_text("utf-8") for path in files).splitlines()
        names = [json.loads(line)["user.name"] for line in lines]
        self.assertEqual(sorted(names), ["a" * 64] * 300 + ["b" * 64] * 300)


class FollowingTests(FileCase):
    """
    The file may be moved, cut off, removed, or be impossible to write.
    """

    def test_mode(self) -> None:
        """
        A new file is for its owner alone; the mode of one that exists is left.
        """
        logIn(self.portal)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.path.chmod(0o640)
        logIn(self.portal)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o640)

    def test_appends(self) -> None:
        """
        What the file holds already stays.
        """
        self.path.write_text("before\n")
        logIn(self.portal)
        self.assertEqual(len(self.lines()), 2)

    def test_moved(self) -> None:
        """
        The next login after it was moved is written to the new one.
        """
        logIn(self.portal)
        self.path.rename(f"{self.path}.1")
        logIn(self.portal)
        logIn(self.portal)
        self.assertEqual(len(self.lines()), 2)
        self.assertEqual(Path(f"{self.path}.1").read_text().count("\n"), 1)

    def test_cutOff(self) -> None:
        """
        After it was cut off lines are written from its beginning, without a hole.
        """
        logIn(self.portal)
        os.truncate(self.path, 0)
        logIn(self.portal)
        self.assertNotIn("\0", self.lines()[0])

    def test_openOnce(self) -> None:
        """
        It isn't opened for each login.
        """
        logIn(self.portal)
        before = self.file._descriptor
        logIn(self.portal)
        self.assertEqual(self.file._descriptor, before)

    def test_laterThanStart(self) -> None:
        """
        It is opened at the first login, by when twistd may have become another user.
        """
        self.assertFalse(self.path.exists())

    def test_directoryGone(self) -> None:
        """
        Without the directory logins go on.  That is logged once, and its end is, with the
        number of those that are missing.
        """
        directory = Path(self.mktemp())
        self.file = AuditFile(directory / "logins")
        self.addCleanup(self.file.close)
        portal = session(AuditLog(self.file))
        for _ in range(3):
            [login] = logIn(portal)
            self.assertEqual(login[1], b"alice")
        [said] = self.said()
        self.assertIn(f"can't be written to {self.file.path}: No such file", said)
        directory.mkdir()
        logIn(portal)
        [said] = self.said()
        self.assertIn("again; 3 are missing there", said)

    def test_pipe(self) -> None:
        """
        A pipe isn't waited for, whether there is a reader or not.
        """
        os.mkfifo(self.path)
        logIn(self.portal)
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        logIn(self.portal)
        self.assertEqual(len(self.said()), 1)

    def test_relative(self) -> None:
        """
        A path is that of the directory in which the server was started.
        """
        before = os.getcwd()
        file = AuditFile("logins")
        self.addCleanup(file.close)
        os.chdir("/")
        self.addCleanup(os.chdir, before)
        self.assertEqual(file.path, os.path.join(before, "logins"))

    def test_full(self) -> None:
        """
        On a full disk nothing is left of a line for which there is no room: half an
        address may be another one.
        """
        # Larger than the other files of this process, which has its own log.
        size = 2**30
        self.path.touch()
        os.truncate(self.path, size)
        for room in (size + 20, size + 1, size):
            with limited(room):
                [login] = logIn(self.portal)
            self.assertEqual(login[1], b"alice")
            self.assertEqual(self.path.stat().st_size, size)
        self.assertEqual(len(self.said()), 1)
        logIn(self.portal)
        self.assertIn("3 are missing", self.said()[0])
        with self.path.open("rb") as file:
            file.seek(size)
            self.assertRegex(file.read(), rb"^2.* Login accepted: .*\n$")

    def test_format(self) -> None:
        """
        There are no other formats.
        """
        error = self.assertRaises(ValueError, AuditFile, "logins", "xml")
        self.assertEqual(str(error), "write one of line, json")


@contextmanager
def limited(size: int) -> Iterator[None]:
    """
    Let files grow to a size and no further, as if the disk were full.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
