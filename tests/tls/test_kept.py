"""
Tests for files of which one value is made.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.logger import formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from mycred import _files
from mycred._tls._kept import KeptFiles


class KeptFilesTests(SynchronousTestCase):
    """
    Tests for L{KeptFiles}.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.paths = [str(self.folder / "key"), str(self.folder / "certificate")]
        self.parsed = 0
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)

    def settle(self) -> None:
        """
        Have all files be old enough to be believed.
        """
        self.patch(_files, "SETTLING", 0)

    def write(self, *texts: str) -> None:
        """
        Write the files, each in place of the old one.
        """
        for path, text in zip(self.paths, texts):
            new = self.folder / "new"
            new.write_text(text)
            new.replace(path)

    def kept(self) -> KeptFiles[tuple[bytes, ...]]:
        """
        Return the files, which must hold the same.
        """
        return KeptFiles(self.paths, self.parse)

    def parse(self, texts: Sequence[bytes]) -> tuple[bytes, ...]:
        """
        Return what files hold.
        """
        self.parsed += 1
        if len(set(texts)) != 1:
            raise ValueError("they don't fit together")
        return tuple(texts)

    def logged(self) -> list[str]:
        """
        Return what was logged since.
        """
        events = [
            event for event in self.events if event["log_namespace"].endswith("Files")
        ]
        self.events.clear()
        return [str(formatEvent(event)) for event in events]

    def test_begin(self) -> None:
        """
        At first, files that can't be used are an error.
        """
        self.assertRaises(FileNotFoundError, self.kept)
        self.write("a", "b")
        self.assertRaises(ValueError, self.kept)

    def test_differ(self) -> None:
        """
        Files that differ are read again, and the log says so.
        """
        self.write("a", "a")
        kept = self.kept()
        self.write("b", "b")
        self.assertEqual(kept.read(), (b"b", b"b"))
        [line] = self.logged()
        self.assertEqual(line, f"TLS uses what {' and '.join(self.paths)} hold now")

    def test_sameTimes(self) -> None:
        """
        A file that is written in place, so soon that its times don't tell, is read again.
        """
        self.write("a", "a")
        kept = self.kept()
        for path in self.paths:
            status = os.stat(path)
            Path(path).write_text("b")
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        self.assertEqual(kept.read(), (b"b", b"b"))

    def test_together(self) -> None:
        """
        As long as they don't fit together what they held before counts, and the log says
        so once.
        """
        self.write("a", "a")
        kept = self.kept()
        self.write("b")
        for _ in range(3):
            self.assertEqual(kept.read(), (b"a", b"a"))
        [line] = self.logged()
        self.assertIn("goes on with what it has read before", line)
        self.assertIn("they don't fit together", line)
        self.write("b", "b")
        self.assertEqual(kept.read(), (b"b", b"b"))

    def test_back(self) -> None:
        """
        So it is where the old content comes back.
        """
        self.write("a", "a")
        kept = self.kept()
        self.write("b")
        kept.read()
        self.write("a")
        self.assertEqual(kept.read(), (b"a", b"a"))
        self.write("b")
        self.assertEqual(kept.read(), (b"a", b"a"))
        self.assertEqual(len([x for x in self.logged() if "fit" in x]), 2)

    def test_gone(self) -> None:
        """
        A file that can't be read any more doesn't stop anything, and is logged once.
        """
        self.write("a", "a")
        kept = self.kept()
        for _ in range(3):
            os.unlink(self.paths[0])
            self.assertEqual(kept.read(), (b"a", b"a"))
            self.assertEqual(kept.read(), (b"a", b"a"))
            [line] = self.logged()
            self.assertIn("key can't be read (No such file or directory)", line)
            self.write("a")
            self.assertEqual(kept.read(), (b"a", b"a"))

    def test_parsedOnce(self) -> None:
        """
        As long as files don't differ they aren't parsed again, whether or not they can be
        used.
        """
        self.write("a", "a")
        kept = self.kept()
        for _ in range(3):
            kept.read()
        self.assertEqual(self.parsed, 1)
        self.write("b")
        for _ in range(3):
            kept.read()
        self.assertEqual(self.parsed, 2)

    def test_notRead(self) -> None:
        """
        Once they are old enough they aren't even read.
        """
        self.settle()
        self.write("a", "a")
        kept = self.kept()
        for path in self.paths:
            os.chmod(path, 0)
        kept.read()
        self.patch(_files, "openRegular", lambda path: self.fail(path))
        kept.read()
