"""
Tests for L{mycred._stackfile}, L{mycred.plugins.cred_stack} and L{mycred._programs}: a
stack that a file describes, alone and in Twisted's own servers.
"""

from __future__ import annotations

import os
import re
import shutil
import smtplib
import socket
import subprocess
import tempfile
from ftplib import FTP, error_perm
from pathlib import Path
from typing import Any

from zope.interface.verify import verifyObject

import bcrypt
from hypothesis import given, settings, strategies as st

from twisted.plugin import IPlugin
from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from mycred._stackfile import _CheckerOptions
from mycred.checkers import HtpasswdChecker
from mycred.credentials import IUsernamePassword, UsernamePassword
from mycred.error import UnauthorizedLogin
from mycred.plugins.cred_stack import theStackCheckerFactory
from mycred.stack import CheckerStack, readStack, stackSections
from mycred.strcred import ICheckerFactory, InvalidAuthArgumentString, makeChecker

from ..kit.examples import ROOT
from ..kit.openssh import USER, client, keygen, needSSH
from ..kit.running import Running
from ..kit.server import PATIENCE

HASHED = bcrypt.hashpw(b"sesame", bcrypt.gensalt(4)).decode("ascii")

# What stands in each test's file.
CHECKERS = ["[stack]", "checkers =", "    htpasswd:{home}/users"]


class StackFileTestCase(SynchronousTestCase):
    """
    Base of the tests below.

    @ivar home: a directory with a file of users, C{users}.
    """

    def setUp(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.home)
        (self.home / "users").write_text(f"alice:{HASHED}\n")
        self.path = self.home / "login.ini"

    def write(self, *lines: str) -> Path:
        """
        Write a file of these lines, in which C{{home}} stands for the directory.
        """
        text = "\n".join(lines).replace("{home}", str(self.home))
        self.path.write_text(f"{text}\n")
        self.path.chmod(0o600)
        return self.path

    def read(self, *lines: str) -> CheckerStack:
        """
        Return the stack that a file of these lines describes.
        """
        stack = readStack(self.write(*lines))
        self.addCleanup(stack.close)
        return stack

    def mistakes(self, *lines: str) -> list[str]:
        """
        Return what is wrong with a file of these lines.
        """
        with self.assertRaises(InvalidAuthArgumentString) as raised:
            self.read(*lines)
        told = []
        for line in str(raised.exception).split("\n"):
            where, _, mistake = line.partition(": ")
            self.assertEqual(where, str(self.path))
            told.append(mistake.replace(str(self.home), "{home}"))
        return told


class ReadStackTests(StackFileTestCase):
    """
    Tests for L{readStack}.
    """

    def test_checkers(self) -> None:
        """
        The checkers are asked in the order of their lines; what a section would bring
        that isn't there isn't there.
        """
        stack = self.read(
            *CHECKERS, "    # another file, too", "", "    memory:bob:tulip"
        )
        self.assertIsInstance(stack.checkers[0], HtpasswdChecker)
        self.assertEqual(len(stack.checkers), 2)
        for part in (stack.throttle, stack.cache, stack.audit, stack.metrics):
            self.assertIsNone(part)
        bob = stack.requestAvatarId(UsernamePassword(b"bob", b"tulip"))
        self.assertEqual(self.successResultOf(bob), b"bob")
        eve = stack.requestAvatarId(UsernamePassword(b"eve", b"tulip"))
        self.failureResultOf(eve, UnauthorizedLogin)

    def test_oneLine(self) -> None:
        """
        A single checker may stand in the line of its key, and has the characters in it
        that it would have on a command line.
        """
        shutil.copy(self.home / "users", self.home / "us:ers #1")
        stack = self.read("[stack]", r"checkers = htpasswd:{home}/us\:ers #1:weak=no")
        self.assertEqual(stack.opensLater, (f"{self.home}/us:ers #1",))

    def test_forms(self) -> None:
        """
        The path of the file may be text, bytes or a path object, and be relative.
        """
        path = self.write(*CHECKERS)
        for form in (str(path), os.fsencode(path), path, os.path.relpath(path)):
            self.assertEqual(len(readStack(form).checkers), 1)

    def test_parts(self) -> None:
        """
        Each section is a part of the stack.
        """
        stack = self.read(*CHECKERS, "[audit]", "file = {home}/logins", "format = json")
        self.assertEqual(stack.writesLater, (f"{self.home}/logins",))

    def test_state(self) -> None:
        """
        The throttle counts in the state that the file names; one that is a file is found
        when the program has changed its directory.
        """
        home = os.path.relpath(self.home)
        lines = [*CHECKERS, f"state = sqlite:///{home}/state", "[throttle]"]
        stack = self.read(*lines)
        self.assertEqual(stack.databasesLater, (f"{self.home}/state",))
        self.assertEqual(self.read(*CHECKERS, "[throttle]").databasesLater, ())

    def test_mistakes(self) -> None:
        """
        Each mistake is told, and what would be right.
        """
        for lines, *told in (
            ([], "line 1: write a section [stack]"),
            (["[stack]"], "line 1: [stack] checkers must be given"),
            (["[stack]", "checkers ="], "line 2: [stack] checkers: a value is missing"),
            (
                ["", "[stak]"],
                "line 1: write a section",
                "line 2: [stak] is unknown, did you mean [stack]?",
            ),
            (
                ["[1 2]"],
                "line 1: a section is unknown; there are [stack]",
                "line 1: write a section",
            ),
            (
                ["[DEFAULT]", "x = y", *CHECKERS],
                "line 1: [DEFAULT] is unknown; there are [stack]",
            ),
            (
                [*CHECKERS, "[audit]", "fil = /x"],
                "line 5: [audit] there is no fil=, did you mean file=?",
            ),
            (
                [*CHECKERS, "[audit]", "file = {home}/missing/file"],
                "line 5: [audit] file: {home}/missing/file can't be written",
            ),
            (
                [*CHECKERS, "[audit]", "file = '{home}/logins'"],
                "line 5: [audit] file: nothing is quoted in a file",
            ),
            (
                [*CHECKERS, "[cache]", "source = yes"],
                "line 4: [cache] seconds must be given",
            ),
            (
                [*CHECKERS, "[stack]", "what", " more", "checkers = memory:a:b"],
                "line 4: a section is there twice, first in line 1",
                "line 5: write KEY = VALUE",
                "line 7: a key is there twice, first in line 2",
            ),
            (
                ["checkers = memory:a:b"],
                "line 1: write a line with a [section] above it",
                "line 1: write a section",
            ),
            (
                ["[stack]", "checkers = memory:a:b", "file:{home}/x=y"],
                "line 3: [stack] where a value goes on, begin the line with a space",
            ),
            (
                [*CHECKERS[:2], "    htpasswd:{home}/missing"],
                "line 3: htpasswd: file: {home}/missing can't be read",
            ),
            (
                ["[stack]", "# checkers = htpaswd", "checkers = htpaswd:{home}/users"],
                "line 3: htpaswd: there is no such auth type, did you mean htpasswd?",
            ),
            (["[stack]", "checkers = memory"], "line 2: memory: no user is in it"),
            ([*CHECKERS, CHECKERS[-1]], "line 4: htpasswd: it is there twice"),
            (
                [*CHECKERS, "  state = redis://example.org"],
                "line 4: a line that begins with a space goes on with checkers=;",
            ),
            ([*CHECKERS, "    stack:{home}/x"], "line 4: a stack can't stand in a stack"),
        ):
            found = self.mistakes(*lines)
            self.assertEqual(len(found), len(told), found)
            for mistake, beginning in zip(found, told):
                self.assertEqual(mistake[: len(beginning)], beginning)

    def test_useless(self) -> None:
        """
        What could have no effect is a mistake.
        """
        keys = ["[stack]", "checkers = sshkey"]
        for lines, *told in (
            ([*CHECKERS, "[audit]"], "line 4: [audit] write file= or syslog="),
            (
                [*CHECKERS, "[audit]", "syslog = auth", "format = json"],
                "line 6: [audit] format: there is no file= of this format",
            ),
            (
                [*CHECKERS, "state = sqlite:///x", "state-passwordfile = {home}/users"],
                "line 4: [stack] state: without [throttle] nothing is counted",
                "line 5: [stack] state-passwordfile: without [throttle]",
            ),
            (
                [*CHECKERS, "state-passwordfile = {home}/users", "[throttle]"],
                "line 4: [stack] state-passwordfile: there is no state",
            ),
            (
                [*CHECKERS, "[throttle]", "pair = 1", "", "[metrics]", "listen = tcp:"],
                "line 8: [metrics] listen: ",
            ),
            (
                [*keys, "[throttle]", "[cache]", "seconds = 9"],
                "line 3: [throttle] none of the checkers checks passwords",
                "line 4: [cache] none of the checkers checks passwords",
            ),
        ):
            found = self.mistakes(*lines)
            self.assertEqual(len(found), len(told), found)
            for mistake, beginning in zip(found, told):
                self.assertEqual(mistake[: len(beginning)], beginning)

    def test_allAtOnce(self) -> None:
        """
        All mistakes are told at once, each in a line, and nothing of a password.
        """
        found = self.mistakes(
            *CHECKERS,
            "    memory:bob",
            "    htpasswd:sesame:weak=sesame",
            "    sesame",
            "[audit]",
            "format = sesame",
            "syslog = sesame",
            "pass sesame = sesame",
            "[sesame] ",
        )
        self.assertEqual(
            [re.match(r"line \d+: (\[\w+\]|\w+)", mistake)[0] for mistake in found],
            [
                *("line 4: memory", "line 5: htpasswd", "line 6: sesame"),
                *("line 8: [audit]", "line 9: [audit]", "line 10: [audit]"),
                "line 11: [sesame]",
            ],
        )
        self.assertNotIn("=sesame", "\n".join(found))

    def test_noFile(self) -> None:
        """
        A file that others can write is refused, and one that is none, or no text.
        """
        os.mkfifo(self.home / "pipe")
        wrong = {
            "everybody": self.write(*CHECKERS),
            "large": self.home / "large",
            "UTF-8": self.home / "latin",
            "not a regular file": self.home / "pipe",
            "directory": self.home,
            "No such file": self.home / "missing",
        }
        wrong["everybody"].chmod(0o602)
        wrong["large"].write_bytes(b"#" * 2**17)
        wrong["UTF-8"].write_bytes(b"[stack]\n\xff")
        for word, path in wrong.items():
            with self.assertRaises(InvalidAuthArgumentString) as raised:
                readStack(path)
            self.assertRegex(str(raised.exception), f"^{path}: .*{word}")

    def test_written(self) -> None:
        """
        Other programs' ends of lines, their mark at the beginning, and capitals in keys
        are no mistakes; percent signs and hashes stand for themselves.
        """
        odd = self.home / "100%(x)s %"
        shutil.copy(self.home / "users", odd)
        text = f"\ufeff[stack] ; a stack\r\nCheckers =\r\n\thtpasswd:{odd}\r\n"
        self.path.write_bytes(text.encode())
        self.path.chmod(0o600)
        self.assertEqual(readStack(self.path).opensLater, (str(odd),))

    @settings(max_examples=200)
    @given(
        st.lists(
            st.sampled_from(
                (
                    *("[stack]", "[audit]", "[", "checkers =", " memory:a:b"),
                    *(" anonymous", "file = /x", "=", "\0", " :", "%(x)s", "x"),
                )
            )
            | st.text(max_size=8)
        )
    )
    def test_hostile(self, lines: list[str]) -> None:
        """
        Whatever is in the file, it is a stack, or it is refused in one way.
        """
        text = "\n".join(lines).encode("utf-8", "surrogatepass")
        self.path.write_bytes(text)
        self.path.chmod(0o600)
        try:
            readStack(self.path).close()
        except InvalidAuthArgumentString as error:
            self.assertIn(str(self.path), str(error))


class PluginTests(StackFileTestCase):
    """
    Tests for the plugin.
    """

    def test_interface(self) -> None:
        """
        It is a plugin, which makes what the file describes.
        """
        for interface in (ICheckerFactory, IPlugin):
            verifyObject(interface, theStackCheckerFactory)
        checker: Any = makeChecker(f"stack:{self.write(*CHECKERS)}")
        self.assertEqual(checker.opensLater, (f"{self.home}/users",))
        self.assertIn(IUsernamePassword, theStackCheckerFactory.credentialInterfaces)

    def test_wrong(self) -> None:
        """
        What follows the auth type is the path of a file.
        """
        for wrong in ("", f"{self.home}/missing", f"{self.path}:x=y"):
            self.assertRaises(InvalidAuthArgumentString, makeChecker, f"stack:{wrong}")

    def test_example(self) -> None:
        """
        The example in the help is a stack, on a machine that has what it names.
        """
        lines = theStackCheckerFactory.authHelp.partition("of these lines:\n")[2]
        (self.home / "ldap.ini").write_text("[ldap]\nhost = a\nbase = dc=example\n")
        for place in ("/etc/myapp", "/var/log/myapp"):
            self.assertIn(place, lines)
            lines = lines.replace(place, str(self.home))
        stack = self.read(lines)
        self.assertEqual(len(stack.checkers), 2)
        self.assertEqual(stack.writesLater, (f"{self.home}/logins.json",))

    def test_told(self) -> None:
        """
        On a command line the file is named, and not how the argument is written.
        """
        path = self.write(*CHECKERS, "[audit]")
        with self.assertRaises(usage.UsageError) as raised:
            _CheckerOptions().opt_auth(f"stack:{path}")
        self.assertEqual(
            str(raised.exception),
            f"--auth=stack: {path}: line 4: [audit] write file= or syslog=, or both",
        )

    def test_help(self) -> None:
        """
        Help and the documentation have each option of each section, with its sentence,
        which says what number counts if there is none.
        """
        words = " ".join(theStackCheckerFactory.authHelp.split())
        page = (ROOT / "doc" / "stack.rst").read_text("utf-8")
        for name, table in stackSections.items():
            self.assertIn(f"[{name}]", words)
            section = re.split(
                r"\n``\[\w+\]``\n~~~", page.partition(f"\n``[{name}]``")[2]
            )
            rows = re.findall(r"^``([a-z-]+=.*)``\n    (.+)$", section[0], re.MULTILINE)
            told = {term: sentence.replace("``", "") for term, sentence in rows}
            self.assertEqual(told, {str(option): option.help for option in table})
            for option in table:
                self.assertIn(" ".join(f"{option} {option.help}".split()), words)
                self.assertRegex(option.help, r"^[A-Z].*[^.]\.$")
                if type(option.default) is int:
                    self.assertIn(f"{option.default:,} if not given", option.help)


class TwistdTests(StackFileTestCase):
    """
    Tests with Twisted's own servers, which know nothing of a stack.
    """

    def setUp(self) -> None:
        super().setUp()
        self.write(
            *CHECKERS, "    memory:bob:tulip", "[audit]", "file = {home}/logins.log"
        )
        self.auth = f"--auth=stack:{self.path}"

    def start(self, factory: str, *arguments: str) -> int:
        """
        Start a server.

        @return: its port.
        """
        server = Running(factory, *arguments, self.auth)
        self.addCleanup(server.stop)
        return server.port

    def assertAudited(self, *endings: tuple[str, str, str]) -> None:
        """
        Insist on what the audit log has: the verdict, the name, and the checker.
        """
        text = (self.home / "logins.log").read_text()
        line = r'Login (\w+): user="(\w+)".* by=(\w+)'
        self.assertEqual(re.findall(line, text), list(endings))
        self.assertEqual(text.count("\n"), len(endings))
        self.assertEqual(text.count("peer=127.0.0.1\n"), len(endings))

    def test_ftp(self) -> None:
        """
        C{twistd ftp}.
        """
        port = self.start("FTPFactory", "ftp", f"--root={self.home}", "--port=0")
        for name, password in (("alice", "sesame"), ("bob", "tulip"), ("bob", "x")):
            with FTP(timeout=PATIENCE) as ftp:
                ftp.connect("127.0.0.1", port)
                if password == "x":
                    self.assertRaises(error_perm, ftp.login, name, password)
                else:
                    ftp.login(name, password)
        self.assertAudited(
            ("accepted", "alice", "htpasswd"),
            ("accepted", "bob", "memory"),
            ("refused", "bob", "memory"),
        )

    def test_words(self) -> None:
        """
        C{twistd words}.
        """
        port = self.start("IRCFactory", "words", "--irc-port=tcp:0:interface=127.0.0.1")
        for password, answer in ((b"sesame", b" 375 "), (b"x", b"Login failed")):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as wire:
                wire.sendall(b"PASS %b\r\nNICK alice\r\nUSER alice 0 * :A\r\n" % password)
                said = wire.makefile("rb")
                self.assertTrue(any(answer in line for line in said))
        self.assertAudited(
            ("accepted", "alice", "htpasswd"), ("refused", "alice", "memory")
        )

    def test_mail(self) -> None:
        """
        C{twistd mail}, which asks for a login of SMTP.
        """
        where = "--smtp=tcp:0:interface=127.0.0.1"
        relay = f"--relay={self.home / 'queue'}"
        (self.home / "queue").mkdir()
        port = self.start(
            *("ESMTPFactory", "mail", "--esmtp", "--hostname=localhost", "--no-pop3"),
            *(relay, where),
        )
        for password in ("tulip", "x"):
            with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as smtp:
                if password == "x":
                    wrong = smtplib.SMTPAuthenticationError
                    self.assertRaises(wrong, smtp.login, "bob", password)
                else:
                    smtp.login("bob", password)
        self.assertAudited(("accepted", "bob", "memory"), ("refused", "bob", "memory"))

    def test_conch(self) -> None:
        """
        C{twistd conch}: keys pass a stack, too.
        """
        needSSH()
        host, key = (keygen(self.home / name) for name in ("ssh_host_key", "key"))
        self.write(
            *("[stack]", "checkers =", f"    sshkey:file={key}.pub:strict=no"),
            *("[audit]", "file = {home}/logins.log"),
        )
        where = "--port=tcp:0:interface=127.0.0.1"
        port = self.start("OpenSSHFactory", "conch", f"--data={host.parent}", where)
        for known in (key, keygen(self.home / "other")):
            login = [*client, f"-p{port}", "-i", str(known), f"{USER}@127.0.0.1", "true"]
            subprocess.run(login, capture_output=True, timeout=PATIENCE)
        self.assertAudited(("accepted", USER, "sshkey"), ("refused", USER, "sshkey"))
