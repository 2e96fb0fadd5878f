"""
Tests for the example server with the accounts of a machine: real clients log in.
"""

from __future__ import annotations

import os
import poplib
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from ..kit.machines import PASSWORD, MachineTestCase
from ..kit.privileged import children, isGone, until
from ..kit.protocols import Refused
from ..kit.server import Server, ServerTests
from ..kit.services import Services
from ..kit.unixaccounts import account, needs, run

OFFERED = "pop3 imap http"


class AccountServerTests(ServerTests):
    """
    What these tests have in common.
    """

    def clients(self, server: Server) -> list[Callable[[str, str], Any]]:
        """
        Make clients of each protocol, Python's and curl.
        """

        def pop3(name: str, password: str) -> None:
            server.pop3(name, password).quit()

        def imap(name: str, password: str) -> None:
            server.imap(name, password).logout()

        curl = [server.curl(s, p) for s, p in [("pop3", ""), ("imap", ""), ("http", "")]]
        return [pop3, imap, server.http, *curl]

    def assertServes(
        self: Any, server: Server, right: list[str], wrong: list[tuple[str, str]]
    ) -> None:
        """
        Assert who gets in over all protocols.
        """
        for client in self.clients(server):
            for name in right:
                client(name, PASSWORD.decode())
            for name, password in wrong:
                self.assertRaises(Refused, client, name, password)


class FileTests(AccountServerTests, MachineTestCase):
    """
    Tests with passwd and shadow files.
    """

    def setUp(self) -> None:
        MachineTestCase.setUp(self)

    def test_passwd(self) -> None:
        """
        Accounts of files log in as the rules allow; what is refused is logged with its
        reason, and the file that changes counts.
        """
        server = self.start(
            f"--auth=passwd:{self.passwd}:shadow={self.shadow}:minuid=1000"
            f":group={self.group}:groups=users,mail",
            offered=OFFERED,
        )
        right = ["carol", "erin"]
        wrong = [("carol", "tulip"), ("eve", "hashed"), ("locked", "hashed")]
        self.assertServes(server, right, wrong)
        self.assertServes(server, [], [("hidden", "hashed"), ("expired", "hashed")])
        text = Path(self.shadow).read_bytes()
        self.write("shadow", text.replace(b"carol:", b"carol:!"))
        self.assertServes(server, ["erin"], [("carol", "hashed")])
        server.stop()
        for said in (
            'refused: user="carol" why="wrong password"',
            'refused: user="eve" why="there is no such account"',
            'denied: user="locked" avatar="locked" reason="account locked" why="it is',
            'reason="account expired" why="it expired on 2023-05-23"',
            'reason="refused by policy" why="it is in none of the groups users, mail"',
        ):
            self.assertIn(said, server.log)
        self.assertNotIn("tulip", server.log)


class PAMTests(AccountServerTests, Services, SynchronousTestCase):
    """
    Tests with PAM, of services of the machine.
    """

    def setUp(self) -> None:
        needs("useradd", "userdel", "chpasswd")
        Services.setUp(self)
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.folder.chmod(0o777)
        making = account("-s", "/bin/sh")
        self.name = making.__enter__()
        self.addCleanup(making.__exit__, None, None, None)
        run("chpasswd", input=self.name.encode() + b":" + PASSWORD + b"\n", check=True)

    def pam(self, name: str, auth: str, account: str) -> str:
        """
        Write a service file where the system looks for it.

        @return: its name.
        """
        name = f"mycred-tests-{os.getpid()}-{name}"
        path = Path("/etc/pam.d") / name
        path.write_text(f"auth required {auth}\naccount required {account}\n")
        self.addCleanup(path.unlink)
        return name

    def assertNobody(self, server: Server) -> None:
        """
        Assert that a server no longer runs as root.
        """
        status = Path(f"/proc/{server._process.pid}/status")
        until(lambda: "\nUid:\t65534\t65534\t65534\t65534\n" in status.read_text("ascii"))

    def test_privileges(self) -> None:
        """
        A server that was started by root and has become another user still lets
        people in by their accounts, through PAM and without.
        """
        service = self.pam("unix", "pam_unix.so nodelay", "pam_unix.so")
        for auth in ("unix:minuid=1", f"pam:service={service}"):
            server = self.start(
                f"--auth={auth}", offered=OFFERED, twistd="--uid=65534 --gid=65534"
            )
            self.assertNobody(server)
            wrong = [(self.name, "tulip"), ("no-such-user", "hashed"), ("root", "x")]
            self.assertServes(server, [self.name], wrong)
            run("usermod", "-L", self.name, check=True)
            self.assertServes(server, [], [(self.name, PASSWORD.decode())])
            run("usermod", "-U", self.name, check=True)
            self.assertServes(server, [self.name], [])
            server.stop()
            self.assertNotIn("Traceback", server.log)

    def test_peer(self) -> None:
        """
        PAM's modules are told where the client comes from.
        """
        seen = self.folder / "seen"
        program = self.folder / "program"
        program.write_text(f"#!/bin/sh\necho $PAM_USER $PAM_RHOST >>{seen}\n")
        program.chmod(0o755)
        service = self.pam("peer", f"pam_exec.so {program}", "pam_permit.so")
        server = self.start(f"--auth=pam:service={service}", offered=OFFERED)
        self.assertServes(server, [self.name], [])
        lines = seen.read_text().splitlines()
        self.assertEqual(set(lines), {f"{self.name} 127.0.0.1"})

    def test_hungModule(self) -> None:
        """
        While a module hangs for one, others are served.
        """
        program, hanging = self.folder / "program", self.folder / "hanging"
        program.write_text(
            "#!/bin/sh\n[ $PAM_USER = hang ] || exit 0\n"
            f"echo $$ >{hanging}.new && mv {hanging}.new {hanging} && exec sleep 3600\n"
        )
        program.chmod(0o755)
        service = self.pam("hang", f"pam_exec.so {program}", "pam_permit.so")
        server = self.start(f"--auth=pam:service={service}", offered=OFFERED)
        hung = poplib.POP3("127.0.0.1", server.ports["pop3"], 20)
        self.addCleanup(hung.close)
        hung.user("hang")
        hung._putcmd("PASS x")  # type: ignore[attr-defined]
        until(hanging.exists)
        # So that the server needn't wait for it when it stops.
        self.addCleanup(os.kill, int(hanging.read_text()), signal.SIGKILL)
        self.assertServes(server, [self.name], [])

    def test_killed(self) -> None:
        """
        If the processes that look accounts up are killed, a server that is still
        root's starts others; one that has become another user can't, and logs once
        what to do about it.
        """
        for twistd in ("--uid=65534 --gid=65534", ""):
            server = self.start("--auth=unix", offered="pop3", twistd=twistd)
            server.pop3(self.name, PASSWORD.decode()).quit()
            [broker] = children(server._process.pid)
            workers = children(broker)
            os.kill(broker, signal.SIGKILL)
            until(lambda pids=[broker, *workers]: all(map(isGone, pids)))
            for _ in range(3):
                try:
                    server.pop3(self.name, PASSWORD.decode()).quit()
                    isServed = True
                except Refused:
                    isServed = False
                self.assertEqual(isServed, not twistd)
                self.assertRaises(Refused, server.pop3, self.name, "tulip")
            server.stop()
            hint = "no user can log in until it is restarted"
            self.assertEqual(server.log.count(hint), 1 if twistd else 0)
            said = server.log.count("started again (no. 1)")
            self.assertEqual(said, 0 if twistd else 1)
            self.assertEqual("Login temporary" in server.log, bool(twistd))
            self.assertNotIn("Traceback", server.log)

    def test_ended(self) -> None:
        """
        With the server end the processes that it has started.
        """
        server = self.start("--auth=unix", offered="pop3")
        own = server._process.pid
        text = Path(f"/proc/{own}/task/{own}/children").read_text("ascii")
        [broker] = text.split()
        server.stop()
        until(lambda: not os.path.exists(f"/proc/{broker}"))
