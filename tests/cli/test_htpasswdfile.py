"""
Tests for L{mycred._cli._htpasswdfile}.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred._cli import _htpasswdfile
from mycred._cli._htpasswdfile import without, withSecret
from mycred._files import State
from mycred._hashes import verify
from mycred._passwordfile import HTPASSWD, Snapshot

from ..kit.command import PasswdTestCase

ROOT = Path(mycred.__file__).parents[1]


# How long a process may take, in seconds.
PATIENCE = 30


class OtherWritersTests(PasswdTestCase):
    """
    Tests for what else happens to the file meanwhile.
    """

    def test_secondWriter(self) -> None:
        """
        A second writer waits for the first, says so, and loses nothing of what that
        wrote.
        """
        self.path.write_bytes(b"bob:x\n")
        with self.path.open() as first:
            fcntl.flock(first, fcntl.LOCK_EX)
            command = [sys.executable, "-m", "mycred", "passwd", "--stdin", "--cost=4"]
            second = subprocess.Popen(
                [*command, str(self.path), "alice"],
                stdin=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=ROOT,
            )
            self.addCleanup(second.kill)
            assert second.stdin is not None and second.stderr is not None
            second.stdin.write(b"sesame\n")
            second.stdin.close()
            self.assertIn(b"waiting for another writer", second.stderr.readline())
            other = self.folder / "other"
            other.write_bytes(b"carol:x\n")
            other.replace(self.path)
        self.assertEqual(second.wait(PATIENCE), 0)
        second.stderr.close()
        content = self.path.read_bytes()
        self.assertTrue(content.startswith(b"carol:x\nalice:$2y$"), content)

    def test_lockKept(self) -> None:
        """
        One who keeps the lock isn't waited for for ever.
        """
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        self.patch(time, "monotonic", lambda: now[0])
        self.patch(time, "sleep", sleep)
        self.path.write_bytes(b"bob:x\n")
        with self.path.open() as first:
            fcntl.flock(first, fcntl.LOCK_EX)
            done = self.passwd("--cost=4", self.path, "alice")
        self.assertEqual((done.status, done.out), (2, ""))
        says = "another program keeps it locked; nothing was changed\n"
        self.assertTrue(done.err.endswith(says), done.err)
        self.assertEqual(done.err.count("nothing was changed"), 1)
        self.assertTrue(10 <= now[0] < 11)
        self.assertEqual(self.path.read_bytes(), b"bob:x\n")

    def test_swappedName(self) -> None:
        """
        In a directory whose owner swaps names, no other file gets the owner or the mode
        of this one.
        """
        victim = self.folder / "victim"
        victim.write_bytes(b"secret")
        victim.chmod(0o600)
        self.path.write_bytes(b"bob:x\n")
        self.path.chmod(0o666)
        takeAfter = _htpasswdfile._Edit._takeAfter

        def swap(*arguments: Any) -> None:
            [temporary] = self.folder.glob(".mycred-*")
            temporary.unlink()
            temporary.symlink_to(victim)
            takeAfter(*arguments)

        self.patch(_htpasswdfile._Edit, "_takeAfter", swap)
        self.passwd("--cost=4", self.path, "alice")
        self.assertEqual(victim.stat().st_mode & 0o777, 0o600)
        self.assertEqual(victim.read_bytes(), b"secret")

    def test_swappedFolder(self) -> None:
        """
        During an edit the directory may be swapped: the edit goes on in the one in which
        it has begun.
        """
        self.path.write_bytes(b"bob:x\n")
        aside, other = self.folder.with_name("aside"), self.folder.with_name("other")
        other.mkdir()
        (other / "htpasswd").write_bytes(b"root:x\n")

        def swap(content: bytes) -> bytes:
            self.folder.rename(aside)
            self.folder.symlink_to(other)
            return content + b"alice:x\n"

        _htpasswdfile.edit(str(self.path), swap)
        self.assertEqual((other / "htpasswd").read_bytes(), b"root:x\n")
        self.assertEqual((aside / "htpasswd").read_bytes(), b"bob:x\nalice:x\n")

    def test_linkMeanwhile(self) -> None:
        """
        A link that leads nowhere, put there just now, doesn't keep the command busy
        for ever, nor is it followed.
        """
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        def swap(content: bytes) -> bytes:
            if not self.path.is_symlink():
                self.path.symlink_to(self.folder / "elsewhere")
            return content + b"alice:x\n"

        self.patch(time, "monotonic", lambda: now[0])
        self.patch(time, "sleep", sleep)
        error = self.assertRaises(OSError, _htpasswdfile.edit, str(self.path), swap)
        self.assertEqual(error.filename, str(self.path))
        self.assertFalse((self.folder / "elsewhere").exists())
        self.assertEqual(os.listdir(self.folder), ["htpasswd"])

    def test_linkInPlace(self) -> None:
        """
        A link that takes the file's place after its own were followed is not.
        """
        victim = self.folder / "victim"
        victim.write_bytes(b"root:x\n")
        self.path.symlink_to(victim)
        folder = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        self.patch(os, "fchown", None)
        error = self.assertRaises(
            OSError, _htpasswdfile._Edit(str(self.path), folder).run, bytes.upper
        )
        self.assertEqual(error.errno, errno.ELOOP)
        self.assertEqual(victim.read_bytes(), b"root:x\n")

    def test_withoutHardLinks(self) -> None:
        """
        A file is made on file systems without hard links, too.
        """

        def refused(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        self.patch(os, "link", refused)
        self.set("alice", b"sesame")
        self.assertTrue(verify(self.secret(b"alice"), b"sesame"))
        self.assertEqual(os.listdir(self.folder), ["htpasswd"])

    def test_terminated(self) -> None:
        """
        A command that is told to end, as by a terminal that is closed, leaves nothing
        behind.
        """
        self.path.write_bytes(b"bob:x\n")
        for number in (signal.SIGTERM, signal.SIGHUP):
            before = signal.getsignal(number)

            def end(*_: object, number: int = number, **__: object) -> None:
                os.kill(os.getpid(), number)

            patch = self.patch(os, "replace", end)
            done = self.passwd("--cost=4", self.path, "alice")
            patch.restore()
            self.assertEqual(done.status, 128 + number)
            self.assertEqual(self.path.read_bytes(), b"bob:x\n")
            self.assertEqual(os.listdir(self.folder), ["htpasswd"])
            self.assertIs(signal.getsignal(number), before)

    def test_madeMeanwhile(self) -> None:
        """
        A file that another program makes just now is changed, and not overwritten.
        """
        made: list[int] = []

        def meanwhile(content: bytes) -> bytes:
            if not made:
                made.append(self.path.write_bytes(b"carol:x\n"))
            return content + b"alice:x\n"

        _htpasswdfile.edit(str(self.path), meanwhile)
        self.assertEqual(self.path.read_bytes(), b"carol:x\nalice:x\n")
        self.assertEqual(os.listdir(self.folder), ["htpasswd"])

    def test_secondName(self) -> None:
        """
        A file that loses a second name meanwhile, as one does that was just made, is
        changed all the same.
        """
        self.path.write_bytes(b"carol:x\n")
        other = self.path.with_name("other")
        os.link(self.path, other)

        def meanwhile(content: bytes) -> bytes:
            other.unlink()
            return content + b"alice:x\n"

        _htpasswdfile.edit(str(self.path), meanwhile)
        self.assertEqual(self.path.read_bytes(), b"carol:x\nalice:x\n")

    def test_manyWriters(self) -> None:
        """
        Of many who write at a time, each is heard.
        """
        program = (
            "import sys; from mycred._cli._htpasswdfile import edit, withSecret\n"
            "for n in range(50): edit(sys.argv[1],\n"
            "    lambda c: withSecret(c, b'%s-%d' % (sys.argv[2].encode(), n), b'x'))\n"
        )
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(self.path), str(number)], cwd=ROOT
            )
            for number in range(4)
        ]
        for writer in writers:
            self.assertEqual(writer.wait(PATIENCE), 0)
        lines = self.path.read_bytes().splitlines()
        self.assertEqual(len(set(lines)), 200)
        self.assertEqual(len(lines), 200)

    def test_withoutLock(self) -> None:
        """
        One that writes without a lock, as htpasswd does, isn't overwritten
        unawares.
        """

        def meanwhile(content: bytes) -> bytes:
            self.path.write_bytes(b"carol:x\nbob:x\n")
            return content + b"alice:x\n"

        self.path.write_bytes(b"bob:x\n")
        error = self.assertRaises(OSError, _htpasswdfile.edit, str(self.path), meanwhile)
        says = "another program is writing it; nothing was changed"
        self.assertEqual(error.strerror, says)
        self.assertEqual(self.path.read_bytes(), b"carol:x\nbob:x\n")
        self.assertEqual(os.listdir(self.folder), ["htpasswd"])

    def test_interrupted(self) -> None:
        """
        Who reads finds the old file or the new one: a command that dies on the way
        leaves the old one, and nothing beside it.
        """

        def killed(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        self.path.write_bytes(b"bob:x\n")
        for step in ("fsync", "replace"):
            with_ = self.patch(os, step, killed)
            self.assertEqual(self.passwd("--cost=4", self.path, "alice").status, 130)
            with_.restore()
            self.assertEqual(self.path.read_bytes(), b"bob:x\n")
            self.assertEqual(os.listdir(self.folder), ["htpasswd"])

    def test_readersNeverSeeHalf(self) -> None:
        """
        The file is replaced in one step: a program that has it open goes on reading what
        it was.
        """
        self.path.write_bytes(b"bob:x\n")
        with self.path.open("rb") as reader:
            self.set("alice", b"sesame")
            self.assertEqual(reader.read(), b"bob:x\n")


# Lines as odd as they come.
parts = st.sampled_from([*":\n\r# ab", "SCRAM-SHA-1$", "a:SCRAM-SHA-256$1:b$c:d"])
contents = st.lists(parts, max_size=60).map("".join).map(str.encode) | st.binary()


class EditingTests(SynchronousTestCase):
    """
    Tests for what becomes of any content.
    """

    def read(self, content: bytes) -> dict[bytes, bytes]:
        """
        Read a file as the checker does.
        """
        snapshot = Snapshot(content, HTPASSWD, State((0, 0, 0, 0, 0), 60))
        users: dict[bytes, Any] = {}
        for entry in snapshot:
            users.setdefault(entry.name, entry.secret)
        return users

    @settings(deadline=None, database=None)
    @given(contents, st.sampled_from([b"a", b"b", b"ab", b"zoe"]))
    def test_anyContent(self, content: bytes, name: bytes) -> None:
        """
        Setting and removing a user leaves all others as they are.
        """
        before = self.read(content)
        after = self.read(withSecret(content, name, b"new"))
        self.assertEqual(after, {**before, name: b"new"})
        removed = self.read(without(content, name))
        self.assertEqual(removed, {n: s for n, s in before.items() if n != name})
