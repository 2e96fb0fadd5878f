"""
Tests on a real machine: accounts are made with useradd and chpasswd, and looked at
by L{mycred} and by pam_unix, which must agree.  They are removed again.
"""

from __future__ import annotations

import os
import pwd
import re
import time
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from mycred._accounts import NOLOGIN, AccountRules, Accounts, SystemUsers
from mycred._accounts._pam import PAM
from mycred._verdict import Kind, Verdict
from mycred.error import DenialReason
from mycred.hashes import UnusableHash, recognize

from .kit.ages import AGES, written
from .kit.unixaccounts import NAME, SHADOW, account, getLine, needs, run, setLine

# No other run has a service of this name.
SERVICE = Path(f"/etc/pam.d/mycred-tests-{os.getpid()}")
PASSWORD = b"ses ame\xdf"

# Lines that pam_unix decided otherwise before Linux-PAM 1.6: it gave a day more, and
# took an empty date for 1969-12-31.
_SINCE_1_6 = {
    ":0:5:7:::",
    "T-10:0:10:7:::",
    "T:0:0:7:::",
    "T-10:0:5:7:5::",
    "T-10:0:10:7:0::",
}


class SystemTestCase(SynchronousTestCase):
    """
    Base of the tests on a real machine.
    """

    def setUp(self) -> None:
        needs("useradd", "userdel", "chpasswd", "pamtester")
        SERVICE.write_text(
            "auth required pam_unix.so nodelay\naccount required pam_unix.so\n"
        )
        self.addCleanup(SERVICE.unlink)
        self.accounts = Accounts(SystemUsers(), str(SHADOW))

    def pamtester(self, name: str, password: bytes, *stages: str) -> bool:
        """
        Ask pam_unix.
        """
        done = run("pamtester", SERVICE.name, name, *stages, input=password + b"\n")
        return done.returncode == 0

    def look(self, name: str, password: bytes = PASSWORD) -> Verdict:
        """
        Ask mycred, and the checker of PAM, which must agree on whom to let in.
        """
        verdict = self.accounts.lookUp(name.encode(), password)
        byPAM = PAM(SERVICE.name).lookUp(name.encode(), password)
        self.assertEqual(
            verdict.kind is Kind.ACCEPTED, byPAM.kind is Kind.ACCEPTED, (verdict, byPAM)
        )
        return verdict

    def assertAgreed(self, name: str, password: bytes = PASSWORD) -> Verdict:
        """
        Insist on the verdict of pam_unix.
        """
        verdict = self.look(name, password)
        right = self.pamtester(name, password, "authenticate")
        allowed = right and self.pamtester(name, password, "authenticate", "acct_mgmt")
        self.assertEqual(verdict.kind is Kind.ACCEPTED, allowed, verdict)
        if verdict.denial is not DenialReason.LOCKED:
            # pam_unix doesn't look at the hash of a locked account.
            self.assertEqual(verdict.kind is Kind.REFUSED, not right, verdict)
        return verdict


class SchemeTests(SystemTestCase):
    """
    Tests for the hashes that a machine makes.
    """

    def methods(self, command: list[str], pattern: str) -> list[str]:
        """
        Ask a program which methods it has.
        """
        done = run(*command)
        return re.findall(pattern, (done.stdout + done.stderr).decode())

    def test_chpasswd(self) -> None:
        """
        Passwords that chpasswd sets by the system's default, and by each of its
        methods.
        """
        help_ = self.methods(["chpasswd", "--help"], r"\(one of (.*)\)")
        methods = [m for m in help_[0].split() if m != "NONE"] if help_ else []
        self.assertIn("SHA512", methods)
        with account() as name:
            for method in (None, *methods):
                options = [] if method is None else ["-c", method]
                line = name.encode() + b":" + PASSWORD + b"\n"
                done = run("chpasswd", *options, input=line)
                self.assertEqual(done.returncode, 0, done.stderr)
                found = recognize(getLine(name).split(b":")[0])
                verdict = self.assertAgreed(name)
                self.assertIs(verdict.kind, Kind.ACCEPTED, found)
                self.assertIs(self.assertAgreed(name, b"tulip").kind, Kind.REFUSED)

    def test_libcrypt(self) -> None:
        """
        Passwords of every scheme that the system's libcrypt offers.
        """
        needs("mkpasswd")
        offered = self.methods(["mkpasswd", "-m", "help"], r"(?m)^(\S+)\s{2,}\S")
        self.assertIn("yescrypt", offered)
        with account() as name:
            for method in offered:
                made = run("mkpasswd", "-s", "-m", method, input=PASSWORD + b"\n")
                stored = made.stdout.strip()
                try:
                    recognize(stored)
                except UnusableHash:
                    # pam_unix takes it for another one.
                    self.assertEqual(method, "bsdicrypt")
                # Not by chpasswd, which refuses some in newer versions of shadow.
                setLine(name, stored + b":19000:0:99999:7:::")
                kind = self.assertAgreed(name).kind
                self.assertEqual(kind is Kind.ACCEPTED, method != "bsdicrypt", method)
                self.assertIs(self.assertAgreed(name, b"tulip").kind, Kind.REFUSED)


class StateTests(SystemTestCase):
    """
    Tests for the states that an account can be in.
    """

    def setUp(self) -> None:
        super().setUp()
        making = account()
        self.name = making.__enter__()
        self.addCleanup(making.__exit__, None, None, None)
        line = self.name.encode() + b":" + PASSWORD + b"\n"
        run("chpasswd", "-c", "SHA512", input=line, check=True)
        self.hash = getLine(self.name).split(b":")[0]

    def test_ages(self) -> None:
        """
        Whatever the dates are, the verdict is that of pam_unix.
        """
        setLine(self.name, self.hash + b":" + written("T-10:0:10:7:::", self.today()))
        old = self.pamtester(self.name, PASSWORD, "authenticate", "acct_mgmt")
        for fields, denial in AGES:
            today = self.today()
            setLine(self.name, self.hash + b":" + written(fields, today))
            if old and fields in _SINCE_1_6:
                verdict = self.accounts.lookUp(self.name.encode(), PASSWORD)
            else:
                verdict = self.assertAgreed(self.name)
            if today == self.today():
                self.assertEqual(verdict.denial, denial, fields)

    def today(self) -> int:
        """
        Tell the day.
        """
        return int(time.time() // 86_400)

    def test_lines(self) -> None:
        """
        Lines that are damaged, doubled or without an end let in whom pam_unix lets in.
        """
        right = self.hash + b":20000:0:99999:7:::"
        for fields, kind in [
            (right, Kind.ACCEPTED),
            (b":20000:0:99999:7:::", Kind.REFUSED),
            (b"*:20000:0:99999:7:::", Kind.REFUSED),
            (b"!:20000:0:99999:7:::", Kind.REFUSED),
            (b"x:20000:0:99999:7:::", Kind.REFUSED),
            (b"*" + right, Kind.DENIED),
            (b"!!" + right, Kind.DENIED),
            (right + b"\n%s:!:20000:0:99999:7:::" % self.name.encode(), Kind.ACCEPTED),
            (
                b"!%s\n%s:%s" % (right, self.name.encode(), right),
                Kind.DENIED,
            ),
        ]:
            setLine(self.name, fields)
            self.assertIs(self.assertAgreed(self.name).kind, kind, fields)
        for fields in (
            self.hash,
            self.hash + b":20000:0:99999:7",
            self.hash + b":20000:0:99999:7:::x",
            self.hash + b":-1:0:99999:7:::",
            self.hash + b":20000:0:99999999999:7:::",
        ):
            setLine(self.name, fields)
            verdict = self.accounts.lookUp(self.name.encode(), PASSWORD)
            self.assertIs(verdict.kind, Kind.REFUSED)
            self.assertFalse(self.pamtester(self.name, PASSWORD, "authenticate"))

    def test_tools(self) -> None:
        """
        What the tools do with an account counts.
        """
        for command, kind, denial in [
            (["usermod", "-L"], Kind.DENIED, DenialReason.LOCKED),
            (["usermod", "-U"], Kind.ACCEPTED, None),
            (["passwd", "-q", "-l"], Kind.DENIED, DenialReason.LOCKED),
            (["passwd", "-q", "-u"], Kind.ACCEPTED, None),
            (["chage", "-d", "0"], Kind.DENIED, DenialReason.PASSWORD_EXPIRED),
            (["chage", "-d", "2020-01-01", "-M", "30"], Kind.DENIED, None),
            (["chage", "-I", "10"], Kind.DENIED, DenialReason.EXPIRED),
            (["chage", "-M", "-1", "-I", "-1"], Kind.ACCEPTED, None),
            (["usermod", "-e", "2020-01-01"], Kind.DENIED, DenialReason.EXPIRED),
            (["usermod", "-e", ""], Kind.ACCEPTED, None),
            (["passwd", "-q", "-e"], Kind.DENIED, DenialReason.PASSWORD_EXPIRED),
            (["chage", "-d", "2020-01-01"], Kind.ACCEPTED, None),
            (["passwd", "-q", "-d"], Kind.REFUSED, None),
        ]:
            done = run(*command, self.name)
            self.assertEqual(done.returncode, 0, done.stderr)
            verdict = self.assertAgreed(self.name)
            self.assertIs(verdict.kind, kind, command)
            if denial is not None:
                self.assertEqual(verdict.denial, denial, command)

    def test_emptyPassword(self) -> None:
        """
        An account without a password lets nobody in, with whatever password.
        """
        setLine(self.name, b":20000:0:99999:7:::")
        for password in (b"x", PASSWORD):
            self.assertIs(self.assertAgreed(self.name, password).kind, Kind.REFUSED)

    def test_su(self) -> None:
        """
        The program su of the machine agrees, too.
        """
        needs("su", "setpriv")
        self.usermod("-s", "/bin/sh")
        for command, allowed in [
            (["chage", "-E", "-1"], True),
            (["usermod", "-L"], False),
            (["usermod", "-U"], True),
            (["chage", "-E", "2020-01-01"], False),
            (["chage", "-E", "-1", "-d", "2020-01-01", "-M", "1", "-I", "1"], False),
        ]:
            self.assertEqual(run(*command, self.name).returncode, 0)
            self.assertEqual(self.look(self.name).kind is Kind.ACCEPTED, allowed)
            # Not as root, whom su asks for no password.
            nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            done = run(*nobody, "su", self.name, "-c", "echo in", input=PASSWORD + b"\n")
            self.assertEqual(b"in\n" in done.stdout, allowed, (command, done))

    def usermod(self, *options: str) -> None:
        """
        Change the account.
        """
        done = run("usermod", *options, self.name)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_rules(self) -> None:
        """
        AccountRules go by what useradd and usermod have made of an account, and have the
        verdict of the modules of PAM for the same.
        """
        name = self.name.encode()
        self.usermod("-s", "/bin/sh", "-G", "adm")
        account = self.look(self.name).account
        assert account is not None
        self.assertEqual(account.groups, (self.name, "adm"))
        self.assertEqual((account.home, account.shell), (f"/home/{NAME}", "/bin/sh"))
        uid = account.uid
        self.usermod("-s", "/usr/sbin/nologin", "-G", "mail,users")
        taken = {entry.pw_uid for entry in pwd.getpwall()}
        unused = max(set(range(100, 1000)) - taken)
        changes = [
            (),
            ("-s", "/bin/sh", "-G", "adm"),
            ("-s", "", "-G", ""),
            ("-u", str(unused)),
        ]
        seen = set()
        for change in changes:
            self.usermod(*change) if change else None
            for rules, module in [
                ({"shells": "/etc/shells"}, "pam_shells.so"),
                ({"groups": ("mail",)}, "pam_succeed_if.so user ingroup mail"),
                (
                    {"groups": ("adm", "users")},
                    "pam_succeed_if.so user ingroup adm:users",
                ),
                ({"groups": (NAME,)}, f"pam_succeed_if.so user ingroup {NAME}"),
                ({"minuid": uid}, f"pam_succeed_if.so uid >= {uid}"),
                ({"minuid": uid + 1}, f"pam_succeed_if.so uid >= {uid + 1}"),
            ]:
                arguments: Any = rules
                accounts = Accounts(SystemUsers(), str(SHADOW), AccountRules(**arguments))
                SERVICE.write_text(
                    f"auth required pam_unix.so nodelay\naccount required {module}\n"
                )
                verdict = accounts.lookUp(name, PASSWORD)
                self.assertIn(verdict.kind, (Kind.ACCEPTED, Kind.DENIED))
                byPAM = PAM(SERVICE.name).lookUp(name, PASSWORD)
                self.assertEqual(
                    verdict.kind, byPAM.kind, (change, rules, verdict, byPAM)
                )
                seen.add((module.split()[0], verdict.kind))
        self.assertEqual(len(seen), 4)

    def test_nologin(self) -> None:
        """
        So it is with /etc/nologin.
        """
        nologin = Path("/etc/nologin")
        self.assertFalse(nologin.exists())
        self.addCleanup(nologin.unlink, missing_ok=True)
        SERVICE.write_text(
            "auth required pam_unix.so nodelay\n"
            "account required pam_nologin.so\naccount required pam_unix.so\n"
        )
        rules = AccountRules(nologin=NOLOGIN)
        accounts = Accounts(SystemUsers(), str(SHADOW), rules)
        for kind in (Kind.ACCEPTED, Kind.DENIED):
            self.assertIs(accounts.lookUp(self.name.encode(), PASSWORD).kind, kind)
            byPAM = PAM(SERVICE.name).lookUp(self.name.encode(), PASSWORD)
            self.assertIs(byPAM.kind, kind)
            nologin.touch()
