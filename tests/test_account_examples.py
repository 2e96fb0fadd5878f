"""
Tests for the examples of the page on UNIX accounts.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from twisted.web.resource import ForbiddenResource, IResource
from twisted.web.static import Data

from mycred._accounts._pam import PAM
from mycred._verdict import Kind
from mycred.checkers import PasswdChecker
from mycred.credentials import UsernamePassword
from mycred.portal import Portal

from .kit.examples import EXAMPLES, load
from .kit.machines import PASSWORD, MachineTestCase
from .kit.protocols import Refused
from .kit.server import Server
from .kit.unixaccounts import account, needs, run


class RealmTests(MachineTestCase):
    """
    Tests for the realm of pages about accounts.
    """

    def test_pages(self) -> None:
        """
        A user in the group gets a page about their own account, and no other user does.
        """
        checker = PasswdChecker(
            self.passwd, self.shadow, self.group, workers=self.workers
        )
        portal = Portal(load("account_realm").AccountRealm(), [checker])
        for name, kind in [(b"carol", Data), (b"erin", ForbiddenResource)]:
            login = portal.login(UsernamePassword(name, PASSWORD), None, IResource)
            _, avatar, logout = self.successResultOf(login)
            self.assertIsInstance(avatar, kind)
            logout()
            if kind is Data:
                self.assertEqual(avatar.data, b"carol, uid 1000, home /home/carol\n")
        _, avatar, _ = portal.realm.requestAvatar(b"carol", None, IResource)
        self.assertIsInstance(avatar, ForbiddenResource)
        self.assertRaises(NotImplementedError, portal.realm.requestAvatar, b"carol", None)


class UnitTests(MachineTestCase):
    """
    Tests for the units of systemd, and the service of PAM.
    """

    def setUp(self) -> None:
        needs("useradd", "userdel", "chpasswd", "systemd-analyze", "setpriv")
        super().setUp()
        making = account("-K", "UID_MIN=1000", "-G", "mail")
        self.name = making.__enter__()
        self.addCleanup(making.__exit__, None, None, None)
        run("chpasswd", input=self.name.encode() + b":" + PASSWORD + b"\n", check=True)
        self.state = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.state)
        self.state.chmod(0o777)

    def test_valid(self) -> None:
        """
        systemd finds nothing to say about them.
        """
        copies = []
        for path in [*EXAMPLES.glob("*.service"), *EXAMPLES.glob("*.socket")]:
            unit = path.read_text().replace("/opt/myapp/bin/twistd", sys.executable)
            copies.append(self.folder / path.name)
            copies[-1].write_text(unit)
        for copy in copies:
            done = run("systemd-analyze", "verify", "--man=no", str(copy))
            said = done.stdout + done.stderr
            self.assertEqual((done.returncode, said), (0, b""), copy.name)

    def start(self, unit: str, *under: str, **environment: str) -> Server:
        """
        Start what a unit does.
        """
        text = (EXAMPLES / unit).read_text()
        [line] = re.findall(r"(?m)^ExecStart=/opt/myapp/bin/twistd (.*)$", text)
        for name, value in environment.items():
            line = line.replace(f"${{{name}}}", value)
        options = shlex.split(line.replace("/var/lib/myapp", str(self.state)))
        place = options.index("myapp") + 1
        server = Server(
            [
                *options[place:],
                "--pop3=tcp:0:interface=127.0.0.1",
                *("--imap=", "--smtp=", "--http="),
            ],
            ["pop3"],
            under=under,
        )
        self.addCleanup(server.stop)
        return server

    def test_unix(self) -> None:
        """
        With the capability that the unit names in place of the group, a server that
        isn't root's checks passwords.
        """
        [capability] = re.findall(
            r"(?m)AmbientCapabilities=CAP_(\w+)$",
            (EXAMPLES / "myapp-unix.service").read_text(),
        )
        only = f"+{capability.lower()}"
        server = self.start(
            "myapp-unix.service",
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--no-new-privs",
            f"--bounding-set=-all,{only}",
            f"--inh-caps=-all,{only}",
            f"--ambient-caps=-all,{only}",
        )
        server.pop3(self.name, PASSWORD.decode()).quit()
        self.assertRaises(Refused, server.pop3, self.name, "tulip")
        self.assertRaises(Refused, server.pop3, "root", "tulip")
        server.stop()
        self.assertNotIn("Warning", server.log)
        self.assertNotIn("can't be read", server.log)

    def test_passwd(self) -> None:
        """
        With the files that systemd hands over, accounts log in.
        """
        server = self.start(
            "myapp-passwd.service", CREDENTIALS_DIRECTORY=str(self.folder)
        )
        server.pop3("carol", PASSWORD.decode()).quit()
        self.assertRaises(Refused, server.pop3, "carol", "tulip")

    def test_pam(self) -> None:
        """
        The service of PAM lets in by the machine's accounts, until there is
        /etc/nologin.
        """
        pam = PAM("myapp", str(EXAMPLES / "pam.d"))
        name, nologin = self.name.encode(), Path("/etc/nologin")
        self.assertIs(pam.lookUp(name, PASSWORD).kind, Kind.ACCEPTED)
        self.assertIs(pam.lookUp(name, b"tulip").kind, Kind.REFUSED)
        self.assertFalse(nologin.exists())
        nologin.touch()
        self.addCleanup(nologin.unlink)
        self.assertIs(pam.lookUp(name, PASSWORD).kind, Kind.DENIED)
