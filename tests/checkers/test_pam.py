"""
Tests for the checker of PAM services, L{mycred.checkers._pam}, and for its auth type,
L{mycred.plugins.cred_pam}.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from itertools import groupby
from pathlib import Path
from secrets import token_hex
from socket import SHUT_RDWR
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock

from mycred import strcred
from mycred._privileged import _worker
from mycred._state import ProcessState
from mycred._verdict import Kind
from mycred.checkers import (
    ICredentialsChecker,
    IUsernamePassword,
    PAMChecker,
    _pam,
    accountOf,
)
from mycred.credentials import UsernamePassword
from mycred.error import (
    AccountDenied,
    DenialReason,
    TemporaryFailure,
    Throttled,
    UnauthorizedLogin,
)
from mycred.plugins import cred_pam
from mycred.stack import CheckerStack, Throttle
from mycred.testing import SteppedWorkers

from ..kit.files import FileTestCase
from ..kit.privileged import until as wait
from ..kit.services import Services
from ..kit.unixaccounts import run


def isOver(status: Path) -> bool:
    """
    Tell whether a process has ended, by its file in C{/proc}.
    """
    try:
        return ") Z " in status.read_text()
    except OSError:
        return True


class PAMTestCase(Services, FileTestCase):
    """
    Base of the tests that have services.
    """

    def setUp(self) -> None:
        FileTestCase.setUp(self)
        Services.setUp(self)

    def pam(self, service: str = "permit", **arguments: Any) -> PAMChecker:
        """
        Make a checker, whose processes end with the test.
        """
        arguments = {"workers": self.workers, "processes": 1, **arguments}
        checker = PAMChecker(service, confdir=str(self.confdir), **arguments)
        self.addCleanup(lambda: checker._privileged._client.close())
        return checker


class PAMCheckerTests(PAMTestCase):
    """
    Tests for L{PAMChecker}.
    """

    def test_interface(self) -> None:
        """
        It is a checker of names and passwords.
        """
        checker = self.pam()
        self.assertTrue(verifyObject(ICredentialsChecker, checker))
        self.assertEqual(list(checker.credentialInterfaces), [IUsernamePassword])

    def test_accepted(self) -> None:
        """
        Who is let in is named in the type in which he came, and the realm learns what
        the system knows of him.
        """
        checker = self.pam()
        self.assertEqual(
            self.successResultOf(self.ask(checker, b"nobody-known", b"x")),
            b"nobody-known",
        )
        avatarId = self.successResultOf(self.ask(checker, "root", "x"))
        self.assertEqual(avatarId, "root")
        account = accountOf(avatarId)
        assert account is not None
        self.assertEqual((account.uid, account.home), (0, "/root"))

    def test_refused(self) -> None:
        """
        Who isn't let in is refused, or denied if the account is the reason, and both
        are logged with what PAM says.
        """
        self.service("deny", "pam_deny.so", "pam_permit.so")
        self.assertRefused(self.ask(self.pam("deny"), b"alice", b"tulip"))
        [event] = self.logged("Login refused")
        self.assertEqual(event["why"], "PAM, auth: Authentication failure")
        self.service("old", "pam_permit.so", "pam_debug.so acct=acct_expired")
        failure = self.failureResultOf(
            self.ask(self.pam("old"), b"alice", b"tulip"), AccountDenied
        )
        self.assertEqual(failure.value.reason, DenialReason.EXPIRED)
        [event] = self.logged("Login denied")
        self.assertEqual(event["why"], "PAM, account: User account has expired")
        self.assertNotIn("tulip", str(self.events))

    def test_temporary(self) -> None:
        """
        A module that isn't there is no wrong password, and logged.
        """
        self.service("missing", "pam_nonesuch.so", "pam_permit.so")
        failure = self.failureResultOf(
            self.ask(self.pam("missing"), b"alice", b"x"), TemporaryFailure
        )
        self.assertNotIn("nonesuch", str(failure.value))
        [event] = self.logged("Login temporary")
        self.assertIn("Module is unknown", event["why"])

    def test_guess(self) -> None:
        """
        It is a guess all the same, and waits where there is a throttle: another module
        may have refused the password before.
        """
        self.service("down", "pam_debug.so auth=authinfo_unavail", "pam_permit.so")
        throttle = Throttle(ProcessState(Clock()), account=1)
        stack: Any = CheckerStack([self.pam("down")], throttle=throttle)
        for error in (TemporaryFailure, TemporaryFailure, Throttled):
            password = token_hex(8).encode("ascii")
            failure = self.failureResultOf(self.ask(stack, b"alice", password))
            self.assertIs(type(failure.value), error)

    def test_absurd(self) -> None:
        """
        What no module could use, or would use wrongly, is refused before any work:
        also an empty password, and one longer than PAM's answers may be.
        """
        checker = self.pam()
        self.patch(checker._privileged._client, "ask", None)
        for name, password in [
            (b"", b"x"),
            (b"../../tmp/x", b"x"),
            (b"-alice", b"x"),
            (b"alice\0", b"x"),
            (b"alice", b""),
            (b"alice", b"x\0"),
            (b"alice", b"x" * 512),
        ]:
            self.assertRefused(self.ask(checker, name, password))

    def test_peer(self) -> None:
        """
        Modules are told where the credentials come from.
        """
        seen = self.confdir / "seen"
        program = self.confdir / "program"
        program.write_text(f"#!/bin/sh\nenv >{seen}\n")
        program.chmod(0o700)
        self.service("exec", f"pam_exec.so {program}", "pam_permit.so")
        credentials = UsernamePassword(b"alice", b"x")
        vars(credentials)["peer"] = IPv4Address("TCP", "192.0.2.7", 110)
        checker = self.pam("exec")
        self.successResultOf(checker.requestAvatarId(credentials))
        self.assertIn("PAM_RHOST=192.0.2.7\n", seen.read_text())
        self.successResultOf(self.ask(checker, b"alice", b"x"))
        self.assertNotIn("RHOST", seen.read_text())

    def slow(self) -> None:
        """
        Make a service that wants a delay after a failure.
        """
        (self.confdir / "slow").write_text(
            "auth required pam_faildelay.so delay=10000000\n"
            "auth required pam_deny.so\naccount required pam_permit.so\n"
        )

    def test_delay(self) -> None:
        """
        The delay after a failure keeps the answer back, and nobody else: the next one
        is looked up meanwhile.
        """
        self.slow()
        workers = SteppedWorkers()
        checker = self.pam("slow", workers=workers)
        first = self.ask(checker, b"alice", b"x")
        workers.step()
        workers.reactor.advance(4)
        self.assertNoResult(first)
        second = self.ask(checker, b"bob", b"x")
        workers.step()
        workers.reactor.advance(11)
        self.assertRefused(first)
        workers.reactor.advance(15)
        self.assertRefused(second)

    def test_absurdDelay(self) -> None:
        """
        No delay is longer than a login may take.
        """
        self.slow()
        workers = SteppedWorkers(deadline=3)
        asking = self.ask(self.pam("slow", workers=workers), b"alice", b"x")
        workers.step()
        workers.reactor.advance(2.9)
        self.assertNoResult(asking)
        workers.reactor.advance(0.1)
        self.assertRefused(asking)

    def test_hangsUp(self) -> None:
        """
        Who hangs up during the delay leaves nothing behind but a line in the log: they
        were refused.
        """
        self.slow()
        workers = SteppedWorkers()
        asking = self.ask(self.pam("slow", workers=workers), b"alice", b"x")
        workers.step()
        asking.cancel()
        self.failureResultOf(asking, UnauthorizedLogin)
        self.assertEqual(workers.reactor.getDelayedCalls(), [])
        [event] = self.logged("Login refused")
        self.assertEqual(event["user"], "alice")

    def test_hungModule(self) -> None:
        """
        A module that never answers is killed at the deadline with what it has
        started, and whoever comes next is served.
        """
        pids = self.confdir / "pids"
        program, sleep = self.confdir / "program", f"sleep 31415.{os.getpid()}"
        program.write_text(
            f"#!/bin/sh\n[ $PAM_USER = hang ] || exit 0\necho $$ >{pids}\n"
            f"while :; do {sleep}; done\n"
        )
        program.chmod(0o700)
        self.service("hang", f"pam_exec.so quiet {program}", "pam_permit.so")
        checker = self.pam("hang", workers=SteppedWorkers(running=False, deadline=0.5))
        for _ in range(2):
            self.failureResultOf(self.ask(checker, b"hang", b"x"), TemporaryFailure)
            [event] = self.logged("Login temporary")
            self.assertIn("hasn't come in time", event["why"])
            del self.events[:]
            # Whoever is killed isn't gone at once.
            status = Path(f"/proc/{pids.read_text().strip()}/stat")
            wait(lambda status=status: isOver(status))
            wait(lambda: not run("pgrep", "-f", sleep).stdout)
            self.successResultOf(self.ask(checker, b"alice", b"x"))

    def test_close(self) -> None:
        """
        With the checker end the programs of its modules.
        """
        started, sleep = self.confdir / "started", f"sleep 27182.{os.getpid()}"
        program = self.confdir / "program"
        program.write_text(f"#!/bin/sh\ntouch {started}\n{sleep}\n")
        program.chmod(0o700)
        self.service("hang", f"pam_exec.so quiet {program}", "pam_permit.so")
        client = self.pam("hang")._privileged._client
        with ThreadPoolExecutor(1) as threads:
            until = time.monotonic() + 20
            asking = threads.submit(client.ask, b"alice", b"x", None, until)
            wait(started.exists)
            wait(lambda: run("pgrep", "-f", sleep).stdout)
            client._processes._control.shutdown(SHUT_RDWR)
            wait(lambda: not run("pgrep", "-f", sleep).stdout)
            self.assertIs(asking.result(20).verdict.kind, Kind.UNSURE)

    def test_longestPassword(self) -> None:
        """
        A password as long as modules take it is presented to them.
        """
        password = b"x" * 511
        self.successResultOf(self.ask(self.pam(), b"root", password))

    def test_cannotStart(self) -> None:
        """
        If the processes can't be started, that is told when the program starts.
        """

        def fail(*arguments: Any, **more: Any) -> Any:
            raise OSError("no processes")

        self.patch(_pam, "PrivilegedClient", fail)
        name = sorted(os.listdir("/etc/pam.d"))[0]
        error = self.assertRaises(
            strcred.InvalidAuthArgumentString, strcred.makeChecker, f"pam:{name}"
        )
        self.assertIn("no processes", str(error))

    def test_changedProcess(self) -> None:
        """
        What a module changes of its process doesn't go over to the next login.
        """
        pids = self.confdir / "pids"
        module = f"{self.module()} pid={pids}"
        self.service("stay", module, "pam_permit.so")
        self.service("move", f"{module} chdir=/tmp", "pam_permit.so")
        for service, number in [("stay", 1), ("move", 3)]:
            pids.write_text("")
            checker = self.pam(service)
            for _ in range(3):
                self.successResultOf(self.ask(checker, b"root", b"x"))
            self.assertEqual(len(set(pids.read_text().split())), number)

    def test_noProcess(self) -> None:
        """
        Without a process nobody could be asked.
        """
        self.assertRaises(ValueError, self.pam, processes=0)

    def test_crashingModule(self) -> None:
        """
        A module that crashes, or ends the process, takes nobody else along.
        """
        module = self.module()
        lines = (
            "auth [success=1 default=ignore] pam_succeed_if.so quiet user != bad\n"
            "auth required {} {}\nauth required pam_permit.so\n"
            "account required pam_permit.so\n"
        )
        for what, says in [("crash", "SIGSEGV"), ("exit", "ended (0)")]:
            (self.confdir / what).write_text(lines.format(module, what))
            checker = self.pam(what)
            for _ in range(2):
                del self.events[:]
                self.failureResultOf(self.ask(checker, b"bad", b"x"), TemporaryFailure)
                [event] = self.logged("Login temporary")
                self.assertIn(says, event["why"])
                self.successResultOf(self.ask(checker, b"root", b"x"))

    def test_newOnes(self) -> None:
        """
        A process ends after so many logins, since modules leak, and another one goes
        on.
        """
        seen, program = self.confdir / "seen", self.confdir / "program"
        program.write_text(f"#!/bin/sh\necho $PPID >>{seen}\n")
        program.chmod(0o700)
        self.service("exec", f"pam_exec.so {program}", "pam_permit.so")
        checker = self.pam("exec")
        for _ in range(2 * _worker._MOST_REQUESTS + 1):
            self.successResultOf(self.ask(checker, b"root", b"x"))
        pids = seen.read_text().split()
        runs = [len(list(run)) for _, run in groupby(pids)]
        self.assertEqual(runs, [_worker._MOST_REQUESTS, _worker._MOST_REQUESTS, 1])

    def test_anotherName(self) -> None:
        """
        The name that PAM hands back is the avatar ID.
        """
        self.service("rename", f"{self.module()} user=root", "pam_permit.so")
        avatarId = self.successResultOf(self.ask(self.pam("rename"), b"alice", b"x"))
        self.assertEqual(avatarId, b"root")
        account = accountOf(avatarId)
        assert account is not None
        self.assertEqual(account.uid, 0)

    def test_wrongService(self) -> None:
        """
        A service that isn't there is told at once.
        """
        error = self.assertRaises(ValueError, self.pam, "nonesuch")
        self.assertIn(str(self.confdir / "nonesuch"), str(error))

    def test_ownThreads(self) -> None:
        """
        As many logins are under way as there are processes, in threads of their own:
        nobody else waits for them.
        """
        from twisted.internet import reactor

        from mycred.workers import workersOf

        checker = self.pam(workers=None, processes=3)
        workers = checker._privileged.workers
        self.assertIsNot(workers, workersOf(reactor))
        self.assertIs(workers, checker._privileged.workers)
        self.assertEqual((workers._reactor, workers._threads), (reactor, 3))


class PluginTests(PAMTestCase):
    """
    Tests for the auth type C{pam}.
    """

    def assertWrong(self, description: str, says: str) -> None:
        """
        Insist on an error that says this.
        """
        error = self.assertRaises(
            strcred.InvalidAuthArgumentString, strcred.makeChecker, description
        )
        self.assertIn(says, str(error))

    def test_service(self) -> None:
        """
        It makes a checker of a service, with or without the word.
        """
        names = sorted(os.listdir("/etc/pam.d")) if os.path.isdir("/etc/pam.d") else []
        for description in (f"pam:service={names[0]}", f"pam:{names[0]}"):
            checker: Any = strcred.makeChecker(description)
            self.addCleanup(checker._privileged._client.close)
            self.assertIs(type(checker), PAMChecker)

    def test_wrong(self) -> None:
        """
        What can't work is told, with what would be right.
        """
        self.assertWrong("pam", "service must be given")
        self.assertWrong("pam:", "service must be given")
        self.assertWrong("pam:service=", "service: a value is missing")
        self.assertWrong("pam:service=nonesuch", "no file /etc/pam.d/nonesuch; write")
        self.assertWrong("pam:service=../passwd", "write a name in lower case")
        self.assertWrong("pam:servce=x", "did you mean service=")
        self.assertWrong("pam:x:y", "a value has no key")

    def test_lines(self) -> None:
        """
        A service needs a line for each stage, or one that includes others; PAM would
        take the stages that are missing from another service.
        """
        for content, missing in [
            (b"", "account"),
            (b"# auth required pam_permit.so\naccount required pam_permit.so\n", "auth"),
            (b"auth required pam_permit.so\n\npassword required x.so\n", "account"),
            (b"AUTH required pam_permit.so\naccount include common-account\n", None),
            (b"@include common-auth\n", None),
            (b"  auth\trequired x.so\n -account required x.so\n", "account"),
        ]:
            (self.confdir / "lines").write_bytes(content)
            if missing is None:
                self.pam("lines")
                continue
            error = self.assertRaises(ValueError, self.pam, "lines")
            self.assertIn(f"{self.confdir}/lines has no {missing} line", str(error))

    def test_warning(self) -> None:
        """
        Whoever isn't root is warned.
        """
        (name,) = sorted(os.listdir("/etc/pam.d"))[:1]
        for uid, lines in [(1000, 1), (0, 0)]:
            output = StringIO()
            self.patch(cred_pam.thePAMCheckerFactory, "errorOutput", output)
            self.patch(os, "geteuid", lambda uid=uid: uid)
            checker: Any = strcred.makeChecker(f"pam:{name}")
            checker._privileged._client.close()
            self.assertEqual(output.getvalue().count("need root"), lines)

    def test_help(self) -> None:
        """
        Its help names the option, and an example.
        """
        text = cred_pam.thePAMCheckerFactory.authHelp
        self.assertIn("\n[service=]NAME\n", text)
        self.assertIn("--auth=pam:service=myapp", text)
