"""
Tests for L{mycred.conch}, with conch's own client; L{tests.conch.test_correspondence}
has the real ssh.

They cover L{mycred.conch._connection}, L{mycred.conch._exchange},
L{mycred.conch._factory} and L{mycred.conch._hostkey}, too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from twisted.conch.ssh import keys
from twisted.conch.ssh.common import NS
from twisted.internet import defer, reactor
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import TestCase

from mycred._conchcontracts import ConchError
from mycred._contracts import IUsernamePassword
from mycred._sshkeys import parseOptions, string
from mycred._verdict import Kind, Verdict
from mycred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from mycred.checkers.sshkeys import SSHProtocolChecker, SSHPublicKeyChecker
from mycred.conch import SERVER_OPTIONS, RestrictedUser, SSHServerTransport, hostKeyIn

from ..kit.keycheckers import Files, accepted
from ..kit.keys import SecurityKey, blobOf, certificate, ed25519
from ..kit.openssh import ConchServer
from ..kit.sshclient import FAILURE, PK_OK, SUCCESS, Channel, ServerTestCase

ALICE, SECOND, CA = ed25519(), ed25519(), ed25519()


class LoginTests(ServerTestCase):
    """
    Logins.
    """

    def checker(self, verdict: Verdict | None = None) -> Any:
        """
        Make a checker of keys.
        """
        return SSHPublicKeyChecker(Files(verdict or accepted()))

    @defer.inlineCallbacks
    def test_offered(self) -> Any:
        """
        That a key would do is said of one that would, and of no other.
        """
        client = yield self.connect(self.checker())
        code, packet = yield client.offer(blobOf(ALICE))
        self.assertEqual((code, packet), (PK_OK, NS(b"ssh-ed25519") + NS(blobOf(ALICE))))
        refused = Verdict(Kind.REFUSED, b"alice", "no")
        unsure = Verdict(Kind.UNSURE, b"alice", "down")
        for verdict in (refused, unsure):
            client = yield self.connect(self.checker(verdict))
            code, packet = yield client.offer(blobOf(ALICE))
            self.assertEqual((code, packet), (FAILURE, NS(b"publickey") + b"\0"))
            code, packet = yield client.prove(ALICE)
            self.assertEqual((code, packet), (FAILURE, NS(b"publickey") + b"\0"))

    @defer.inlineCallbacks
    def test_proved(self) -> Any:
        """
        Who proves it is let in; who has only offered it before has proved nothing.
        """
        client = yield self.connect(self.checker())
        yield client.offer(blobOf(ALICE))
        code, _ = yield client.prove(SECOND, blobOf(ALICE))
        self.assertEqual(code, FAILURE)
        code, _ = yield client.prove(ALICE)
        self.assertEqual(code, SUCCESS)

    @defer.inlineCallbacks
    def test_securityKey(self) -> Any:
        """
        Security keys, and certificates for them, are proved as OpenSSH does it; an
        untouched one isn't.
        """
        token = SecurityKey()
        body = token.blob[4 + int.from_bytes(token.blob[:4], "big") :]
        name = b"sk-ssh-ed25519-cert-v01@openssh.com"
        signed = certificate(CA, None, type=name, body=body)
        for blob, algorithm in (
            (token.blob, b"sk-ssh-ed25519@openssh.com"),
            (signed, name),
        ):
            client = yield self.connect(self.checker())
            code, _ = yield client.offer(blob, algorithm)
            self.assertEqual(code, PK_OK)
            code, _ = yield client.prove(None, blob, algorithm, token, 0)
            self.assertEqual(code, FAILURE)
            code, _ = yield client.prove(None, blob, algorithm, token, 1)
            self.assertEqual(code, SUCCESS)

    @defer.inlineCallbacks
    def test_malformed(self) -> Any:
        """
        Requests that are no such thing are refused, and the next one is answered.
        """
        client = yield self.connect(self.checker())
        for data in (
            b"",
            b"\0",
            b"\1" + NS(b"ssh-ed25519"),
            b"\0" + NS(b"ssh-ed25519") + NS(b""),
            b"\0" + NS(b"\xff") + NS(b"\xff"),
            b"\0" + NS(b"ssh-ed25519") + NS(blobOf(ALICE)) + b"x",
            b"\1" + NS(b"ssh-ed25519") + NS(blobOf(ALICE)) + NS(b""),
            b"\1" + NS(b"ssh-ed25519") + NS(blobOf(ALICE)) + NS(b"x"),
            b"\1" + NS(b"sk-ssh-ed25519@openssh.com") + NS(SecurityKey().blob) + NS(b"x"),
            b"\0" + NS(b"ssh-rsa") + NS(string(b"ssh-dss") + b"\0" * 40),
        ):
            code, _ = yield client.ask(b"publickey", data)
            self.assertEqual(code, FAILURE, data)
        code, _ = yield client.prove(ALICE)
        self.assertEqual(code, SUCCESS)
        self.assertEqual(self.flushLoggedErrors(), [])

    @defer.inlineCallbacks
    def test_told(self) -> Any:
        """
        The checker is told where the client comes from, which connection it is, and
        what the server sees to.
        """
        seen: list[Any] = []

        class Watching(Files):
            credentialInterfaces = SSHPublicKeyChecker.credentialInterfaces

            def requestAvatarId(self, credentials: Any) -> Any:
                seen.append(credentials)
                return SSHPublicKeyChecker(self).requestAvatarId(credentials)

        files = Watching(accepted())
        client = yield self.connect(files)
        yield client.offer(blobOf(ALICE))
        yield client.prove(ALICE)
        self.assertEqual(files.asked, [(b"alice", "127.0.0.1")] * 2)
        self.assertIs(seen[0].connection, seen[1].connection)
        self.assertEqual(seen[0].honors, SERVER_OPTIONS)

    @defer.inlineCallbacks
    def test_lost(self) -> Any:
        """
        A login that is under way ends with its connection.
        """
        cancelled: defer.Deferred[None] = defer.Deferred()

        class Waiting:
            def authorize(self, *args: Any) -> Any:
                return defer.Deferred(lambda _: cancelled.callback(None))

        client = yield self.connect(SSHPublicKeyChecker(Waiting()))
        client.offer(blobOf(ALICE))
        # The server has it before it notices the end.
        reactor.callLater(0, client.transport.loseConnection)
        yield cancelled

    @defer.inlineCallbacks
    def test_oneAfterAnother(self) -> Any:
        """
        Requests that come before an answer wait for it, and those after a success are
        none.
        """
        waiting: list[Any] = []

        class Slow:
            def authorize(self, name: bytes, *args: Any) -> Any:
                waiting.append((name, defer.Deferred()))
                return waiting[-1][1]

        client = yield self.connect(SSHPublicKeyChecker(Slow()))
        first = client.prove(ALICE)
        client.user = b"bob"
        second = client.offer(blobOf(ALICE))
        client.user = b"carol"
        client.offer(blobOf(ALICE)).addErrback(lambda _: None)
        while not waiting:
            yield deferLater(reactor, 0.01)
        yield deferLater(reactor, 0.05)
        self.assertEqual([name for name, _ in waiting], [b"alice"])
        waiting[0][1].callback(Verdict(Kind.REFUSED, b"alice", "no"))
        code, _ = yield first
        self.assertEqual(code, FAILURE)
        while len(waiting) < 2:
            yield deferLater(reactor, 0.01)
        self.assertEqual(waiting[1][0], b"bob")
        waiting[1][1].callback(accepted())
        code, _ = yield second
        self.assertEqual(code, PK_OK)

    @defer.inlineCallbacks
    def test_flood(self) -> Any:
        """
        Who asks without waiting is hung up on.
        """

        class Never:
            def authorize(self, *args: Any) -> Any:
                return defer.Deferred()

        client = yield self.connect(SSHPublicKeyChecker(Never()))
        for _ in range(30):
            client.offer(blobOf(ALICE)).addErrback(lambda _: None)
        yield client.gone
        client.gone = defer.succeed(None)

    @defer.inlineCallbacks
    def test_again(self) -> Any:
        """
        The service can't be asked for again, which would forget what has failed.
        """
        client = yield self.connect(self.checker())
        client.sendPacket(5, NS(b"ssh-userauth"))
        yield client.gone
        client.gone = defer.succeed(None)

    @defer.inlineCallbacks
    def test_otherService(self) -> Any:
        """
        There is one service to log in for.
        """
        client = yield self.connect(self.checker())
        client.sendPacket(50, NS(b"alice") + NS(b"ssh-userauth") + NS(b"none"))
        yield client.gone
        client.gone = defer.succeed(None)

    @defer.inlineCallbacks
    def test_nonsense(self) -> Any:
        """
        A packet that makes no sense ends the connection, with a line in the log and no
        traceback.
        """
        for number, data in ((50, b""), (50, NS(b"x")), (5, b""), (50, NS(b"a" * 5000))):
            client = yield self.connect(self.checker())
            if number == 50 and len(data) > 4000:
                data += NS(b"ssh-connection") + NS(b"none")
            client.sendPacket(number, data)
            yield client.gone
            client.gone = defer.succeed(None)
        self.assertEqual(self.flushLoggedErrors(), [])

    @defer.inlineCallbacks
    def test_timeout(self) -> Any:
        """
        Who doesn't log in in time is hung up on, whatever he does; who does may stay.
        """
        clock = Clock()
        server = ConchServer(self.folder, self.checker(), reactor=clock)
        self.addCleanup(server.stop)
        idle = yield self.connect(port=server.port)
        inside = yield self.connect(port=server.port)
        code, _ = yield inside.prove(ALICE)
        self.assertEqual(code, SUCCESS)
        clock.advance(119)
        self.assertEqual(len(clock.getDelayedCalls()), 1)
        clock.advance(1)
        yield idle.gone
        idle.gone = defer.succeed(None)
        session = yield self.session(inside)
        self.assertTrue((yield session.ask(b"exec", NS(b"true"))))
        yield session.ended

    @defer.inlineCallbacks
    def test_noCompression(self) -> Any:
        """
        Nothing is compressed: a few bytes from anybody would fill the memory.
        """
        client = yield self.connect(self.checker())
        self.assertEqual(client.incomingCompressionType, b"none")
        self.assertEqual(SSHServerTransport.supportedCompressions, [b"none"])


class FactorTests(ServerTestCase):
    """
    Several factors.
    """

    @defer.inlineCallbacks
    def test_twoFactors(self) -> Any:
        """
        Two factors are needed in one connection; what was proved in another doesn't
        count.
        """

        class Two(SSHProtocolChecker):
            def areDone(self, avatarId: Any) -> bool:
                return len(self.successfulCredentials[avatarId]) >= 2

        checker = Two()
        checker.registerChecker(SSHPublicKeyChecker(Files(accepted())))
        passwords = InMemoryUsernamePasswordDatabaseDontUse(alice=b"secret")
        checker.registerChecker(passwords, IUsernamePassword)
        password = b"\0" + NS(b"secret")
        first = yield self.connect(checker)
        second = yield self.connect(port=self.port)
        code, packet = yield first.prove(ALICE)
        self.assertEqual((code, packet[-1:]), (FAILURE, b"\1"))
        self.assertIn(b"publickey", packet)
        # As a wrong one: a client would go on with it for ever.
        code, packet = yield first.prove(ALICE)
        self.assertEqual((code, packet[-1:]), (FAILURE, b"\0"))
        code, packet = yield second.ask(b"password", password)
        self.assertEqual((code, packet[-1:]), (FAILURE, b"\1"))
        self.assertEqual(packet, NS(b"publickey") + b"\1")
        code, packet = yield second.ask(b"password", password)
        self.assertEqual((code, packet[-1:]), (FAILURE, b"\0"))
        code, _ = yield first.ask(b"password", password)
        self.assertEqual(code, SUCCESS)
        code, _ = yield second.prove(ALICE)
        self.assertEqual(code, SUCCESS)


class RestrictionTests(ServerTestCase):
    """
    What keys forbid.
    """

    @defer.inlineCallbacks
    def login(self, options: str) -> Any:
        """
        Log in with a key that has options.
        """
        client = yield self.connect(SSHPublicKeyChecker(Files(accepted(options))))
        code, _ = yield client.prove(ALICE)
        self.assertEqual(code, SUCCESS)
        return client

    @defer.inlineCallbacks
    def test_command(self) -> Any:
        """
        Whatever is asked for, the command is run, and a session runs one.
        """
        client = yield self.login('command="echo forced"')
        for kind, data in (
            (b"exec", NS(b"echo free")),
            (b"shell", b""),
            (b"subsystem", NS(b"greeting")),
            (b"subsystem", NS(b"no such thing")),
        ):
            session = yield self.session(client)
            self.assertTrue((yield session.ask(kind, data)))
            self.assertFalse((yield session.ask(b"exec", NS(b"echo free"))))
            self.assertEqual((yield session.ended), b"forced\n")

    @defer.inlineCallbacks
    def test_malformed(self) -> Any:
        """
        A request that can't be read runs nothing.
        """
        client = yield self.login('command="echo forced"')
        session = yield self.session(client)
        self.assertFalse((yield session.ask(b"exec", b"\0\0\0\5x")))

    @defer.inlineCallbacks
    def test_internalSFTP(self) -> Any:
        """
        C{internal-sftp} is the server's own.
        """
        client = yield self.login('command="internal-sftp"')
        session = yield self.session(client)
        # This server has none.
        self.assertFalse((yield session.ask(b"exec", NS(b"echo free"))))

    @defer.inlineCallbacks
    def test_environment(self) -> Any:
        """
        What the key sets the client can't set, before or after.
        """
        client = yield self.login('environment="A=key"')
        session = yield self.session(client)
        self.assertFalse((yield session.ask(b"env", NS(b"A") + NS(b"client"))))
        self.assertTrue((yield session.ask(b"env", NS(b"B") + NS(b"client"))))
        self.assertFalse((yield session.ask(b"env", b"x")))
        self.assertTrue((yield session.ask(b"exec", NS(b"echo $A $B"))))
        self.assertEqual((yield session.ended), b"key client\n")

    @defer.inlineCallbacks
    def test_environmentOfCommands(self) -> Any:
        """
        Where a command is forced, a client sets no variable by which it could be led
        astray; and none once something runs.
        """
        for options in ('command="echo $LC_A$PATH_$BASH_ENV"', "restrict"):
            client = yield self.login(options)
            session = yield self.session(client)
            for name, isSet in (
                (b"LC_A", True),
                (b"LANG", True),
                (b"BASH_ENV", False),
                (b"LD_PRELOAD", False),
                (b"SSH_ORIGINAL_COMMAND", False),
            ):
                done = yield session.ask(b"env", NS(name) + NS(b"x"))
                self.assertEqual(done, isSet, name)
        client = yield self.login("no-pty")
        session = yield self.session(client)
        yield session.ask(b"exec", NS(b"cat"))
        self.assertFalse((yield session.ask(b"env", NS(b"A") + NS(b"x"))))

    @defer.inlineCallbacks
    def test_sessions(self) -> Any:
        """
        A connection has ten sessions at most, and none keeps what it isn't asked for.
        """
        client = yield self.login("no-pty")
        sessions = []
        for _ in range(10):
            one = yield self.session(client)
            sessions.append(one)
        one = Channel()
        client.service.openChannel(one)
        yield self.assertFailure(one.opened, Exception)
        for _ in range(40):
            sessions[0].write(b"x" * 2**15)
        yield sessions[0].ended
        self.assertEqual(self.flushLoggedErrors(), [])

    @defer.inlineCallbacks
    def test_forbidden(self) -> Any:
        """
        What is forbidden isn't done, and the session goes on.
        """
        pty = NS(b"xterm") + b"\0" * 16 + NS(b"")
        for options in ("restrict", "no-pty,no-agent-forwarding,no-x11-forwarding"):
            client = yield self.login(options)
            session = yield self.session(client)
            for kind, data in (
                (b"pty-req", pty),
                (b"auth-agent-req@openssh.com", b""),
                (b"x11-req", b"\0" + NS(b"x") + NS(b"y") + b"\0" * 4),
            ):
                self.assertFalse((yield session.ask(kind, data)), kind)
            self.assertTrue((yield session.ask(b"exec", NS(b"echo in"))))
            self.assertEqual((yield session.ended), b"in\n")

    @defer.inlineCallbacks
    def test_unknown(self) -> Any:
        """
        With C{restrict}, what nobody knows is forbidden.
        """
        client = yield self.login("restrict")
        session = yield self.session(client)
        self.assertFalse((yield session.ask(b"new-thing@example.org", b"")))
        for name in (
            b"tun@openssh.com",
            b"direct-tcpip",
            b"direct-streamlocal@openssh.com",
            b"new-thing@example.org",
        ):
            one = Channel()
            one.name = name
            client.service.openChannel(one, b"\0" * 16)
            yield self.assertFailure(one.opened, Exception)
        for kind in (b"tcpip-forward", b"streamlocal-forward@openssh.com", b"new@x"):
            asking = client.service.sendGlobalRequest(kind, b"\0" * 8, wantReply=1)
            yield self.assertFailure(asking, Exception)
        # What is refused is no defect.
        self.assertEqual(self.flushLoggedErrors(), [])


class TunnelTests(TestCase):
    """
    Tunnels, which conch doesn't have.
    """

    def opened(self, options: str, unit: int) -> int | None:
        """
        Open a tunnel, and tell which.
        """

        class User:
            def lookupChannel(
                self, kind: bytes, window: int, most: int, data: bytes
            ) -> Any:
                return Channel(data=data)

        user = RestrictedUser(User(), parseOptions(options))
        data = (1).to_bytes(4, "big") + unit.to_bytes(4, "big")
        try:
            channel = user.lookupChannel(b"tun@openssh.com", 0, 0, data)
            return int.from_bytes(channel.data[4:], "big")
        except ConchError:
            return None

    def test_devices(self) -> None:
        """
        With C{tunnel=} it is that device and no other; without, any; with C{restrict},
        none.
        """
        anything = 0x7FFFFFFF
        for options, unit, expected in (
            ("", 3, 3),
            ('tunnel="2"', 2, 2),
            ('tunnel="2"', anything, 2),
            ('tunnel="2"', 3, None),
            ('tunnel="any"', 3, None),
            ('tunnel="any"', anything, anything),
            ("restrict", 3, None),
            ('restrict,tunnel="3"', 3, 3),
            ("no-port-forwarding", 3, None),
        ):
            self.assertEqual(self.opened(options, unit), expected, options)


class HostKeyTests(TestCase):
    """
    Tests for L{hostKeyIn}.
    """

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def test_made(self) -> None:
        """
        A key is made once, for nobody else to read.
        """
        key = hostKeyIn(str(self.path))
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(hostKeyIn(str(self.path)).blob(), key.blob())
        self.assertEqual(
            [one.name for one in self.path.parent.iterdir()], [self.path.name]
        )

    def test_wrong(self) -> None:
        """
        What is no private key, or takes a passphrase, or can be read by others, is an
        error that says so.
        """
        made: Any = keys.Key.fromString(ed25519().toString("openssh"))
        for text, what in (
            (b"x", "no private key"),
            (made.public().toString("openssh"), "public key"),
            (made.toString("openssh", subtype="v1", passphrase=b"x"), "passphrase"),
        ):
            self.path.write_bytes(text)
            self.path.chmod(0o600)
            with self.assertRaises(ValueError) as caught:
                hostKeyIn(str(self.path))
            self.assertIn(what, str(caught.exception))
        self.path.write_bytes(made.toString("openssh"))
        self.path.chmod(0o644)
        with self.assertRaises(ValueError):
            hostKeyIn(str(self.path))

    def test_formats(self) -> None:
        """
        Keys are read as ssh-keygen and openssl write them, of types that clients know.
        """
        for made, isRead in (
            (ec.generate_private_key(ec.SECP256R1()), True),
            (ec.generate_private_key(ec.SECP256K1()), False),
            (rsa.generate_private_key(65537, 2048), True),
            (Ed25519PrivateKey.generate(), True),
            (dsa.generate_private_key(1024), False),
        ):
            for form in (PrivateFormat.PKCS8, PrivateFormat.OpenSSH):
                try:
                    text = made.private_bytes(Encoding.PEM, form, NoEncryption())
                except ValueError:
                    continue
                self.path.write_bytes(text)
                self.path.chmod(0o600)
                if isRead:
                    self.assertTrue(hostKeyIn(str(self.path)).sign(b"x"))
                else:
                    self.assertRaises(ValueError, hostKeyIn, str(self.path))

    def test_pipe(self) -> None:
        """
        A pipe isn't waited for.
        """
        os.mkfifo(self.path)
        self.assertRaises(OSError, hostKeyIn, str(self.path))

    def test_nowhere(self) -> None:
        """
        Where none can be made, that is an error too.
        """
        with self.assertRaises(OSError):
            hostKeyIn(str(self.path / "missing" / "key"))
