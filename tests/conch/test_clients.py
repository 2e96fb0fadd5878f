"""
Tests for L{mycred.conch} with clients that other people have written.
"""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Any

from zope.interface import implementer

from twisted.conch.interfaces import ISession
from twisted.internet import defer, protocol
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import ITransport
from twisted.python import components
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.checkers.sshkeys import SSHPublicKeyChecker, UNIXAuthorizedKeysFiles
from mycred.conch import SSHUserAuthServer

from ..kit.keys import line, nearRSA
from ..kit.openssh import USER, ConchServer, User, certify, keygen, needSSH
from ..kit.sshprograms import (
    AsyncSSH,
    Dropbear,
    Login,
    OpenSSH,
    Outcome,
    Paramiko,
    Plink,
    Program,
)

#: More than any of the clients has room for, but for PuTTY's.
MUCH = bytes(range(251)) * 20_000

KINDS = {
    "ed25519": ("-ted25519",),
    "ecdsa256": ("-tecdsa", "-b256"),
    "ecdsa384": ("-tecdsa", "-b384"),
    "ecdsa521": ("-tecdsa", "-b521"),
    "rsa": ("-trsa", "-b2048"),
}


class QuickUser(User):
    """
    Somebody whose commands end at once.
    """

    def __init__(self, avatarId: Any) -> None:
        super().__init__(avatarId)
        self.subsystemLookup = {b"much": Much}


class Much(protocol.Protocol):
    """
    A subsystem that writes more than anybody takes at a time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def connectionMade(self) -> None:
        """
        Write it, and leave.
        """
        self.transport.write(MUCH)
        self.transport.loseConnection()


@implementer(ISession, ITransport)
class QuickSession:
    """
    What runs such a command.
    """

    def __init__(self, avatar: Any) -> None:
        pass

    def getPty(self, term: bytes, windowSize: Any, modes: Any) -> None:
        """
        Have a terminal.
        """

    def execCommand(self, proto: Any, command: bytes) -> None:
        """
        Write what the command says, and end: C{out TEXT STATUS}, C{err TEXT STATUS} or
        C{much}.
        """
        proto.makeConnection(self)
        words = command.split()
        kind, text, status = (*words, *(b"", b"0")[len(words) - 1 :])
        if kind == b"err":
            proto.errReceived(text)
        elif kind == b"much":
            proto.outReceived(MUCH)
            proto.errReceived(MUCH)
        else:
            proto.outReceived(text)
        proto.outConnectionLost()
        proto.errConnectionLost()
        code = int(status)
        reason: Any = ProcessTerminated(code) if code else ProcessDone(0)
        proto.processEnded(Failure(reason))

    def openShell(self, proto: Any) -> None:
        """
        Greet, and end.
        """
        self.execCommand(proto, b"out shell 4")

    def write(self, data: bytes) -> None:
        """
        Take what the client sends.
        """

    def windowChanged(self, newWindowSize: Any) -> None:
        """
        It is all the same.
        """

    def eofReceived(self) -> None:
        """
        It is all the same.
        """

    closed = loseConnection = eofReceived


components.registerAdapter(QuickSession, QuickUser, ISession)


class ProgramTests:
    """
    What each client must be able to do.
    """

    timeout = 300

    program: type[Program]

    def setUp(self: Any) -> None:
        needSSH()
        home = pwd.getpwuid(os.geteuid()).pw_dir
        self.folder = Path(tempfile.mkdtemp(prefix=".mycred-", dir=home))
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = self.folder / "keys"
        self.client = self.program(self.folder)
        # Nobody is to be slowed down here.
        self.patch(SSHUserAuthServer, "passwordDelay", 0)
        self.patch(SSHUserAuthServer, "attemptsBeforeDisconnect", 3)

    def serve(
        self: Any,
        *names: str,
        hostKey: str = "ed25519",
        password: bytes | None = None,
        user: type[User] = User,
    ) -> None:
        """
        Start a server.

        @param names: the keys of which it knows.
        @param hostKey: the type of its host key.
        @param password: a password that it knows; if L{None}, it is for keys only.
        """
        lines = [(self.key(name).with_suffix(".pub")).read_text() for name in names]
        self.file.write_text("".join(lines))
        if password is None:
            checker: Any = SSHPublicKeyChecker(
                UNIXAuthorizedKeysFiles(files=[str(self.file)])
            )
        else:
            known = {USER: password}
            checker = InMemoryUsernamePasswordDatabaseDontUse(**known)
        path = keygen(self.folder / f"host_{hostKey}", *KINDS[hostKey])
        self.hostKey = path.with_suffix(".pub").read_text()
        server = ConchServer(self.folder, checker, hostKey=path, user=user)
        self.addCleanup(server.stop)
        self.port = server.port

    def key(self: Any, name: str) -> Path:
        """
        Make a key.
        """
        return keygen(self.folder / name, *KINDS.get(name, KINDS["ed25519"]))

    def login(self: Any, text: bytes = b"", **fields: Any) -> Any:
        """
        Log in.
        """
        fields.setdefault("hostKey", self.hostKey)
        if "password" not in fields:
            fields.setdefault("key", self.key("ed25519"))
        return self.client.run(Login(self.port, **fields), text)

    def assertRefused(self: Any, done: Outcome) -> None:
        """
        Insist that nobody was let in.
        """
        self.assertEqual(done.out, b"")
        if self.client.tellsRefusal:
            self.assertNotEqual(done.status, 0)

    @defer.inlineCallbacks
    def test_keys(self: Any) -> Any:
        """
        Keys of each type let in, and the client ends as the command does; another key
        doesn't.
        """
        self.serve(*KINDS)
        for name in KINDS:
            command = "echo in; echo to stderr >&2; exit 3"
            done = yield self.login(key=self.key(name), command=command)
            self.assertEqual((done.out, done.status), (b"in\n", 3), (name, done.err))
            self.assertIn(b"to stderr", done.err)
        done = yield self.login(key=self.key("another"))
        self.assertRefused(done)

    @defer.inlineCallbacks
    def test_zeros(self: Any) -> Any:
        """
        So does an RSA key whose signatures begin with a zero, which PuTTY leaves out.
        """
        path = self.folder / "near"
        private = nearRSA()
        path.write_bytes(private.toString("openssh"))
        path.chmod(0o600)
        path.with_suffix(".pub").write_bytes(line(private))
        self.serve("near")
        done = yield self.login(key=path)
        self.assertEqual((done.out, done.status), (b"in\n", 0), done.err)

    @defer.inlineCallbacks
    def test_passwords(self: Any) -> Any:
        """
        The right password lets in, whatever is in it; others don't.
        """
        right = "s\xe9same \u2713 'x\" $HOME"
        self.serve(password=right.encode())
        done = yield self.login(password=right)
        self.assertEqual((done.out, done.status), (b"in\n", 0), done.err)
        for wrong in ("sesame", right + "x", right[:-1]):
            done = yield self.login(password=wrong)
            self.assertRefused(done)

    @defer.inlineCallbacks
    def test_hostKeys(self: Any) -> Any:
        """
        The server is known by host keys of each type, and not by another's.
        """
        others = keygen(self.folder / "others").with_suffix(".pub").read_text()
        for name in KINDS:
            self.serve("ed25519", hostKey=name)
            done = yield self.login()
            self.assertEqual((done.out, done.status), (b"in\n", 0), (name, done.err))
            if self.client.knowsServers:
                done = yield self.login(hostKey=others)
                self.assertRefused(done)

    @defer.inlineCallbacks
    def test_atOnce(self: Any) -> Any:
        """
        What ends at once is run: with output, errors or nothing, in a terminal or none,
        and it is known how it has ended.
        """
        self.serve("ed25519", user=QuickUser)
        for command, out, err, status in (
            ("out list", b"list", b"", 0),
            ("out no-such-command 127", b"no-such-command", b"", 127),
            ("err failed 1", b"", b"failed", 1),
            ("out", b"", b"", 0),
        ):
            for hasTerminal in {False, self.client.hasTerminals}:
                done = yield self.login(command=command, hasTerminal=hasTerminal)
                self.assertEqual((done.out, done.status), (out, status), done.err)
                self.assertIn(err, done.err)
        done = yield self.login(kind="shell")
        self.assertEqual((done.out, done.status), (b"shell", 4), done.err)

    @defer.inlineCallbacks
    def test_much(self: Any) -> Any:
        """
        More than there is room for at a time arrives whole, of what ends at once as well.
        """
        self.serve("ed25519", user=QuickUser)
        done = yield self.login(command="much")
        self.assertEqual((len(done.out), done.status), (len(MUCH), 0))
        self.assertTrue(done.out == MUCH and done.err.endswith(MUCH))
        done = yield self.login(kind="subsystem", command="much")
        self.assertTrue(done.out == MUCH, len(done.out))

    @defer.inlineCallbacks
    def test_input(self: Any) -> Any:
        """
        What a command is sent arrives up to its end, and so does what it writes.
        """
        self.serve("ed25519")
        for command in ("cat", "cat >&2"):
            done = yield self.login(MUCH, command=f"{command}; exit 5")
            written = done.out if command == "cat" else done.err[-len(MUCH) :]
            self.assertTrue(written == MUCH, (command, len(done.out), len(done.err)))
            self.assertEqual(done.status, 5)
        done = yield self.login(b"echo in\nexit 6\n", kind="shell")
        self.assertEqual((done.out, done.status), (b"in\n", 6), done.err)

    @defer.inlineCallbacks
    def test_sessions(self: Any) -> Any:
        """
        There are subsystems, and terminals.
        """
        self.serve("ed25519")
        done = yield self.login(kind="subsystem", command="greeting")
        self.assertEqual(done.out, b"hello\n", done.err)
        if not self.client.hasTerminals:
            return
        command = "test -t 0 && test -t 1 && echo in; exit 7"
        done = yield self.login(command=command, hasTerminal=True)
        self.assertEqual((done.out, done.status), (b"in\r\n", 7), done.err)


class CertificateTests(ProgramTests):
    """
    What those must be able to do that know certificates.
    """

    @defer.inlineCallbacks
    def test_certificates(self: Any) -> Any:
        """
        So do certificates for the user, by keys of each type; none for somebody else.
        """
        ca = self.key("ca")
        self.serve("other")
        self.file.write_text("cert-authority " + ca.with_suffix(".pub").read_text())
        for name in KINDS:
            for principal, out in ((USER, b"in\n"), ("nobody-else", b"")):
                said = "-n", principal, "-V", "-1h:+1h"
                key = certify(ca, self.key(name), principal, *said)
                done = yield self.login(key=key, isCertified=True)
                self.assertEqual(done.out, out, (name, principal, done.err))


class OpenSSHTests(CertificateTests, TestCase):
    """
    OpenSSH's client.
    """

    program = OpenSSH


class PlinkTests(CertificateTests, TestCase):
    """
    PuTTY's client, with keys that C{puttygen} has converted.
    """

    program = Plink


class DropbearTests(ProgramTests, TestCase):
    """
    Dropbear's client, which knows no certificates.
    """

    program = Dropbear


class ParamikoTests(CertificateTests, TestCase):
    """
    paramiko.
    """

    program = Paramiko


class AsyncSSHTests(CertificateTests, TestCase):
    """
    asyncssh.
    """

    program = AsyncSSH
