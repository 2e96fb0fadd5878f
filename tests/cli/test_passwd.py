"""
Tests for L{mycred._cli._passwd}.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path

from twisted.trial.unittest import SkipTest

import mycred
from mycred._hashes import recognize, verify

from ..kit.command import PasswdTestCase

ROOT = Path(mycred.__file__).parents[1]

# How long a process may take, in seconds.
PATIENCE = 30


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
        A new user comes last, on a line of their own.
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
            (("--scheme=scram-sha-256", "--cost=5000"), b"{SCRAM-SHA-256}5000,"),
            (("--scheme=scram-sha-1",), b"{SCRAM-SHA-1}4096,"),
        ]:
            self.assertEqual(self.passwd(self.path, "alice", *options).status, 0)
            secret = self.secret(b"alice")
            self.assertTrue(secret.startswith(begins), secret)
            self.assertTrue(verify(secret, b"sesame"))

    def test_changeKeys(self) -> None:
        """
        Of keys that hold colons, as PostgreSQL's, all are changed.
        """
        keys = b"SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"
        self.path.write_bytes(b"alice:%s:1000\nbob:%s\n" % (keys, keys))
        self.set("alice", b"sesame")
        self.set("bob", b"tulip")
        first, second = self.path.read_bytes().splitlines()
        self.assertRegex(first, rb"^alice:\$2y\$04\$[^:]*:1000$")
        self.assertRegex(second, rb"^bob:\$2y\$04\$[^:]*$")

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


class PrintTests(PasswdTestCase):
    """
    Tests for C{--print}.
    """

    def test_hash(self) -> None:
        """
        A line with what would be stored is printed, and no file is made.
        """
        for options, begins in [
            (("--cost=4",), "$2y$04$"),
            (("--scheme=sha512", "--cost=1000"), "$6$rounds=1000$"),
            (("--scheme=scram-sha-256",), "{SCRAM-SHA-256}4096,"),
            (("--scheme=scram-sha-1", "--cost=5000"), "{SCRAM-SHA-1}5000,"),
        ]:
            done = self.passwd("--print", *options)
            self.assertEqual((done.status, done.err), (0, ""))
            [line] = done.out.splitlines(keepends=True)
            self.assertTrue(line.startswith(begins) and line.endswith("\n"), line)
            self.assertTrue(verify(line.strip().encode(), b"sesame"))
        self.assertEqual(os.listdir(self.folder), [])

    def test_wrongOptions(self) -> None:
        """
        What can't take effect is told, in whatever order it is given.
        """
        for arguments, says in [
            ((self.path, "alice", "--print"), "neither FILE nor USER"),
            (("--print", self.path, "alice"), "neither FILE nor USER"),
            (("--print", "alice"), "neither FILE nor USER"),
            (("--print", "--verify"), "not allowed"),
            (("--delete", "--print"), "not allowed"),
            (("--print", "--cost=3"), "4 to 17"),
            (("--print", "--scheme=md5"), "bcrypt"),
        ]:
            self.assertUsage(self.passwd(*arguments), says)
        self.assertEqual(os.listdir(self.folder), [])

    def test_wrongPassword(self) -> None:
        """
        What can't be a password is refused, and nothing is printed.
        """
        for stdin, says in [(b"\n", "empty"), (b"a\0b\n", "NUL"), (b"x" * 73, "72")]:
            self.assertUsage(self.passwd("--print", stdin=stdin), says)


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
