"""
Tests for L{mycred._auditlog}: the programs that read what it writes, and move it, do so
with the files that the documentation has for them.
"""

from __future__ import annotations

import contextlib
import getpass
import grp
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import fail
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher, textFileLogObserver
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mycred.credentials import ISSHPrivateKey, SSHPrivateKey
from mycred.error import TemporaryFailure, Throttled, UnauthorizedLogin
from mycred.stack import AuditFile, AuditLog, AuditSyslog

from ..kit.auditing import FORGERIES, Saying, logIn, presentTo, session
from ..kit.processes import Process

EXAMPLES = Path(__file__).parents[2] / "doc" / "examples"

# As far as rsyslog's own configuration matters here.
RSYSLOG = """\
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{home}/log")
auth,authpriv.* action(type="omfile" file="{home}/auth.log")
"""


def program(name: str, package: str) -> str:
    """
    Return the path of a program.
    """
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        raise SkipTest(f"install {package}")
    return path


def mixedLogins(audit: AuditLog) -> list[str]:
    """
    Log in in all ways, by names that try to look like addresses.

    @return: the addresses from which a password was refused, once for each time.
    """
    refused = []
    for number, name in enumerate(FORGERIES):
        host = f"192.0.2.{number}" if number % 2 else f"2001:db8::a{number}"
        logIn(session(audit, host=host), name, b"wrong")
        refused.append(host)
    logIn(session(audit, host="203.0.113.1"))
    for error in (Throttled(3), TemporaryFailure("down")):
        saying = Saying(lambda _, error=error: fail(error))
        logIn(session(audit, saying, host="203.0.113.2"))
    logIn(session(audit, host="fe80::1%eth0"), b"x", b"wrong")
    refused.append("fe80::1")
    why = Saying(lambda _: fail(UnauthorizedLogin('x" peer=198.51.100.1')))
    logIn(session(audit, why, host="192.0.2.200"))
    refused.append("192.0.2.200")
    keys: Any = Saying(lambda _: fail(UnauthorizedLogin()))
    keys.authType, keys.credentialInterfaces = "sshkey", (ISSHPrivateKey,)
    key = SSHPrivateKey(b"alice", b"ssh-rsa", b"", b"", b"")
    presentTo(session(audit, keys, host="203.0.113.3"), key)
    return refused


def found(log: Path, filter: str) -> list[str]:
    """
    Return the addresses that fail2ban finds in a file.
    """
    command = [program("fail2ban-regex", "fail2ban"), "--out", "ip", str(log)]
    command.append(str(EXAMPLES / f"fail2ban-{filter}.conf"))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(done.stdout.split())


class Fail2banTests(SynchronousTestCase):
    """
    fail2ban finds all refused passwords, and no address that a client has made up.
    """

    def test_files(self) -> None:
        """
        It does so in the files, in both formats; the line that a full disk has cut off,
        or that another line was written to, has no address.
        """
        for format, filter in (("line", "logins"), ("json", "logins-json")):
            path = Path(self.mktemp())
            file = AuditFile(path, format)
            refused = mixedLogins(AuditLog(file))
            file.close()
            text = path.read_text("utf-8")
            accepted = text.split("\n")[len(FORGERIES)]
            path.write_text(text + text[:100] + accepted + "\n", "utf-8")
            self.assertEqual(found(path, filter), sorted(refused))

    def test_theLog(self) -> None:
        """
        It does so in the log of twistd.
        """
        path = Path(self.mktemp())
        with path.open("w", encoding="utf-8") as file:
            observer = textFileLogObserver(file)
            globalLogPublisher.addObserver(observer)
            refused = mixedLogins(AuditLog())
            globalLogPublisher.removeObserver(observer)
        self.assertEqual(found(path, "myapp"), sorted(refused))

    def test_journal(self) -> None:
        """
        It does so in systemd's journal, and not in what another program writes there.
        """
        path = Path(self.mktemp())
        heads = (
            "host mycred[7]:",
            "host sshd[7]:",
            "host sshd[7]: host mycred[7]:",
            "host twistd[7]: [-] mycred[7]:",
        )
        login = 'Login refused: user="x" why="no such user" by=memory ms=1 peer=192.0.2.'
        # fail2ban puts the time there, which the journal has apart.
        lines = [
            f"2026-12-01 12:00:00 {head} {login}{number}\n"
            for number, head in enumerate(heads)
        ]
        path.write_text("".join(lines), "utf-8")
        self.assertEqual(found(path, "logins-syslog"), ["192.0.2.0"])

    def test_jail(self) -> None:
        """
        It takes the jail, with its filter and its file.
        """
        client = program("fail2ban-client", "fail2ban")
        home = Path(self.mktemp()).absolute()
        for directory in ("action.d", "filter.d", "jail.d"):
            (home / directory).mkdir(parents=True)
        for name in ("fail2ban.conf", "jail.conf"):
            (home / name).write_text("[DEFAULT]\n[Definition]\n")
        jail = (EXAMPLES / "fail2ban-jail.conf").read_text("utf-8")
        [name] = re.findall("filter = (.*)", jail)
        shutil.copy(
            EXAMPLES / f"fail2ban-{name}.conf", home / "filter.d" / f"{name}.conf"
        )
        (home / "logins.json").touch()
        jail = jail.replace("/var/log/myapp", str(home))
        (home / "jail.d" / "logins.conf").write_text(jail)
        command = [client, "-c", str(home), "-d"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertIn(f"['set', 'logins', 'addlogpath', '{home}/logins", done.stdout)


class LogrotateTests(SynchronousTestCase):
    """
    logrotate moves the file away, and nothing is lost.
    """

    def test_rotate(self) -> None:
        """
        It does so with the example, and with C{copytruncate} instead: the next login is
        in the new file.
        """
        command = program("logrotate", "logrotate")
        example = (EXAMPLES / "logrotate-myapp").read_text("utf-8")
        user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
        [create] = re.findall("create .*", example)
        for how in (f"create 0600 {user} {group}", "copytruncate"):
            home = Path(self.mktemp()).absolute()
            home.mkdir(0o755)
            rules = example.replace("/var/log/myapp", str(home)).replace(create, how)
            rules = rules.replace("su myapp myapp", f"su {user} {group}")
            (home / "rules").write_text(rules)
            (home / "rules").chmod(0o644)
            file = AuditFile(home / "logins.json", "json")
            portal = session(AuditLog(file))
            for _ in range(2):
                logIn(portal)
                rotate = [command, "-f", "-s", str(home / "state"), str(home / "rules")]
                subprocess.run(rotate, check=True, capture_output=True)
            logIn(portal)
            file.close()
            self.assertEqual((home / "logins.json").read_text().count("\n"), 1)
            self.assertEqual((home / "logins.json.1").read_text().count("\n"), 1)
            self.assertTrue((home / "logins.json.2.gz").exists())
            self.assertEqual((home / "logins.json").stat().st_mode & 0o777, 0o600)


class Rsyslog(Process):
    """
    A real rsyslog, with a socket of its own.
    """

    def __init__(self) -> None:
        command = program("rsyslogd", "rsyslog")
        super().__init__("syslog")
        self.socket = str(self.home / "log")
        rules = self.home / "rsyslog.conf"
        rules.write_text(RSYSLOG.format(home=self.home))
        self.launch(command, "-n", "-iNONE", "-f", str(rules))

    def written(self, count: int, clock: Clock) -> list[str]:
        """
        Return what it has written, when it is so many lines.

        @param clock: the clock of what sends them.
        """
        assert self._process is not None
        file, until = self.home / "auth.log", time.monotonic() + 120
        while not file.exists() or file.read_text("utf-8").count("\n") < count:
            clock.advance(1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.01)
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError("rsyslog writes nothing")
        return file.read_text("utf-8").splitlines()

    def _answers(self) -> bool:
        """
        Return whether it listens.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asking:
            return asking.connect_ex(self.socket) == 0


class RsyslogTests(SynchronousTestCase):
    """
    rsyslog takes the messages, and fail2ban finds them where it writes them.
    """

    def test_lines(self) -> None:
        """
        Each login is one line, as it was sent, with the time, the machine and the program
        before it.
        """
        daemon = Rsyslog()
        self.addCleanup(daemon.stop)
        logged: list[Any] = []
        clock = Clock()
        syslog = AuditSyslog("authpriv", daemon.socket, clock)
        self.addCleanup(syslog.close)
        refused = mixedLogins(AuditLog(syslog, logged.append))
        lines = daemon.written(len(logged), clock)
        self.assertEqual(len(lines), len(logged))
        for line, event in zip(lines, logged):
            head, _, said = line.partition(f" mycred[{os.getpid()}]: ")
            self.assertRegex(head, r"\d\d:\d\d:\d\d")
            self.assertEqual(said, f"Login {event['verdict']}: {event['told']}")
        file = daemon.home / "auth.log"
        self.assertEqual(found(file, "logins-syslog"), sorted(refused))
