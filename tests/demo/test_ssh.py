"""
Tests for the example server over SSH: the real ssh logs in.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred.demo import Options
from mycred.demo._ssh import Lines, MailUser, _shown

from ..kit.openssh import USER, certify, client, keygen, needSSH
from ..kit.proxy import HEADERS, Proxy
from ..kit.server import Server, ServerTests
from ..kit.sshprograms import PROGRAMS, Login, publicHalf
from ..kit.unixaccounts import account, needs, run


@cache
def _made() -> Path:
    """
    Make keys, once for all tests.

    @return: their directory.
    """
    made = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, made)
    for name in ("ed25519", "ecdsa", "rsa"):
        keygen(made / name, f"-t{name}")
    keygen(made / "other")
    keygen(made / "ca")
    return made


class SSHTests(ServerTests, SynchronousTestCase):
    """
    Tests with keys.
    """

    def setUp(self) -> None:
        needSSH()
        super().setUp()
        home = pwd.getpwuid(os.geteuid()).pw_dir
        self.keys = Path(tempfile.mkdtemp(prefix=".mycred-", dir=home))
        self.addCleanup(shutil.rmtree, self.keys)
        for path in _made().iterdir():
            shutil.copy2(path, self.keys)

    def line(self, name: str) -> str:
        """
        Write a line with a key.
        """
        return (self.keys / f"{name}.pub").read_text()

    def write(self, *lines: str) -> str:
        """
        Write a file of keys.

        @return: the option that names it.
        """
        (self.keys / "authorized").write_text("".join(lines))
        return f"--auth=sshkey:file={self.keys}/authorized"

    def ssh(
        self,
        server: Server,
        key: str,
        *command: str,
        user: str = USER,
        options: tuple[str, ...] = (),
        text: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """
        Log in.
        """
        words = [*client, "-p", str(server.ports["ssh"]), "-i", str(self.keys / key)]
        return subprocess.run(
            [*words, *options, f"{user}@127.0.0.1", *command],
            input=text,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def test_proxied(self) -> None:
        """
        Behind a proxy C{from=} and the log go by the client's address, and not by the
        proxy's.
        """
        for header, address in (HEADERS[0], HEADERS[-1]):
            for source, isIn in ((address, True), ("127.0.0.1", False)):
                auth = self.write(f'from="{source}" {self.line("ed25519")}')
                options = self.options([auth], ["ssh"], "")
                server = Server(
                    [one.replace("=tcp:", "=haproxy:tcp:") for one in options], ["ssh"]
                )
                self.addCleanup(server.stop)
                proxy = Proxy(server.ports["ssh"], header)
                self.addCleanup(proxy.stop)
                server.ports["ssh"] = proxy.port
                done = self.ssh(server, "ed25519", "list")
                self.assertEqual(done.returncode == 0, isIn, done.stderr)
                server.stop()
                verdict = "accepted" if isIn else "refused"
                self.assertRegex(
                    server.log, f"Login {verdict}: .* service=ssh .* peer={address}\n"
                )

    def test_keys(self) -> None:
        """
        Keys of each type, and a certificate, list and read the mailbox; another key
        doesn't; a key with a command gets that and nothing else.
        """
        certified = certify(
            self.keys / "ca", self.keys / "other", "me", "-n", USER, "-V", "-1h:+1h"
        )
        auth = self.write(
            self.line("ed25519"),
            self.line("ecdsa"),
            f'command="list",no-pty {self.line("rsa")}',
        )
        server = self.start(f"{auth}:ca={self.keys}/ca.pub", offered="ssh")
        for key in ("ed25519", "ecdsa", certified.name):
            self.assertIn("Subject: Welcome", self.ssh(server, key, "read 1").stdout)
        listed = self.ssh(server, "ed25519", "list")
        self.assertEqual(listed.returncode, 0)
        self.assertRegex(listed.stdout, r"^ +1 +\d+ \d{4}-\d\d-\d\d \d\d:\d\d\n$")
        for command in (["read 1"], []):
            forced = self.ssh(server, "rsa", *command)
            self.assertEqual(forced.stdout, listed.stdout)
        refused = self.ssh(server, "other", "list")
        self.assertEqual(refused.returncode, 255)
        self.assertIn("Permission denied", refused.stderr)

    def test_commands(self) -> None:
        """
        A command that isn't one, or names no message, is an error.
        """
        server = self.start(self.write(self.line("ed25519")), offered="ssh")
        for command, status in (
            ("nonsense", 127),
            ("read", 127),
            ("read 2", 1),
            ("read 0", 1),
            ("read -1", 1),
            ("read '", 127),
            ("help", 0),
        ):
            ended = self.ssh(server, "ed25519", command)
            self.assertEqual(ended.returncode, status, command)
            self.assertTrue(ended.stdout)

    def test_clients(self) -> None:
        """
        So it is for clients that other people have written.
        """
        auth = self.write(self.line("ed25519"))
        for program in PROGRAMS:
            client = program(self.keys)
            server = self.start(auth, offered="ssh")
            host = self.folder / "store.sqlite.hostkey"
            login = Login(
                server.ports["ssh"], publicHalf(host), key=self.keys / "ed25519"
            )
            for command, status, says in (
                ("list", 0, rb"^ +1 +\d+ \d{4}-\d\d-\d\d \d\d:\d\d\n$"),
                ("help", 0, b"quit"),
                ("read 1", 0, b"Subject: Welcome"),
                ("nonsense", 127, b"There is no such command"),
                ("read 2", 1, b"There are messages 1 to 1"),
            ):
                done = client.runNow(login._replace(command=command))
                self.assertRegex(done.out, says, (client.name, command, done.err))
                self.assertEqual(done.status, status, (client.name, command))
            shell = client.runNow(login._replace(kind="shell"), b"list\nread 1\n")
            self.assertIn(b"Subject: Welcome", shell.out, (client.name, shell.err))
            server.stop()
            self.assertNotIn("Traceback", server.log)

    def test_shell(self) -> None:
        """
        Without a command there is one after another, typed or sent.
        """
        server = self.start(self.write(self.line("ed25519")), offered="ssh")
        sent = self.ssh(server, "ed25519", text="read 1\n\nlist\n")
        self.assertIn("Subject: Welcome", sent.stdout)
        typed = self.ssh(server, "ed25519", options=("-tt",), text="list\rquit\r")
        self.assertIn("mail> list", typed.stdout)
        self.assertEqual(typed.returncode, 0)
        ended = self.ssh(server, "ed25519", options=("-tt",), text="")
        self.assertEqual(ended.returncode, 0)

    def test_hostKey(self) -> None:
        """
        The host key is made on first use, and stays.
        """
        auth = self.write(self.line("ed25519"))
        server = self.start(auth, offered="ssh")
        path = self.folder / "store.sqlite.hostkey"
        made = path.read_bytes()
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        server.stop()
        self.start(auth, offered="ssh")
        self.assertEqual(path.read_bytes(), made)

    def assertDenied(self, server: Server, name: str) -> None:
        """
        Lock an account, and insist that its key lets nobody in any more.
        """
        run("usermod", "--password", "!", name, check=True)
        refused = self.ssh(server, "ed25519", "list", user=name)
        self.assertEqual(refused.returncode, 255)

    def test_uid(self) -> None:
        """
        Users' keys are read with their rights, though the server has become somebody
        else; no user's link leads to what they may not read.
        """
        needs("useradd")
        home = Path(f"/home/mycred-tests-{os.getpid()}")
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        with account("--home-dir", str(home)) as name:
            run("usermod", "--password", "*", name, check=True)
            record = pwd.getpwnam(name)
            (home / ".ssh").mkdir(parents=True)
            file = home / ".ssh" / "authorized_keys"
            file.write_text(self.line("ed25519"))
            for path in (home, home / ".ssh", file):
                os.chown(path, record.pw_uid, record.pw_gid)
                path.chmod(0o600 if path == file else 0o700)
            os.chown(self.folder, 65534, -1)
            run("chmod", "o+x", *map(str, self.folder.parents))
            server = self.start(
                "--auth=sshkey:account=yes", offered="ssh", twistd="--uid=65534"
            )
            read = self.ssh(server, "ed25519", "read 1", user=name)
            self.assertIn(f"To: <{name}@localhost>", read.stdout)
            secret = self.keys / "secret"
            secret.write_text(self.line("other"))
            secret.chmod(0o600)
            file.unlink()
            file.symlink_to(secret)
            self.assertEqual(self.ssh(server, "other", "list", user=name).returncode, 255)
            file.unlink()
            file.write_text(self.line("ed25519"))
            file.chmod(0o644)
            self.assertDenied(server, name)
            server.stop()
        self.assertIn("/.ssh/authorized_keys: ignored: Permission denied", server.log)
        self.assertIn("it is locked", server.log)
        self.assertNotIn("Traceback", server.log)

    def test_commandUser(self) -> None:
        """
        A program is asked for keys by a server that has become the account that runs it;
        whether the user's account is locked, the processes tell that stay root.
        """
        needs("useradd", "cat")
        cat = shutil.which("cat")
        keys = self.folder / "known"
        keys.write_text(self.line("ed25519"))
        os.chown(self.folder, 65534, -1)
        run("chmod", "o+x", *map(str, self.folder.parents))
        with account() as name:
            run("usermod", "--password", "*", name, check=True)
            server = self.start(
                f"--auth=sshkey:account=yes:command={cat} {keys}:commanduser=nobody",
                offered="ssh",
                twistd="--uid=nobody",
            )
            read = self.ssh(server, "ed25519", "read 1", user=name)
            self.assertIn(f"To: <{name}@localhost>", read.stdout)
            self.assertEqual(self.ssh(server, "other", "list", user=name).returncode, 255)
            self.assertDenied(server, name)
            server.stop()
        self.assertIn("it is locked", server.log)
        self.assertNotIn("it takes root", server.log)
        self.assertNotIn("Traceback", server.log)


class OptionTests(SynchronousTestCase):
    """
    Wrong command lines.
    """

    def assertWrong(self, *words: str, says: str) -> None:
        """
        Assert that a command line is refused.
        """
        with self.assertRaises(SystemExit) as caught:
            Options().parseOptions(["--store", self.mktemp(), *words])
        self.assertIn(says, str(caught.exception))

    def test_noKeys(self) -> None:
        """
        SSH takes a checker of keys.
        """
        auth = "--auth=memory:alice:secret"
        self.assertWrong("--ssh=tcp:0", auth, says="--auth=sshkey")
        self.assertWrong("--hostkey=x", auth, says="--hostkey is for SSH")
        self.assertWrong(
            "--hostkey=", "--auth=sshkey:file=x", says="write the path of a file"
        )

    def test_hostKey(self) -> None:
        """
        A host key that is none is an error.
        """
        path = self.mktemp()
        Path(path).write_text("x")
        Path(path).chmod(0o600)
        auth = f"--auth=sshkey:file={path}"
        self.assertWrong(auth, f"--hostkey={path}", says="holds no private key")
        for where, says in [
            (
                "/no/such/key",
                "--hostkey: /no/such/key can't be read or made (No such file",
            ),
            (os.getcwd(), f"--hostkey: {os.getcwd()} can't be read or made (Is a dir"),
            (f"{path}/x", f"--hostkey: {path}/x can't be read or made (Not a directory"),
        ]:
            self.assertWrong(auth, f"--hostkey={where}", says=says)


class MailUserTests(SynchronousTestCase):
    """
    Tests for L{MailUser}.
    """

    def test_terminal(self) -> None:
        """
        A message can't command the terminal.
        """
        shown = _shown(b"a\x1b[2J\x07b\r\nc\rd\x9b1m\xc2\x9b\te")
        self.assertEqual(shown, "a\ufffd[2J\ufffdb\nc\ufffdd\ufffd1m\ufffd\te")

    def test_unread(self) -> None:
        """
        A client that doesn't read what it asks for is disconnected.
        """
        written: list[bytes] = []
        ended: list[bool] = []
        mailbox: Any = type("Mailbox", (), {"messages": [], "user": b"alice"})
        store: Any = None
        lines = Lines(
            MailUser(store, mailbox, None),
            written.append,
            lambda: ended.append(True),
            lambda: len(written) > 2,
        )
        for _ in range(3):
            lines.dataReceived(b"list\n")
        self.assertEqual((len(written), ended), (3, []))
        lines.dataReceived(b"list\n")
        self.assertEqual((len(written), ended), (3, [True]))
        lines.dataReceived(b"x" * 2000)
        self.assertEqual(len(ended), 2)

    def test_noMail(self) -> None:
        """
        An empty mailbox says so.
        """
        mailbox: Any = type("Mailbox", (), {"messages": [], "user": b"alice"})
        store: Any = None
        user = MailUser(store, mailbox, None)
        self.assertEqual(self.successResultOf(user.run(b"list")), (0, "No mail.\n"))
