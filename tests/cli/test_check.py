"""
Tests for L{mycred._cli._check}, and with it for L{mycred._cli}, L{mycred._cli._main},
L{mycred._cli._errors} and L{mycred.__main__}.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from hashlib import md5, sha256
from pathlib import Path

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

import mycred
from mycred._cli import _check
from mycred._hashes import make
from mycred.error import AccountDenied, DenialReason, TemporaryFailure, UnauthorizedLogin

from ..kit.command import CommandTests, Done
from ..kit.files import BCRYPT
from ..kit.slapd import PEOPLE, Slapd, person

ROOT = Path(mycred.__file__).parents[1]

# How long a process may take, in seconds.
PATIENCE = 30

COMMAND = [sys.executable, "-m", "mycred", "check"]


class CheckTests(CommandTests, SynchronousTestCase):
    """
    Tests for the whole command.
    """

    def setUp(self) -> None:
        super().setUp()
        self.path.write_bytes(b"carol:" + BCRYPT + b"\n")
        self.auth = f"--auth=htpasswd:{self.path}"

    def check(
        self, *arguments: str, stdin: bytes = b"hashed\n", path: Path = ROOT
    ) -> Done:
        """
        Run the command.

        @param path: where Python looks for more.
        """
        done = subprocess.run(
            [*COMMAND, "--stdin", *arguments],
            input=stdin,
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(path)},
            timeout=PATIENCE,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def assertSays(self, done: Done, status: int, *lines: str) -> None:
        """
        Assert what a command said, times aside.
        """
        said = re.sub(r"\d+\.\d{3} s", "T", done.out).splitlines()
        self.assertEqual((done.status, said), (status, list(lines)), done)

    def test_accepted(self) -> None:
        """
        A right password is accepted, and the avatar ID is told as the file spells
        it.
        """
        done = self.check(self.auth, "carol")
        self.assertSays(
            done,
            0,
            "htpasswd  accepted  T",
            "accepted by htpasswd, avatar ID b'carol', in T",
        )
        self.assertEqual(done.err, "")

    def test_scramKeys(self) -> None:
        """
        Keys of SCRAM serve a password, as any hash does.
        """
        self.path.write_bytes(b"carol:" + make(b"hashed", "scram-sha-256") + b"\n")
        self.assertEqual(self.check(self.auth, "carol").status, 0)
        self.assertEqual(self.check(self.auth, "carol", stdin=b"x\n").status, 1)

    def test_refused(self) -> None:
        """
        A wrong password and an unknown user are refused; the server's log tells
        them apart.
        """
        for user, stdin, says in [
            ("carol", b"tulip\n", 'user="carol" why="wrong password" by=htpasswd'),
            ("eve", b"hashed\n", 'user="eve" why="no such user" by=htpasswd'),
        ]:
            done = self.check(self.auth, user, stdin=stdin)
            self.assertSays(done, 1, "htpasswd  refused  T", "refused, in T")
            self.assertIn(says, done.err)
            self.assertNotIn(stdin.decode().strip(), done.out + done.err)

    def stack(self, *sections: str) -> str:
        """
        Return the option for a stack of a file, keys, and a user in memory.

        @param sections: what stands around them.
        """
        path = self.folder / "login.ini"
        lines = (
            "[stack]",
            "checkers =",
            f" htpasswd:{self.path}",
            " sshkey",
            " memory:a:b",
        )
        path.write_text("\n".join((*lines, *sections, "")))
        path.chmod(0o600)
        return f"--auth=stack:{path}"

    def test_stack(self) -> None:
        """
        A stack's checkers are asked one by one; nothing is counted, remembered or
        written, and the line is told that the account of logins would have.
        """
        logins = self.folder / "logins"
        auth = self.stack(
            *("[throttle]", "pair = 1", "source = 1", "[cache]", "seconds = 9"),
            *(
                "[audit]",
                f"file = {logins}",
                "[metrics]",
                "listen = tcp:0:interface=127.0.0.1",
            ),
        )
        around = "throttle  not asked: a try from here isn't a guess", "cache  not asked"
        done = self.check(auth, "carol", "--verbose")
        self.assertSays(
            done._replace(out=re.sub(r"ms=\d+", "ms=N", done.out)),
            0,
            *(*around, "1 htpasswd  accepted  T", "2 sshkey    not asked"),
            *(
                "3 memory    not asked",
                "accepted by 1 htpasswd, avatar ID b'carol', in T",
            ),
            'audit  Login accepted: user="carol" avatar="carol" by=htpasswd ms=N',
        )
        # Without root there is a warning about keys, which isn't the stack's.
        self.assertNotIn("--auth=stack", done.err)
        self.assertFalse(logins.exists())

    def test_stackRefuses(self) -> None:
        """
        What a stack has for others than passwords is no reason to be in doubt.
        """
        done = self.check(self.stack(), "carol", stdin=b"x\n")
        self.assertSays(
            done,
            1,
            *(
                "1 htpasswd  refused  T",
                "2 sshkey    not asked",
                "3 memory    refused  T",
            ),
            "refused, in T",
        )

    def test_temporaryFailure(self) -> None:
        """
        A store that can't tell isn't a wrong password.
        """
        missing = self.folder / "missing"
        done = self.check(f"--auth=file:{missing}", "carol")
        verdict = "temporary failure"
        self.assertSays(done, 75, f"file  {verdict}  T", f"{verdict}, in T")
        self.assertIn(str(missing), done.err)

    def test_verbose(self) -> None:
        """
        A checker that knows of steps tells them if it is asked to, and what it takes
        for them; others tell what they tell.
        """
        server = Slapd(person("Alice"))
        self.addCleanup(server.stop)
        auth = f"--auth=ldap:host={server.socket}:base={PEOPLE}"
        done = self.check(auth, "alice", stdin=b"sesame\n")
        self.assertSays(
            done, 0, "ldap  accepted  T", "accepted by ldap, avatar ID b'Alice', in T"
        )
        self.assertEqual(done.err, "")
        done = self.check("--verbose", auth, self.auth, "ALICE*", stdin=b"sesame\n")
        self.assertEqual(done.status, 1)
        steps = [line for line in done.err.splitlines() if " ms  " in line]
        for step, told in zip(
            steps,
            (
                server.socket,
                r"(uid=ALICE\2a): nothing",
                "bind as an unknown user",
                "refused",
            ),
        ):
            self.assertRegex(step, r"^ *\d+\.\d ms  ")
            self.assertIn(told, step)
        self.assertEqual(len(steps), 4)
        self.assertNotIn("sesame", done.err)

    def test_several(self) -> None:
        """
        Several are asked in turn, until one knows the answer.
        """
        second = "--auth=memory:alice:hashed"
        self.assertSays(
            self.check(self.auth, second, "--auth=htpasswd:" + str(self.path), "alice"),
            0,
            "1 htpasswd  refused  T",
            "2 memory    accepted  T",
            "3 htpasswd  not asked",
            "accepted by 2 memory, avatar ID b'alice', in T",
        )

    def test_otherLines(self) -> None:
        """
        What is odd about the lines of others isn't told, and what is odd about the user's
        own is.
        """
        odd = [b"frank:$9$x", b"grace:$2y$x", b"judy:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw="]
        odd += [b"carol:again"] + [b"u%d:$9$" % number for number in range(200)]
        lines = [b"carol:" + BCRYPT, b"erin:!", *odd]
        self.path.write_bytes(b"\n".join(lines) + b"\n")
        accounts = self.folder / "passwd"
        accounts.write_bytes(b"".join(line + b":1:1::/:\n" for line in lines))
        for auth in (
            self.auth,
            f"--auth=file:{self.path}",
            f"--auth=passwd:{accounts}",
        ):
            done = self.check(auth, auth, "carol")
            self.assertEqual((done.status, done.err), (0, ""))
            for user, why in (
                ("frank", "unknown kind"),
                ("grace", "damaged"),
                ("eve", ""),
            ):
                done = self.check(auth, user)
                self.assertEqual(done.status, 1)
                self.assertRegex(done.err, f"^Login refused: .*{why}.*\\n\\Z")

    def test_noPassword(self) -> None:
        """
        An empty password, and one that is absurdly long, are refused as a server
        refuses them.
        """
        for stdin in (b"", b"x" * 2000):
            self.assertEqual(self.check(self.auth, "carol", stdin=stdin).status, 1)

    def test_digestBeside(self) -> None:
        """
        Where some checkers serve HTTP Digest only, each in its realm, they are asked
        in that way if the others refuse.
        """
        digest = self.folder / "htdigest"
        ha1 = md5(b"alice:Cellar:rose").hexdigest()
        digest.write_bytes(
            b"alice:Members:d4c1bd79570a77a56389c354ecc4860c\n"
            b"alice:Cellar:" + ha1.encode()
        )
        auth = [
            f"--auth=htdigest:{digest}:realm=Members",
            self.auth,
            f"--auth=htdigest:{digest}:realm=Cellar",
        ]
        for user, stdin, who in [
            ("alice", b"sesame", "1 htdigest"),
            ("carol", b"hashed", "2 htpasswd"),
            ("alice", b"rose", "3 htdigest"),
        ]:
            done = self.check(*auth, user, stdin=stdin)
            self.assertIn(f"accepted by {who}, avatar ID", done.out)
            self.assertNotIn("realm", done.err)
        self.assertEqual(self.check(*auth, "alice", stdin=b"tulip").status, 1)
        missing = f"--auth=file:{self.folder / 'missing'}"
        self.assertEqual(self.check(missing, auth[0], "eve").status, 75)

    def test_asInAServer(self) -> None:
        """
        The login is tried while a reactor runs, so that the work is done where a
        server does it, and Ctrl-C ends it.
        """
        plugin = self.folder / "mycred" / "plugins"
        plugin.mkdir(parents=True)
        (plugin / "slow.py").write_text(
            "import os, signal, sys, threading\n"
            "from zope.interface import implementer\n"
            "from twisted.internet.defer import Deferred\n"
            "from twisted.plugin import IPlugin\n"
            "from mycred.strcred import ICheckerFactory\n"
            "from mycred.credentials import IUsernamePassword\n"
            "@implementer(ICheckerFactory, IPlugin)\n"
            "class Slow:\n"
            "    authType = 'slow'; authHelp = argStringFormat = ''\n"
            "    credentialInterfaces = (IUsernamePassword,)\n"
            "    def generateChecker(self, argstring): return self\n"
            "    def requestAvatarId(self, credentials):\n"
            "        from twisted.internet import reactor\n"
            "        print(reactor.running, file=sys.stderr)\n"
            "        from mycred.workers import workersOf\n"
            "        reactor.callLater(0.1, os.kill, os.getpid(), signal.SIGINT)\n"
            "        return workersOf().run(os.read, os.pipe()[0], 1)\n"
            "slow = Slow()\n"
        )
        done = self.check("--auth=slow", "carol", path=self.folder)
        self.assertEqual(done, (130, "", "True\n"))

    def test_nobodyListens(self) -> None:
        """
        If what is said can't be written, that is told, and no traceback.
        """
        for variables in ({}, {"PYTHONUNBUFFERED": "1"}):
            with open("/dev/full", "w") as full:
                done = subprocess.run(
                    [*COMMAND, "--stdin", self.auth, "carol"],
                    input=b"hashed",
                    stdout=full,
                    stderr=subprocess.PIPE,
                    cwd=ROOT,
                    env={"PATH": os.environ["PATH"], **variables},
                    timeout=PATIENCE,
                )
            self.assertEqual(done.returncode, 2)
            self.assertNotIn(b"Traceback", done.stderr)

    def test_digest(self) -> None:
        """
        A file that serves nothing but HTTP Digest is asked as a browser would.
        """
        # htdigest -c FILE Members alice, with the password sesame
        self.path.write_bytes(b"alice:Members:d4c1bd79570a77a56389c354ecc4860c\n")
        auth = f"--auth=htdigest:{self.path}:realm=Members"
        self.assertEqual(self.check(auth, "alice", stdin=b"sesame").status, 0)
        refused = self.check(auth, "alice", stdin=b"tulip")
        self.assertEqual(refused.status, 1)
        self.assertEqual(refused.err.count("Login refused"), 1)
        stronger = sha256(b"alice:Members:rose").hexdigest()
        self.path.write_text(f"alice:Members:{stronger}\n")
        accepted = self.check(auth, "alice", stdin=b"rose")
        self.assertEqual((accepted.status, accepted.err), (0, ""))

    def test_oddNames(self) -> None:
        """
        A name that isn't text, and a password of any bytes, go through as they
        are.
        """
        name = os.fsdecode(b"j\xfcrgen")
        self.path.write_bytes(b"j\xfcrgen:{PLAIN}pa\xdf\n")
        self.assertEqual(self.check(self.auth, name, stdin=b"pa\xdf\n").status, 0)

    def test_usage(self) -> None:
        """
        A wrong command line, or an C{--auth} that no password can serve, ends in one
        line, with status 2.
        """
        for arguments, stdin, says in [
            (("carol",), b"x", "--auth"),
            ((self.auth,), b"x", "USER"),
            (("--auth=nosuch", "carol"), b"x", "no such auth type, only file"),
            (("--auth=htpaswd:/x", "carol"), b"x", "did you mean htpasswd?"),
            (("--auth=HTPASSWD:/x", "carol"), b"x", "did you mean htpasswd?"),
            (("--auth=htpasswd=/x", "carol"), b"x", "did you mean htpasswd?"),
            (("--auth=htpasswd:/no/such", "carol"), b"x", "can't be read"),
            (("--auth=anonymous", "carol"), b"x", "can't use it"),
            (("--auth=memory", "carol"), b"x", "--auth=memory: no user is in it"),
            (("--auth=htpasswd:/dev/null", "carol"), b"x", "not a regular file"),
            (("--auth=memory:carol:SECRET:odd", "carol"), b"x", "has no password"),
        ]:
            done = self.check(*arguments, stdin=stdin)
            self.assertUsage(done, says)
            self.assertNotIn("SECRET", done.err)


class VerdictTests(SynchronousTestCase):
    """
    Tests for what is made of an answer.
    """

    def test_verdicts(self) -> None:
        """
        What is said, and the status, follow from how the login ended.
        """
        for ended, said in [
            ((None, b"alice", None), "accepted"),
            (Failure(UnauthorizedLogin()), "refused"),
            (Failure(AccountDenied(DenialReason.EXPIRED)), "refused: account expired"),
            (Failure(TemporaryFailure()), "temporary failure"),
            (Failure(ZeroDivisionError()), "temporary failure"),
        ]:
            self.assertEqual(_check._outcomeOf(ended), said)

    def test_watchedAsItIs(self) -> None:
        """
        A checker that is watched answers as it would have.
        """

        class Checker:
            """
            A checker.
            """

            credentialInterfaces = ()

            def __init__(self, answer: object) -> None:
                self.answer = answer

            def requestAvatarId(self, credentials: object) -> object:
                """
                Answer.
                """
                return self.answer

        accepting = _check._TimedChecker("x", Checker(succeed(b"alice")))
        self.assertEqual(self.successResultOf(accepting.requestAvatarId(None)), b"alice")
        self.assertEqual(accepting.outcome and accepting.outcome[0], "accepted")
        refusing = _check._TimedChecker("x", Checker(fail(UnauthorizedLogin())))
        self.failureResultOf(refusing.requestAvatarId(None), UnauthorizedLogin)
        waiting: Deferred[bytes] = Deferred()
        late = _check._TimedChecker("x", Checker(waiting))
        self.assertNoResult(late.requestAvatarId(None))
        self.assertIsNone(late.outcome)
