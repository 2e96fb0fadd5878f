"""
Tests for the README: its commands work, and what it says of Twisted and of mycred is so.
"""

from __future__ import annotations

import ftplib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import md5
from pathlib import Path
from threading import Timer, current_thread, main_thread
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import bcrypt

from twisted.conch import checkers as conchcheckers
from twisted.conch.error import ValidPublicKey
from twisted.cred import (
    checkers as twistedcheckers,
    credentials as twistedcredentials,
    error,
    portal as twistedportal,
    strcred as twistedstrcred,
)
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.plugins import cred_unix as twistedunix
from twisted.python import usage
from twisted.python.fakepwd import UserDatabase
from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase, TestCase

import mycred.checkers
import mycred.credentials
import mycred.portal
import mycred.strcred
from benchmarks._readme import FIGURES
from mycred.checkers import sshkeys
from mycred.error import TemporaryFailure, Throttled
from mycred.sasl import MECHANISMS
from mycred.stack import CheckerStack, ProcessState, Throttle

from .kit.certificates import Authority
from .kit.keys import blobOf, ed25519, line
from .kit.slapd import PEOPLE, Slapd, person

ROOT = Path(mycred.__file__).resolve().parents[1]
README = (ROOT / "README.rst").read_text("utf-8")

# How long a program may take before it is ended, in seconds.
PATIENCE = 60

THEIRS = SimpleNamespace(
    checkers=twistedcheckers,
    credentials=twistedcredentials,
    portal=twistedportal,
    strcred=twistedstrcred,
)
OURS = SimpleNamespace(
    checkers=mycred.checkers,
    credentials=mycred.credentials,
    portal=mycred.portal,
    strcred=mycred.strcred,
)

# Programs as they are called on a command line.
PROGRAMS = {
    "mycred": [sys.executable, "-m", "mycred"],
    "twistd": [
        sys.executable,
        "-c",
        "from twisted.scripts.twistd import run; run()",
        "--pidfile=",
    ],
}


def block(after: str, begin: str = "::\n\n") -> list[str]:
    """
    Return the lines of the literal block that follows a text in the README.

    @param begin: what stands right before the block.
    """
    following = README.partition(after)[2].partition(begin)[2]
    lines = re.match(r"(?:    .*\n|\n)*", following)
    assert lines is not None
    return [line[4:] for line in lines[0].splitlines() if line]


def table(heading: str) -> list[list[str]]:
    """
    Return the rows of a table of the README, without its head.

    @param heading: the first words in the head of the table.
    """
    head, rows = re.search(
        rf"^(=[= ]+)\n{re.escape(heading)} .*\n\1\n((?:.+\n)+?)\1$", README, re.MULTILINE
    ).groups()  # type: ignore[union-attr]
    edges = [match.span() for match in re.finditer("=+", head)]
    found: list[list[str]] = []
    for text in rows.splitlines():
        cells = [text[begin:end].strip() for begin, end in edges[:-1]]
        cells.append(text[edges[-1][0] :].strip())
        if text.startswith(" "):
            # The row goes on.
            found[-1] = [f"{old} {new}".strip() for old, new in zip(found[-1], cells)]
        else:
            found.append(cells)
    return found


class StartTests(SynchronousTestCase):
    """
    Tests for the three lines that log a user in.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def arguments(self, line: str) -> list[str]:
        """
        Return a line as the arguments of a process.
        """
        program, *arguments = line.split()
        return [*PROGRAMS[program], *arguments]

    def test_start(self) -> None:
        """
        After C{pip install} (L{tests.test_packaging}) one line sets a password, and one
        starts a server that lets the user in by it.
        """
        install, setPassword, start = block("FTP server with it")
        self.assertEqual(install, "pip install .")
        subprocess.run(
            [*self.arguments(setPassword), "--stdin"],
            input=b"sesame\n",
            check=True,
            cwd=self.folder,
            env=self.environment,
            stderr=subprocess.PIPE,
        )
        server = subprocess.Popen(
            # The port that the README names may be in use.
            [*self.arguments(start), "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=self.environment,
        )
        watchdog = Timer(PATIENCE, server.kill)
        watchdog.start()
        assert server.stdout is not None
        log = ""
        try:
            while not (port := re.search(r"FTPFactory starting on (\d+)", log)):
                line = server.stdout.readline()
                self.assertTrue(line, log)
                log += line
            client = ftplib.FTP()
            client.connect("127.0.0.1", int(port[1]), PATIENCE)
            refused = self.assertRaises(ftplib.error_perm, client.login, "alice", "guess")
            self.assertTrue(str(refused).startswith("530"))
            answer = client.login("alice", "sesame")
            client.close()
        finally:
            server.send_signal(signal.SIGTERM)
            log += server.communicate()[0]
            watchdog.cancel()
            watchdog.join()
        [promised] = re.findall("is answered ``(.*?)``", README)
        self.assertTrue(answer.startswith(promised), answer)
        [line] = block("and the server logs")
        self.assertIn(line.partition(" ms=")[0], log)


class TextTests(SynchronousTestCase):
    """
    Tests for what else the README says.
    """

    def test_comparison(self) -> None:
        """
        Each row of the comparison names a test that there is.
        """
        names = re.findall(r"^   - (tests\.\S+)$", README, re.MULTILINE)
        self.assertEqual(len(names), len(table("What happens with")))
        for name in names:
            self.assertTrue(callable(namedAny(name)), name)

    def test_authTypes(self) -> None:
        """
        The table of auth types has all those of mycred, and no others.
        """
        told = {re.split("[:`]", row[0].strip("`"))[0] for row in table("``--auth=``")}
        factories = mycred.strcred.findCheckerFactories()
        ours = {f.authType for f in factories if type(f).__module__.startswith("mycred.")}
        self.assertEqual(told, ours)

    def test_pages(self) -> None:
        """
        The files and directories that are named exist.
        """
        for name in re.findall(r"``(doc[\w/.-]*|bin/\w+)", README):
            self.assertTrue((ROOT / name).exists(), name)

    def test_portal(self) -> None:
        """
        The example of a portal is one.
        """
        path = self.mktemp()
        Path(path).write_bytes(b"alice:%s\n" % bcrypt.hashpw(b"x", bcrypt.gensalt(4)))
        names: dict[str, Any] = {"realm": object()}
        code = "\n".join(block(".. code-block", "python\n\n"))
        exec(code.replace("/etc/nginx/htpasswd", path), names)
        self.assertIn(
            mycred.credentials.IUsernamePassword,
            names["portal"].listCredentialsInterfaces(),
        )

    def test_check(self) -> None:
        """
        C{mycred check --verbose} prints what the transcript shows, times aside.
        """
        command, _, *promised = block("it shows each step")
        folder = Path(self.mktemp())
        folder.mkdir()
        authority = Authority(folder, "Example CA")
        certificate = authority.certify("ldap.example.org", "localhost")
        server = Slapd(person("Alice"), certificate=certificate)
        self.addCleanup(server.stop)
        arguments = command.removeprefix("$ mycred ").split()
        where = rf"localhost\:{server.port}"
        auth = arguments[2].replace("ldap.example.org", where)
        self.assertIn(PEOPLE, auth)
        arguments[2] = auth.replace("ca.pem", str(authority.file))
        done = subprocess.run(
            [*PROGRAMS["mycred"], *arguments, "--stdin"],
            input="sesame\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        said = done.stdout.replace(f"localhost:{server.port}", "ldap.example.org:389")
        said = said.replace("for localhost", "for ldap.example.org")
        self.assertEqual(timeless(said.splitlines()), timeless(promised))


def timeless(lines: list[str]) -> list[str]:
    """
    Return lines with all times alike.
    """
    return [re.sub(r" *\d+\.\d+ (m?s)\b", r" T \1", line) for line in lines]


class FigureTests(SynchronousTestCase):
    """
    Tests for the figures.
    """

    def test_rows(self) -> None:
        """
        The table has a row for each figure that C{python -m benchmarks --readme} takes.
        """
        rows = table("Measured")
        self.assertEqual([row[0] for row in rows], [f.title for f in FIGURES])
        for row in rows:
            for cell in row[1:]:
                self.assertRegex(cell, r"^[\d,.]+( \w+)?$")

    def test_taken(self) -> None:
        """
        Figures are taken from the lines that benchmarks print, and rounded.
        """
        said = dict.fromkeys((f.benchmark for f in FIGURES), "")
        said["login"] = "         1       4.06 us    2.83 us    1.31 us    1.44     1.3\n"
        said["hashes"] = (
            "(twisted.cred)   50      17.0/s                      2934.5 ms  2940.0 ms\n"
            "bcrypt 10        50      33.6/s      33.9/s  99.1%      3.5 ms      7.2 ms\n"
        )
        taken = [figure.taken(said) for figure in FIGURES[:3]]
        self.assertEqual(
            taken, [("4.1 us", "2.8 us"), ("17", "34"), ("2,934 ms", "3.5 ms")]
        )
        error = self.assertRaises(SystemExit, FIGURES[-1].taken, said)
        self.assertIn(FIGURES[-1].title, str(error))


class ComparisonTestCase(SynchronousTestCase):
    """
    What the tests for the comparison have in common.
    """

    def write(self, content: bytes) -> str:
        """
        Write a file.

        @return: its path.
        """
        path = self.mktemp()
        Path(path).write_bytes(content)
        return path

    def logIn(self, checker: Any, credentials: Any) -> object:
        """
        Return the avatar ID with which a checker answers, or the class of its failure.
        """
        login = maybeDeferred(checker.requestAvatarId, credentials)
        found: list[object] = []
        login.addCallbacks(found.append, lambda failure: found.append(failure.type))
        [outcome] = found
        return outcome

    def compare(self, measure: Callable[[Any], object]) -> tuple[object, object]:
        """
        Do the same with Twisted and with mycred.
        """
        return measure(THEIRS), measure(OURS)


class ComparisonTests(ComparisonTestCase):
    """
    Tests for the comparison with C{twisted.cred}.
    """

    def test_hashInFile(self) -> None:
        """
        With Twisted who knows the hash is let in, and not who knows the password.
        """
        stored = bcrypt.hashpw(b"sesame", bcrypt.gensalt(4))
        path = self.write(b"alice:" + stored + b"\n")

        def presented(cred: Any) -> object:
            checker = cred.checkers.FilePasswordDB(path)
            typed = cred.credentials.UsernamePassword
            return [self.logIn(checker, typed(b"alice", p)) for p in (stored, b"sesame")]

        theirs, ours = self.compare(presented)
        self.assertEqual(theirs, [b"alice", error.UnauthorizedLogin])
        self.assertEqual(ours, [error.UnauthorizedLogin, b"alice"])

    def test_missingStore(self) -> None:
        """
        Twisted says that the password is wrong.
        """
        path = self.mktemp()

        def missing(cred: Any) -> object:
            credentials = cred.credentials.UsernamePassword(b"alice", b"sesame")
            return self.logIn(cred.checkers.FilePasswordDB(path), credentials)

        self.assertEqual(
            self.compare(missing), (error.UnauthorizedLogin, TemporaryFailure)
        )

    def test_unknownUser(self) -> None:
        """
        Twisted hashes nothing for an unknown user.
        """
        path = self.write(b"alice:sesame\n")

        def hashed(cred: Any) -> object:
            calls: list[bytes] = []

            def ownHash(user: bytes, sent: bytes, stored: bytes) -> bytes:
                calls.append(user)
                return sent

            checker = cred.checkers.FilePasswordDB(path, hash=ownHash)
            for name in (b"alice", b"eve"):
                self.logIn(checker, cred.credentials.UsernamePassword(name, b"wrong"))
            return len(calls)

        self.assertEqual(self.compare(hashed), (1, 2))

    def options(self, cred: Any) -> Any:
        """
        Make the options of a program.
        """

        class Options(usage.Options, cred.strcred.AuthOptionMixin):  # type: ignore[name-defined,misc]
            pass

        return Options()

    def test_severalAuth(self) -> None:
        """
        Twisted asks the last of several C{--auth} only.
        """
        first, last = self.write(b"alice:sesame\n"), self.write(b"bob:sesame\n")

        def letIn(cred: Any) -> object:
            options = self.options(cred)
            options.parseOptions([f"--auth=file:{first}", f"--auth=file:{last}"])
            portal = cred.portal.Portal(Realm(), options["credCheckers"])
            found: list[object] = []
            for name in (b"alice", b"bob"):
                typed = cred.credentials.UsernamePassword(name, b"sesame")
                login = portal.login(typed, None, None)
                login.addCallbacks(lambda triple: found.append(triple[1]), lambda _: None)
            return found

        self.assertEqual(self.compare(letIn), ([b"bob"], [b"alice", b"bob"]))

    def test_textName(self) -> None:
        """
        Twisted refuses names that are text, as FTP and IRC hand them over.
        """
        path = self.write(b"alice:sesame\n")

        def text(cred: Any) -> object:
            credentials = cred.credentials.UsernamePassword("alice", "sesame")
            return self.logIn(cred.checkers.FilePasswordDB(path), credentials)

        self.assertEqual(self.compare(text), (error.UnauthorizedLogin, "alice"))

    def test_wrongOption(self) -> None:
        """
        Twisted reports an unexpected error.
        """

        def told(cred: Any) -> object:
            options = self.options(cred)
            wrong = ["--auth=memory:alice"]
            return str(self.assertRaises(usage.UsageError, options.parseOptions, wrong))

        theirs, ours = self.compare(told)
        self.assertIn("Unexpected error", str(theirs))
        self.assertIn("name:password", str(ours))

    def test_log(self) -> None:
        """
        Twisted logs nothing of a login.
        """
        path = self.write(b"alice:sesame\n")

        def logged(cred: Any) -> object:
            checker = cred.checkers.FilePasswordDB(path)
            portal = cred.portal.Portal(Realm(), [checker])
            events: list[Any] = []
            globalLogPublisher.addObserver(events.append)
            try:
                typed = cred.credentials.UsernamePassword(b"alice", b"guess")
                self.failureResultOf(portal.login(typed, None, None))
            finally:
                globalLogPublisher.removeObserver(events.append)
            return [event["log_format"].format(**event) for event in events]

        theirs, ours = self.compare(logged)
        self.assertEqual(theirs, [])
        [line] = ours  # type: ignore[misc]
        self.assertRegex(line, '^Login refused: user="alice" why="wrong password".* ms=')

    def test_cramMD5(self) -> None:
        """
        Twisted's challenges follow from the state of its random numbers and the time.
        """
        self.patch(twistedcredentials.time, "time", lambda: 1_700_000_000.0)
        state = random.getstate()
        self.addCleanup(random.setstate, state)

        def challenge(cred: Any) -> object:
            random.seed(1)
            return cred.credentials.CramMD5Credentials(b"localhost").getChallenge()

        theirs, ours = self.compare(challenge)
        theirAgain, ourAgain = self.compare(challenge)
        self.assertEqual(theirs, theirAgain)
        self.assertNotEqual(ours, ourAgain)

    def test_digestReplay(self) -> None:
        """
        Twisted takes an answer of HTTP Digest as often as it is sent.
        """

        def hashed(*parts: bytes) -> bytes:
            return md5(b":".join(parts)).hexdigest().encode()

        def twice(cred: Any) -> object:
            factory = cred.credentials.DigestCredentialFactory(b"md5", b"here")
            challenge = factory.getChallenge(b"192.0.2.7")
            response = hashed(
                hashed(b"alice", b"here", b"sesame"),
                challenge["nonce"],
                b"00000001",
                b"cnonce",
                b"auth",
                hashed(b"GET", b"/"),
            )
            header = (
                b'username="alice", realm="here", nonce="%s", uri="/", qop=auth, '
                b'nc=00000001, cnonce="cnonce", response="%s", opaque="%s"'
            ) % (challenge["nonce"], response, challenge["opaque"])
            answers = []
            for _ in range(2):
                try:
                    answer = factory.decode(header, b"GET", b"192.0.2.7")
                    answers.append(answer.checkPassword(b"sesame"))
                except error.LoginFailed:
                    answers.append(False)
            return answers

        self.assertEqual(self.compare(twice), ([True, True], [True, False]))

    def test_shadow(self) -> None:
        """
        Twisted needs the modules C{crypt} and C{spwd}, which Python 3.13 doesn't have.
        """
        # openssl passwd -6 -salt saltsalt password
        hashed = (
            "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/"
            "jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/"
        )
        passwd = self.write(b"alice:x:1000:1000::/:/bin/sh\n")
        shadow = self.write(f"alice:{hashed}:19000:0:99999:7:::\n".encode())
        users = UserDatabase()
        users.addUser("alice", "x", 1000, 1000, "", "/", "/bin/sh")
        gone = {"crypt": None, "spwd": None}
        with patch.dict(sys.modules, {**gone, "pwd": users}):
            typed = twistedcredentials.UsernamePassword("alice", "password")
            answer = self.logIn(twistedunix.UNIXChecker(), typed)
        self.assertEqual(answer, error.UnauthorizedLogin)
        with patch.dict(sys.modules, gone):
            ours = mycred.checkers.PasswdChecker(passwd, shadow)
            credentials = mycred.credentials.UsernamePassword(b"alice", b"password")
            self.assertEqual(self.logIn(ours, credentials), b"alice")

    def test_authTypes(self) -> None:
        """
        Twisted has no such types of its own.
        """
        types: dict[str, set[str]] = {"twisted": set(), "mycred": set()}
        for factory in mycred.strcred.findCheckerFactories():
            owner = type(factory).__module__.partition(".")[0]
            types.setdefault(owner, set()).add(factory.authType)
        added = {"htpasswd", "ldap", "pam"}
        self.assertLessEqual(added, types["mycred"])
        self.assertFalse(added & types["twisted"])

    def test_mechanisms(self) -> None:
        """
        Twisted has no such credentials; here mechanisms make them, and checkers take
        them.
        """
        made = {mechanism.interface for mechanism in MECHANISMS.values()}
        checker = OURS.checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"sesame")
        taken = set(checker.credentialInterfaces)
        for factory in mycred.strcred.findCheckerFactories():
            taken.update(factory.credentialInterfaces)
        for name in ("IScramCredentials", "ICertificateCredentials", "IBearerToken"):
            self.assertFalse(hasattr(THEIRS.credentials, name))
            interface = getattr(OURS.credentials, name)
            self.assertIn(interface, made)
            self.assertIn(interface, taken)

    def test_guesses(self) -> None:
        """
        Twisted verifies each of a hundred guesses; in a stack all but the first few have
        to wait.
        """

        def verified(cred: Any) -> object:
            checker = cred.checkers.InMemoryUsernamePasswordDatabaseDontUse(alice=b"x")
            if cred is OURS:
                checker = CheckerStack([checker], throttle=Throttle(ProcessState()))
            typed = cred.credentials.UsernamePassword
            answers = []
            for number in range(100):
                guess = typed(b"alice", b"%d" % number)
                guess.peer = "192.0.2.1"
                answers.append(self.logIn(checker, guess))
            return answers.count(error.UnauthorizedLogin), answers.count(Throttled)

        self.assertEqual(self.compare(verified), ((100, 0), (6, 94)))


class Realm:
    """
    A realm whose avatars are their own IDs.
    """

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: object) -> Any:
        """
        Return the avatar ID as the avatar.
        """
        return interfaces[0], avatarId, lambda: None


class ReactorTests(TestCase):
    """
    Tests for the part of the comparison that takes a reactor that runs.
    """

    @inlineCallbacks
    def test_hashing(self) -> Any:
        """
        Twisted hashes in the reactor's thread; mycred in another.
        """
        path = self.mktemp()
        Path(path).write_bytes(b"alice:sesame\n")
        threads = []

        def ownHash(user: bytes, sent: bytes, stored: bytes) -> bytes:
            threads.append(current_thread())
            return sent

        checkPassword = bcrypt.checkpw

        def noted(password: bytes, stored: bytes) -> bool:
            threads.append(current_thread())
            return checkPassword(password, stored)

        yield deferLater(reactor, 0)
        theirs = twistedcheckers.FilePasswordDB(path, hash=ownHash)
        yield theirs.requestAvatarId(
            twistedcredentials.UsernamePassword(b"alice", b"sesame")
        )
        Path(path).write_bytes(
            b"alice:%s\n" % bcrypt.hashpw(b"sesame", bcrypt.gensalt(4))
        )
        self.patch(bcrypt, "checkpw", noted)
        ours = mycred.checkers.HtpasswdChecker(path)
        yield ours.requestAvatarId(
            mycred.credentials.UsernamePassword(b"alice", b"sesame")
        )
        self.assertEqual([t is main_thread() for t in threads], [True, False])


class SSHComparisonTests(ComparisonTestCase):
    """
    Tests for the comparison with conch's checkers of SSH keys.
    """

    def signed(self, key: Any) -> Any:
        """
        Return credentials that prove the possession of a key.
        """
        return mycred.credentials.SSHPrivateKey(
            b"alice", b"ssh-ed25519", blobOf(key), b"data", key.sign(b"data")
        )

    def test_offeredKey(self) -> None:
        """
        Conch says that any key would do.
        """
        offer = mycred.credentials.SSHPrivateKey(
            b"alice", b"ssh-ed25519", blobOf(ed25519()), None, None
        )
        nobodys = {b"alice": [ed25519().public()]}
        theirs = conchcheckers.SSHPublicKeyChecker(
            conchcheckers.InMemorySSHKeyDB(nobodys)
        )
        ours = sshkeys.SSHPublicKeyChecker(sshkeys.InMemorySSHKeyDB(nobodys))
        self.assertEqual(self.logIn(theirs, offer), ValidPublicKey)
        self.assertEqual(self.logIn(ours, offer), error.UnauthorizedLogin)

    def test_keyOptions(self) -> None:
        """
        Conch leaves out a line with options.
        """
        home = Path(tempfile.mkdtemp(prefix=".mycred-", dir=Path.home()))
        self.addCleanup(shutil.rmtree, home)
        (home / ".ssh").mkdir(mode=0o700)
        valid, expired = ed25519(), ed25519()
        lines = [
            b'expiry-time="20990101" ' + line(valid),
            b'expiry-time="20200101" ' + line(expired),
        ]
        (home / ".ssh" / "authorized_keys").write_bytes(b"\n".join(lines) + b"\n")
        users = UserDatabase()
        users.addUser("alice", "x", os.geteuid(), os.getegid(), "", str(home), "/bin/sh")

        def letIn(module: Any) -> list[object]:
            checker = module.SSHPublicKeyChecker(module.UNIXAuthorizedKeysFiles(users))
            return [self.logIn(checker, self.signed(key)) for key in (valid, expired)]

        refused = error.UnauthorizedLogin
        self.assertEqual(letIn(conchcheckers), [refused, refused])
        self.flushLoggedErrors()
        self.assertEqual(letIn(sshkeys), [b"alice", refused])
