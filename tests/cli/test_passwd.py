"""
Tests for C{mycred passwd}.

They cover L{mycred.__main__}, L{mycred._cli._errors}, L{mycred._cli._htpasswdfile},
L{mycred._cli._main} and L{mycred._cli._prompt}, too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from hypothesis import given, settings, strategies as st

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import mycred
from mycred._cli import _htpasswdfile
from mycred._cli._htpasswdfile import without, withSecret
from mycred._files import State
from mycred._hashes import recognize, verify
from mycred._passwordfile import HTPASSWD, Snapshot

from ..kit.command import CommandTests, Done

ROOT = Path(mycred.__file__).parents[1]

# How long a process may take, in seconds.
PATIENCE = 30


class PasswdTestCase(CommandTests, SynchronousTestCase):
    """
    Base of the tests for C{mycred passwd}.
    """

    def passwd(self, *arguments: object, stdin: bytes = b"sesame\n") -> Done:
        """
        Run it, with a password of little cost where one is set.
        """
        return self.mycred("passwd", "--stdin", *arguments, stdin=stdin)

    def set(self, user: str, password: bytes, *options: str) -> None:
        """
        Set a password.
        """
        done = self.passwd("--cost=4", self.path, user, *options, stdin=password)
        self.assertEqual(done, (0, "", ""))

    def secret(self, user: bytes) -> bytes:
        """
        Find what is stored for a user.
        """
        for line in self.path.read_bytes().split(b"\n"):
            name, _, rest = line.partition(b":")
            if name.strip() == user:
                return rest.split(b":")[0].strip()
        raise KeyError(user)


class SetTests(PasswdTestCase):
    """
    Tests for setting a password.
    """

    def test_newFile(self) -> None:
        """
        A file that isn't there is made, for its owner's eyes only, whatever the
        umask.
        """
        self.addCleanup(os.umask, os.umask(0))
        for umask in (0, 0o277):
            os.umask(umask)
            self.path.unlink(missing_ok=True)
            self.set("alice", b"sesame\n")
            self.assertEqual(self.path.stat().st_mode & 0o7777, 0o600)
        self.assertTrue(verify(self.secret(b"alice"), b"sesame"))
        self.assertEqual(os.listdir(self.folder), ["htpasswd"])

    def test_change(self) -> None:
        """
        The line that counts is changed, and all else stays: comments, other users,
        further fields, the lines that don't count, and how lines end.
        """
        before = b"# users\r\nbob:x\r\n  alice:old:1000:1000::/home\nalice:two\n#alice:x"
        self.path.write_bytes(before)
        self.set("alice", b"sesame")
        secret = self.secret(b"alice")
        self.assertTrue(verify(secret, b"sesame"))
        self.assertEqual(self.path.read_bytes(), before.replace(b"old", secret))
        self.set("bob", b"tulip")
        self.assertIn(b"\r\nbob:" + self.secret(b"bob") + b"\r\n", self.path.read_bytes())

    def test_append(self) -> None:
        """
        A new user comes last, on a line of his own.
        """
        for before in (b"", b"bob:x\n", b"bob:x", b"#\n\n"):
            self.path.write_bytes(before)
            self.set("alice", b"sesame")
            lines = self.path.read_bytes().split(b"\n")
            self.assertEqual(lines[-1], b"")
            self.assertTrue(lines[-2].startswith(b"alice:$2y$04$"))
            kept = b"\n".join(lines[:-2])
            self.assertEqual(kept, before.removesuffix(b"\n"))

    def test_ownerAndMode(self) -> None:
        """
        A file that is there keeps its owner, group and mode.
        """
        self.path.write_bytes(b"bob:x\n")
        self.path.chmod(0o640)
        if os.getuid() == 0:
            os.chown(self.path, 4711, 4712)
        before = self.path.stat()
        self.set("alice", b"sesame")
        after = self.path.stat()
        self.assertNotEqual(after.st_ino, before.st_ino)
        for name in ("st_mode", "st_uid", "st_gid"):
            self.assertEqual(getattr(after, name), getattr(before, name))

    def test_ownerCannotBeKept(self) -> None:
        """
        Where the owner can't be kept nothing is changed, and nothing is left.
        """

        def denied(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        self.path.write_bytes(b"bob:x\n")
        self.patch(os, "fchown", denied)
        done = self.passwd("--cost=4", self.path, "alice")
        self.assertUsage(done, f"^mycred passwd: {self.path}: its owner.*as root")
        self.assertEqual(self.path.read_bytes(), b"bob:x\n")
        self.assertEqual(os.listdir(self.folder), ["htpasswd"])

    def test_link(self) -> None:
        """
        A link goes on leading to the file.
        """
        link = self.folder / "link"
        link.symlink_to("htpasswd")
        self.path.write_bytes(b"bob:x\n")
        done = self.passwd("--cost=4", link, "alice")
        self.assertEqual(done.status, 0)
        self.assertTrue(link.is_symlink())
        self.assertIn(b"alice:", self.path.read_bytes())

    def test_schemes(self) -> None:
        """
        Each scheme, at a cost, makes a hash that lets the user in.
        """
        for options, begins in [
            (("--cost=5",), b"$2y$05$"),
            (("--scheme=sha512", "--cost=1000"), b"$6$rounds=1000$"),
            (("--scheme=argon2id", "--cost=1"), b"$argon2id$v=19$m=65536,t=1,"),
        ]:
            self.assertEqual(self.passwd(self.path, "alice", *options).status, 0)
            secret = self.secret(b"alice")
            self.assertTrue(secret.startswith(begins), secret)
            self.assertTrue(verify(secret, b"sesame"))

    def test_usualCost(self) -> None:
        """
        Without options it is bcrypt, of a cost that is slow enough.
        """
        self.assertEqual(self.passwd(self.path, "alice").status, 0)
        self.assertEqual(recognize(self.secret(b"alice")).kind, ("bcrypt", b"12"))

    def test_otherPrograms(self) -> None:
        """
        What is written, Apache's own tool accepts.
        """
        if shutil.which("htpasswd") is None:
            raise SkipTest("install apache2-utils")
        self.set("alice", b"sesame")
        self.passwd(
            "--scheme=sha512", "--cost=1000", self.path, "bob", stdin=b"pa\xc3\x9f"
        )
        for name, password, status in [
            ("alice", b"sesame", 0),
            ("alice", b"tulip", 3),
            ("bob", b"pa\xc3\x9f", 0),
        ]:
            command = ["htpasswd", "-v", "-i", str(self.path), name]
            done = subprocess.run(command, input=password, capture_output=True)
            self.assertEqual(done.returncode, status, done.stderr)

    def test_wrongPassword(self) -> None:
        """
        What can't be a password, or can't be hashed, is refused, and nothing is
        made.
        """
        for stdin, options, says in [
            (b"", (), "empty"),
            (b"\n", (), "empty"),
            (b"a\0b\n", (), "NUL"),
            (b"x" * 1025, (), "1024"),
            (b"x" * 73, (), "72 bytes"),
            (b"x" * 257, ("--scheme=sha512",), "256 bytes"),
        ]:
            done = self.passwd(self.path, "alice", *options, stdin=stdin)
            self.assertUsage(done, says)
        self.assertFalse(self.path.exists())

    def test_wrongOptions(self) -> None:
        """
        What can't take effect is told, with what would be right.
        """
        for arguments, says in [
            (("alice", "--cost=3"), "4 to 17"),
            (("alice", "--cost=18"), "4 to 17"),
            (("alice", "--scheme=sha512", "--cost=999"), "1000 to 10000000"),
            (("alice", "--scheme=md5"), "bcrypt.*argon2id.*sha512"),
            (("alice", "--cost=x"), "--cost"),
            (("alice", "--cost=1_0"), "--cost"),
            (("alice", "--cost= 10"), "--cost"),
            (("alice", "--cost=\u0661\u0660"), "--cost"),
            (("alice", "--delete", "--verify"), "not allowed"),
            (("alice", "--verify", "--cost=0"), "for setting"),
            (("alice", "--verify", "--scheme=bcrypt"), "for setting"),
            (("alice", "--delete"), "no --stdin"),
            (("",), "1 to 255"),
            (("x" * 256,), "1 to 255"),
            (("a:b",), "no colon"),
            (("a\nb",), "newline"),
            ((" a",), "white space"),
            (("#a",), "comment"),
            (("a\xa0",), "NO-BREAK SPACE"),
            (("\ufeffa",), "a byte order mark"),
            (("a\tb",), "a tab"),
            (("jose\u0301",), "NFC"),
            (("j\udcfcrgen",), "isn't UTF-8"),
            ((), "USER"),
        ]:
            self.assertUsage(self.passwd(self.path, *arguments), says)
        self.assertFalse(self.path.exists())

    def test_cannotBeWritten(self) -> None:
        """
        A file that can't be one is told.
        """
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        for path, says in [
            (self.folder / "no" / "such", "its directory can't be opened .No such file"),
            (fifo, "it is not a regular file"),
            (self.folder, "it is not a regular file"),
        ]:
            done = self.passwd("--cost=4", path, "alice")
            self.assertUsage(done, f"^mycred passwd: {path}: {says}")


class NginxTests(PasswdTestCase):
    """
    Tests for a web server that reads what is written.
    """

    def serve(self) -> str:
        """
        Start nginx, with accounts in the file, until the end of the test.

        @return: where.
        """
        program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        if program is None:
            raise SkipTest("install nginx-light")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        folder = self.folder
        (folder / "index.html").write_text("Welcome")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {folder}/pid; events {{}}"
            f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port};"
            f'root {folder}; auth_basic "x"; auth_basic_user_file {self.path}; }} }}'
        )
        log = str(folder / "log")
        command = [program, "-c", str(folder / "nginx.conf"), "-e", log]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait, PATIENCE)
        self.addCleanup(server.terminate)
        while True:
            self.assertIsNone(server.poll(), "nginx did not start")
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return f"127.0.0.1:{port}"

    def test_nginx(self) -> None:
        """
        nginx lets in whom it should.
        """
        self.set("alice", b"sesame")
        options = "--scheme=sha512", "--cost=1000"
        self.passwd(*options, self.path, "bob", stdin=b"tulip")
        where = self.serve()
        for name, password, status in [
            ("alice", "sesame", 200),
            ("bob", "tulip", 200),
            ("alice", "tulip", 401),
            ("eve", "sesame", 401),
        ]:
            token = b64encode(f"{name}:{password}".encode()).decode()
            connection = HTTPConnection(where, timeout=PATIENCE)
            connection.request("GET", "/", headers={"Authorization": f"Basic {token}"})
            self.assertEqual(connection.getresponse().status, status)
            connection.close()


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
        In a folder of somebody who swaps names, no other file gets the owner or the
        mode of this one.
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
        In the time of an edit the folder may be swapped: it goes on in the one that
        it has begun in.
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
        A file that somebody else makes just now is changed, and not overwritten.
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
        The file is replaced in one step: whoever has it open goes on reading what
        it was.
        """
        self.path.write_bytes(b"bob:x\n")
        with self.path.open("rb") as reader:
            self.set("alice", b"sesame")
            self.assertEqual(reader.read(), b"bob:x\n")


class DeleteTests(PasswdTestCase):
    """
    Tests for C{--delete}.
    """

    def test_allLines(self) -> None:
        """
        All lines for the user go, so that none of them begins to count.
        """
        self.path.write_bytes(b"alice:1\n# alice:2\nbob:x\n alice:3:y\nalicia:4\nalice:5")
        done = self.mycred("passwd", "--delete", self.path, "alice")
        self.assertEqual(done, (0, "", ""))
        self.assertEqual(self.path.read_bytes(), b"# alice:2\nbob:x\nalicia:4\n")

    def test_odd(self) -> None:
        """
        A name that nobody can type can be removed as it stands.
        """
        for name in (b"alice ", b"alice\xc2\xa0", b"\xef\xbb\xbfalice", b"al\tice"):
            self.path.write_bytes(name + b":1\nalice:2\n")
            odd = os.fsdecode(name)
            self.assertEqual(self.mycred("passwd", "--delete", self.path, odd).status, 0)
            self.assertEqual(self.path.read_bytes(), b"alice:2\n")

    def test_unknown(self) -> None:
        """
        A user who isn't there is told, and the file is left alone.
        """
        self.path.write_bytes(b"bob:x\n")
        before = self.path.stat().st_ino
        done = self.mycred("passwd", "--delete", self.path, "alice")
        self.assertEqual(done, (1, "no such user\n", ""))
        self.assertEqual(self.path.stat().st_ino, before)

    def test_noFile(self) -> None:
        """
        No file is made to delete a user from.
        """
        done = self.mycred("passwd", "--delete", self.path, "alice")
        self.assertUsage(done, "No such file")
        self.assertFalse(self.path.exists())


class VerifyTests(PasswdTestCase):
    """
    Tests for C{--verify}.
    """

    def test_verify(self) -> None:
        """
        The status tells whether the password is right.
        """
        self.set("alice", b"sesame")
        more = b"bob:$9$x$y\ncarol:{PLAIN}ses"
        self.path.write_bytes(self.path.read_bytes() + more)
        for user, stdin, status, says in [
            ("alice", b"sesame\n", 0, "is right"),
            ("alice", b"sesame\r\n", 0, "is right"),
            ("alice", b"sesame", 0, "is right"),
            ("alice", b"tulip\n", 1, "is wrong"),
            ("eve", b"sesame\n", 1, "no such user"),
            ("bob", b"sesame\n", 1, "no password can match: a hash of an unknown kind"),
            ("carol", b"ses\n", 1, "no password can match: perhaps half"),
        ]:
            done = self.passwd("--verify", self.path, user, stdin=stdin)
            self.assertEqual((done.status, done.err), (status, ""))
            self.assertIn(says, done.out)

    def test_noFile(self) -> None:
        """
        A file that isn't there is told.
        """
        done = self.passwd("--verify", self.path, "alice")
        self.assertUsage(done, "No such file")


class TerminalTests(PasswdTestCase):
    """
    Tests for who sits at a terminal.
    """

    def type(self, *lines: bytes, end: bytes = b"\n") -> tuple[int, bytes]:
        """
        Type at the prompts of a command on a terminal of its own.

        @return: the exit status, and what the terminal has shown.
        """
        command = [sys.executable, "-m", "mycred", "passwd", "--cost=4"]
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(ROOT)
            os.execv(sys.executable, [*command, str(self.path), "alice"])
        shown = b""
        waiting = list(lines)
        while True:
            try:
                shown += os.read(terminal, 1000)
            except OSError:
                break
            if waiting and shown.endswith(b": "):
                os.write(terminal, waiting.pop(0) + end)
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown

    def test_twice(self) -> None:
        """
        The password is asked for twice, and isn't shown.
        """
        password = "schlüssel".encode()
        status, shown = self.type(password, password)
        self.assertEqual(status, 0, shown)
        self.assertEqual(shown.count(b": "), 2)
        self.assertNotIn(b"schl", shown)
        self.assertTrue(verify(self.secret(b"alice"), password))

    def test_nothingTyped(self) -> None:
        """
        Who types nothing, or what isn't text, is told so in one line.
        """
        for typed, says in [
            (b"\x04", b"no password was given"),
            (b"p\xff\n", b"--stdin takes any bytes"),
        ]:
            status, shown = self.type(typed, end=b"")
            self.assertEqual(status, 2, shown)
            self.assertIn(says, shown)
            self.assertNotIn(b"Traceback", shown)

    def test_noTerminal(self) -> None:
        """
        Where there is nobody to ask, C{--stdin} is named.
        """
        done = subprocess.run(
            [sys.executable, "-m", "mycred", "passwd", str(self.path), "alice"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            start_new_session=True,
            cwd=ROOT,
            timeout=PATIENCE,
        )
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        [line] = done.stderr.splitlines()
        self.assertIn(b"use --stdin", line)

    def test_differ(self) -> None:
        """
        If the two differ nothing is changed.
        """
        status, shown = self.type(b"sesame", b"sesane")
        self.assertEqual(status, 2)
        self.assertIn(b"differ", shown)
        self.assertFalse(self.path.exists())


# Lines as odd as they come.
contents = st.text(alphabet=":\n\r# ab", max_size=60).map(str.encode) | st.binary()


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
