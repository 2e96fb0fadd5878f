"""
Tests for the example server as it is run: C{twistd myapp} in a process of its
own, with the mail clients that people have.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import poplib
import re
import shutil
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from threading import Timer
from typing import Any

import bcrypt

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure
from twisted.spread import pb
from twisted.trial.unittest import SkipTest, SynchronousTestCase, TestCase

from mycred.credentials import Anonymous, UsernamePassword

from ..test_protocols import Refused

ROOT = Path(__file__).resolve().parents[2]

# How long anything may take before the test gives up, in seconds.
PATIENCE = 20

TWISTD = [
    sys.executable,
    "-c",
    "from twisted.scripts.twistd import run; run()",
    "-n",
    "--pidfile=",
    "myapp",
]

# What the log calls the server of each protocol.
FACTORIES = {
    "pop3": "POP3Factory",
    "imap": "IMAP4Factory",
    "pb": "PBServerFactory",
    "http": "Site",
}

LETTER = (
    b"From: <bob@localhost>\r\nTo: <alice@localhost>\r\n"
    b"Subject: Tea & <b>cakes</b>\r\n\r\n<script>alert('five')</script>\r\n"
)


class Server:
    """
    A running C{twistd myapp}.

    @ivar ports: where each protocol is served.
    @ivar log: what the server has logged, complete once it has stopped.
    """

    def __init__(self, options: list[str], offered: list[str]) -> None:
        """
        @param options: the command line.
        @param offered: the protocols that it starts.
        """
        self.log = ""
        self.ports: dict[str, int] = {}
        self._process = subprocess.Popen(
            [*TWISTD, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        # What hangs is killed, so that reading its output comes to an end.
        watchdog = Timer(PATIENCE, self._process.kill)
        watchdog.start()
        try:
            while not all(name in self.ports for name in offered):
                self._readLine()
        finally:
            watchdog.cancel()

    def _readLine(self) -> None:
        """
        Read a line of the log, and what it tells.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"The server did not start:\n{self.log}")
        self.log += line
        started = re.search(r"\] (\w+)(?: \(\w+\))? starting on (\d+)$", line)
        for name, factory in FACTORIES.items():
            if started and started[1] == factory:
                self.ports[name] = int(started[2])

    def stop(self) -> None:
        """
        Stop it as Ctrl-C does.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self.log += self._process.communicate(timeout=PATIENCE)[0] or ""
        except ValueError:
            # It was stopped before.
            pass
        finally:
            self._process.kill()
            self._process.wait()

    def pop3(self, name: str, password: str) -> poplib.POP3:
        """
        Log in over POP3.
        """
        client = poplib.POP3("127.0.0.1", self.ports["pop3"], PATIENCE)
        try:
            client.user(name)
            client.pass_(password)
        except poplib.error_proto as error:
            client.close()
            raise Refused(error)
        return client

    def imap(self, name: str, password: str) -> imaplib.IMAP4:
        """
        Log in over IMAP4.
        """
        client = imaplib.IMAP4("127.0.0.1", self.ports["imap"], PATIENCE)
        try:
            client.login(name, password)
        except imaplib.IMAP4.error as error:
            client.shutdown()
            raise Refused(error)
        return client

    def inbox(self) -> imaplib.IMAP4:
        """
        Log Alice in over IMAP4, and open her mailbox.
        """
        client = self.imap("alice", "sesame")
        client.select()
        return client

    def request(self, headers: dict[str, str]) -> tuple[Any, str]:
        """
        Ask for the page.

        @return: the answer, and the page.
        """
        connection = HTTPConnection("127.0.0.1", self.ports["http"], timeout=PATIENCE)
        try:
            connection.request("GET", "/", headers=headers)
            answer = connection.getresponse()
            return answer, answer.read().decode("utf-8")
        finally:
            connection.close()

    def http(self, name: str, password: str) -> str:
        """
        Get the page with Basic authentication.
        """
        token = b64encode(f"{name}:{password}".encode()).decode("ascii")
        answer, page = self.request({"Authorization": f"Basic {token}"})
        if answer.status != 200:
            raise Refused(answer.status)
        return page

    def curl(self, scheme: str, path: str, *options: str) -> Callable[[str, str], str]:
        """
        Make a client of the program C{curl}.
        """
        if shutil.which("curl") is None:
            raise SkipTest("install curl")
        url = f"{scheme}://127.0.0.1:{self.ports[scheme]}/{path}"

        def get(name: str, password: str) -> str:
            command = ["curl", "-sSfq", "--noproxy", "*", "-m", str(PATIENCE), *options]
            done = subprocess.run(
                [*command, "-u", f"{name}:{password}", url],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            if done.returncode:
                raise Refused(f"{done.returncode}: {done.stderr}")
            return done.stdout

        return get


class ServerTests:
    """
    What the tests of the server have in common.
    """

    def setUp(self: Any) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def passwords(self, **secrets: str) -> str:
        """
        Write a file of passwords.

        @return: the option that names it.
        """
        path = self.folder / f"passwd-{'-'.join(secrets)}"
        path.write_text("".join(f"{name}:{secrets[name]}\n" for name in secrets))
        return f"--auth=file:{path}"

    def hashed(self, password: str) -> str:
        """
        Hash a password as C{htpasswd -B} does, only faster.
        """
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode("ascii")

    def options(self, auth: list[str], offered: list[str]) -> list[str]:
        """
        Write a command line.
        """
        where = [f"--{name}=tcp:0:interface=127.0.0.1" for name in offered]
        return [f"--store={self.folder / 'store.sqlite'}", *where, *auth]

    def start(self: Any, *auth: str, offered: str = "pop3 imap pb http") -> Server:
        """
        Start a server that is stopped at the end of the test.

        @param auth: how to log in.
        @param offered: the protocols to offer.
        """
        names = offered.split()
        server = Server(self.options(list(auth), names), names)
        self.addCleanup(server.stop)
        return server

    def restart(self: Any, server: Server, *auth: str) -> Server:
        """
        Stop a server, and start another on the same store.
        """
        server.stop()
        return self.start(*auth)


def hangUp(client: imaplib.IMAP4) -> None:
    """
    End a connection, unless it has ended.
    """
    with contextlib.suppress(OSError):
        client.shutdown()


class PBUser(pb.PBClientFactory):
    """
    A client of Perspective Broker.

    @ivar gone: fires when it is disconnected.
    """

    noisy = False

    def __init__(self) -> None:
        super().__init__()
        self.gone: Deferred[None] = Deferred()

    def clientConnectionLost(self, *args: Any, **kw: Any) -> None:
        """
        Notice the end.
        """
        super().clientConnectionLost(*args, **kw)
        self.gone.callback(None)


class PBClients:
    """
    What the tests with clients of Perspective Broker have in common.
    """

    def connect(self: Any, server: Server) -> PBUser:
        """
        Connect until the end of the test.
        """
        factory = PBUser()
        connector = reactor.connectTCP("127.0.0.1", server.ports["pb"], factory, PATIENCE)

        def disconnect() -> Deferred[None]:
            connector.disconnect()
            return factory.gone

        self.addCleanup(disconnect)
        return factory

    def logIn(
        self: Any, server: Server, name: str, password: str, mind: Any = None
    ) -> Deferred[Any]:
        """
        Log in with a name and a password.
        """
        typed = UsernamePassword(name.encode(), password.encode())
        return self.connect(server).login(typed, mind)

    @inlineCallbacks
    def assertRemote(self: Any, calling: Deferred[Any], *names: str) -> Any:
        """
        Assert that a call fails with one of the errors of these names.
        """
        failures: list[Failure] = []
        answer = yield calling.addErrback(failures.append)
        self.assertTrue(failures, f"it went through: {answer!r}")
        self.assertTrue(failures[0].check(*names), f"{failures[0]}")


class Accounts(ServerTests, PBClients):
    """
    What is the same wherever the accounts are: Alice's password is C{sesame},
    Bob's is C{tulip}.

    @cvar challenged: who can prove his password without sending it; nobody is
        asked to if it is empty.
    """

    timeout = 60
    challenged: tuple[str, ...] = ("alice", "bob")

    def auth(self) -> list[str]:
        """
        Write the options that say where the accounts are.
        """
        raise NotImplementedError

    def startAll(self) -> Server:
        """
        Start the protocols that the accounts can serve.
        """
        offered = "pop3 imap pb http" if self.challenged else "pop3 imap http"
        return self.start(*self.auth(), offered=offered)

    def assertLogins(self: Any, server: Server, logIn: Callable[[str, str], Any]) -> None:
        """
        Assert that the right passwords, and nothing else, let users in; and
        that neither passwords nor tracebacks are logged.
        """
        entered = [logIn("alice", "sesame"), logIn("bob", "tulip")]
        for client in entered:
            getattr(client, "quit", getattr(client, "logout", lambda: None))()
        for name, password in [
            ("alice", "tulip"),
            ("mallory", "sesame"),
            ("alice", ""),
            ("mallory", ""),
        ]:
            self.assertRaises(Refused, logIn, name, password)
        server.stop()
        for unwanted in ("sesame", "tulip", "Traceback"):
            self.assertNotIn(unwanted, server.log)

    def test_pop3(self) -> None:
        """
        The right password opens the mailbox over POP3; a wrong or an empty one,
        or an unknown name, does not.
        """
        server = self.startAll()
        self.assertLogins(server, server.pop3)

    def test_imap(self) -> None:
        """
        The right password opens the mailbox over IMAP4; a wrong or an empty one,
        or an unknown name, does not.
        """
        server = self.startAll()
        self.assertLogins(server, server.imap)

    def test_http(self: Any) -> None:
        """
        The right password shows the page to a client that uses Basic; a wrong
        or an empty one, or an unknown name, does not.
        """
        server = self.startAll()
        self.assertIn("Mail of alice", server.http("alice", "sesame"))
        self.assertIn("Mail of bob", server.http("bob", "tulip"))
        self.assertEqual(server.request({})[0].status, 401)
        self.assertLogins(server, server.http)

    def test_curl(self: Any) -> None:
        """
        C{curl -u} reads mail over POP3, IMAP4 and HTTP with the right password
        only.
        """
        server = self.startAll()
        # Where CRAM-MD5 is offered curl uses it, also for those it can't serve.
        if "alice" in self.challenged or not self.challenged:
            self.assertIn("Welcome", server.curl("pop3", "1")("alice", "sesame"))
            imap = server.curl("imap", "INBOX;MAILINDEX=1")
            self.assertIn("Welcome", imap("alice", "sesame"))
            # 67 stands for a login that was denied.
            for client in (imap, server.curl("pop3", "1")):
                for name, password in [("alice", "tulip"), ("mallory", "sesame")]:
                    refused = self.assertRaises(Refused, client, name, password)
                    self.assertRegex(refused.answer, "^67:")
        self.assertIn("Welcome", server.curl("http", "")("alice", "sesame"))
        self.assertLogins(server, server.curl("http", ""))

    def test_challenges(self: Any) -> None:
        """
        CRAM-MD5 and HTTP Digest are offered if, and only if, somebody could log
        in so.
        """
        server = self.startAll()
        pop3 = server.pop3("alice", "sesame")
        self.assertEqual("CRAM-MD5" in pop3.capa().get("SASL", []), self.offers())
        pop3.quit()
        imap = server.imap("alice", "sesame")
        self.assertEqual("AUTH=CRAM-MD5" in imap.capabilities, self.offers())
        imap.logout()
        asked = server.request({})[0].headers.get_all("WWW-Authenticate")
        schemes = [header.split()[0] for header in asked]
        self.assertEqual(schemes, ["digest", "basic"] if self.offers() else ["basic"])

    def offers(self) -> bool:
        """
        Tell whether challenges are offered.
        """
        return bool(self.challenged)


class Challenges(Accounts):
    """
    What is the same where somebody can prove his password without sending it.
    """

    def assertChallenged(
        self: Any, server: Server, logIn: Callable[[str, str], Any]
    ) -> None:
        """
        Assert who can log in by answering a challenge.
        """
        for name, password in [("alice", "sesame"), ("bob", "tulip")]:
            if name in self.challenged:
                logIn(name, password)
            else:
                self.assertRaises(Refused, logIn, name, password)
        for name, password in [("bob", "sesame"), ("mallory", "tulip"), ("bob", "")]:
            self.assertRaises(Refused, logIn, name, password)
        server.stop()
        self.assertNotIn("Traceback", server.log)

    def test_imapCramMD5(self) -> None:
        """
        An IMAP4 client that doesn't send its password gets in with the right
        one only.
        """
        server = self.startAll()

        def logIn(name: str, password: str) -> None:
            with imaplib.IMAP4("127.0.0.1", server.ports["imap"], PATIENCE) as client:
                try:
                    client.login_cram_md5(name, password)
                except imaplib.IMAP4.error as error:
                    raise Refused(error)

        self.assertChallenged(server, logIn)

    def test_pop3CramMD5(self) -> None:
        """
        A POP3 client that doesn't send its password gets in with the right one
        only.
        """
        server = self.startAll()
        login = "--login-options", "AUTH=CRAM-MD5"
        self.assertChallenged(server, server.curl("pop3", "1", *login))

    def test_httpDigest(self) -> None:
        """
        A browser that doesn't send its password gets in with the right one
        only.
        """
        server = self.startAll()
        self.assertChallenged(server, server.curl("http", "", "--digest"))

    @inlineCallbacks
    def test_pb(self: Any) -> Any:
        """
        A client of Perspective Broker reads its mail with the right password;
        with a wrong or an empty one, or an unknown name, it gets the error that
        Twisted's clients catch.
        """
        server = self.startAll()
        perspective = yield self.logIn(server, "bob", "tulip")
        (uid,) = yield perspective.callRemote("list")
        self.assertIn(b"Welcome", (yield perspective.callRemote("read", uid)))
        for name, password in [("bob", "sesame"), ("mallory", "tulip"), ("bob", "")]:
            yield self.assertRemote(
                self.logIn(server, name, password), "twisted.cred.error.UnauthorizedLogin"
            )


class PlainFileTests(Challenges, TestCase):
    """
    Tests for C{--auth=file:} with passwords in plain text.
    """

    def auth(self) -> list[str]:
        """
        Write one file.
        """
        return [self.passwords(alice="sesame", bob="tulip")]


class MemoryTests(Challenges, TestCase):
    """
    Tests for C{--auth=memory:}.
    """

    def auth(self) -> list[str]:
        """
        Name the users on the command line.
        """
        return ["--auth=memory:alice:sesame:bob:tulip"]


class TwoFilesTests(Challenges, TestCase):
    """
    Tests for two files, of which one holds hashes: who isn't in the first is
    looked up in the second.
    """

    challenged = ("bob",)

    def auth(self) -> list[str]:
        """
        Write two files.
        """
        return [
            self.passwords(alice=self.hashed("sesame")),
            self.passwords(bob="tulip"),
        ]


class HashedFileTests(Accounts, TestCase):
    """
    Tests for C{--auth=file:} with bcrypt hashes, and a password in plain text
    among them.
    """

    challenged = ()

    def auth(self) -> list[str]:
        """
        Write one file.
        """
        return [self.passwords(alice=self.hashed("sesame"), bob="tulip")]

    def test_hashIsNoPassword(self) -> None:
        """
        Who has read the file can't log in with the hash itself.
        """
        option = self.passwords(alice=self.hashed("sesame"))
        stored = Path(option.partition("file:")[2]).read_text().strip().split(":")[1]
        server = self.start(option, offered="pop3 imap http")
        for logIn in (server.pop3, server.imap, server.http):
            self.assertRaises(Refused, logIn, "alice", stored)

    def test_pbNotOffered(self: Any) -> None:
        """
        Perspective Broker isn't offered, since hashes can't serve it, and the
        log says so.
        """
        server = self.start(*self.auth(), offered="pop3 imap http")
        server.stop()
        self.assertNotIn("pb", server.ports)
        self.assertIn("PB is not offered", server.log)


class AnonymousTests(ServerTests, PBClients, TestCase):
    """
    Tests for C{--auth=anonymous}.
    """

    timeout = 60

    @inlineCallbacks
    def assertNoticeOnly(self, server: Server) -> Any:
        """
        Assert what somebody without a name can do.
        """
        visitor = yield self.connect(server).login(Anonymous())
        notice = yield visitor.callRemote("notice")
        self.assertIn("mycred example server", notice)
        for call in [("list",), ("read", 1), ("send", b"alice", b"Hi")]:
            yield self.assertRemote(visitor.callRemote(*call), "builtins.AttributeError")

    @inlineCallbacks
    def test_notice(self) -> Any:
        """
        Who comes over Perspective Broker without a name may read the public
        notice and nothing else; mail is not offered at all.
        """
        server = self.start("--auth=anonymous", offered="pb")
        yield self.assertNoticeOnly(server)
        server.stop()
        self.assertEqual(list(server.ports), ["pb"])
        for name in ("POP3", "IMAP", "HTTP"):
            self.assertIn(f"{name} is not offered", server.log)

    @inlineCallbacks
    def test_besideUsers(self) -> Any:
        """
        Beside users with passwords, who read their mail and the notice, those
        without a name still read the notice only.
        """
        server = self.start("--auth=anonymous", self.passwords(alice="sesame"))
        yield self.assertNoticeOnly(server)
        alice = yield self.logIn(server, "alice", "sesame")
        self.assertEqual((yield alice.callRemote("list")), [1])
        yield alice.callRemote("notice")

    @inlineCallbacks
    def test_notAsked(self) -> Any:
        """
        Unless the deployer says C{--auth=anonymous}, nobody comes in without a
        name.
        """
        server = self.start(self.passwords(alice="sesame"))
        yield self.assertRemote(
            self.connect(server).login(Anonymous()),
            "twisted.cred.error.UnhandledCredentials",
        )


class CorrespondenceTests(ServerTests, PBClients, TestCase):
    """
    Tests for sending mail over Perspective Broker.
    """

    timeout = 60

    def setUp(self) -> None:
        super().setUp()
        self.server = self.start(self.passwords(alice="sesame", bob="tulip"))

    @inlineCallbacks
    def test_mind(self) -> Any:
        """
        A user who is logged in with a mind is told of a message as soon as
        another one sends it, and reads it.
        """
        told: Deferred[int] = Deferred()

        class Mind(pb.Referenceable):
            def remote_newMessage(self, uid: int) -> None:
                told.callback(uid)

        bob = yield self.logIn(self.server, "bob", "tulip", Mind())
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield alice.callRemote("send", b"bob", b"Tea at five?")
        uid = yield told
        content = yield bob.callRemote("read", uid)
        self.assertIn(b"Tea at five?", content)
        self.assertIn(b"From: <alice@localhost>", content)
        self.assertEqual((yield bob.callRemote("list")), [1, uid])
        self.assertEqual((yield alice.callRemote("list")), [1])

    @inlineCallbacks
    def test_everyMind(self) -> Any:
        """
        A user who is logged in twice is told twice, and one who has logged out
        is told no more; those who can't be told stop nobody.
        """
        told: list[str] = []

        class Mind(pb.Referenceable):
            def __init__(self, name: str) -> None:
                self.name = name

            def remote_newMessage(self, uid: int) -> None:
                told.append(self.name)

        class DeafMind(pb.Referenceable):
            pass

        leaving = self.connect(self.server)
        bob = UsernamePassword(b"bob", b"tulip")
        yield leaving.login(bob, Mind("gone"))
        leaving.disconnect()
        yield self.logIn(self.server, "bob", "tulip", DeafMind())
        first = yield self.logIn(self.server, "bob", "tulip", Mind("first"))
        second = yield self.logIn(self.server, "bob", "tulip", Mind("second"))
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield alice.callRemote("send", b"bob", b"Tea at five?")
        # What is told goes out before what is answered next.
        yield first.callRemote("list")
        yield second.callRemote("list")
        self.assertEqual(sorted(told), ["first", "second"])

    @inlineCallbacks
    def test_unknownRecipient(self) -> Any:
        """
        Mail to somebody who doesn't exist is an error for the sender.
        """
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield self.assertRemote(
            alice.callRemote("send", b"mallory", b"Hi"),
            "mycred.demo._pb.UnknownRecipient",
        )
        self.assertEqual((yield alice.callRemote("list")), [1])

    @inlineCallbacks
    def test_everywhere(self) -> Any:
        """
        A message that was sent over Perspective Broker is there over POP3,
        IMAP4 and HTTP, and an IMAP4 client that is waiting is told.
        """
        inbox = self.server.inbox()
        alice = yield self.logIn(self.server, "alice", "sesame")
        yield alice.callRemote("send", b"alice", b"Note to <me>")
        inbox.noop()
        self.assertEqual(inbox.response("EXISTS")[1][-1], b"2")
        inbox.logout()
        pop3 = self.server.pop3("alice", "sesame")
        self.assertIn(b"Note to <me>", pop3.retr(2)[1])
        pop3.quit()
        self.assertIn("Note to &lt;me&gt;", self.server.http("alice", "sesame"))


class MailTests(ServerTests, SynchronousTestCase):
    """
    Tests for Alice's mailbox, which is one over all protocols and lasts.
    """

    def setUp(self) -> None:
        super().setUp()
        self.auth = self.passwords(alice="sesame", bob="tulip")
        self.server = self.start(self.auth)

    def pop3(self) -> poplib.POP3:
        """
        Log Alice in over POP3.
        """
        client = self.server.pop3("alice", "sesame")
        self.addCleanup(client.close)
        return client

    def inbox(self) -> imaplib.IMAP4:
        """
        Open Alice's mailbox over IMAP4.
        """
        client = self.server.inbox()
        self.addCleanup(hangUp, client)
        return client

    def append(self, client: imaplib.IMAP4, flags: str = r"(\Answered)") -> None:
        """
        Put the letter into Alice's mailbox.
        """
        self.ok(client.append("INBOX", flags, None, LETTER))

    def assertRefused(self, command: Callable[..., Any], *args: Any) -> None:
        """
        Assert that an IMAP4 command is refused, with NO or with BAD.
        """
        try:
            answer = command(*args)[0]
        except imaplib.IMAP4.error:
            answer = "BAD"
        self.assertNotEqual(answer, "OK")

    def countPOP3(self) -> int:
        """
        Count the messages over POP3.
        """
        client = self.pop3()
        count: int = client.stat()[0]
        client.quit()
        return count

    def ok(self, answer: tuple[str, list[Any]]) -> list[Any]:
        """
        Assert that an IMAP4 command has worked.

        @return: what it brought.
        """
        self.assertEqual(answer[0], "OK")
        return answer[1]

    def test_welcome(self) -> None:
        """
        A new user finds one message, and POP3 tells its size as it is sent.
        """
        client = self.pop3()
        self.assertEqual(client.stat()[0], 1)
        lines = client.retr(1)[1]
        self.assertIn(b"Subject: Welcome", lines)
        self.assertEqual(client.stat()[1], sum(len(line) + 2 for line in lines))
        self.assertIn(b"Subject: Welcome", client.top(1, 0)[1])
        self.assertEqual(len(client.uidl()[1]), 1)

    def test_pop3Delete(self) -> None:
        """
        A message that was deleted over POP3 stays deleted after a restart.
        """
        client = self.pop3()
        client.dele(1)
        client.quit()
        self.server = self.restart(self.server, self.auth)
        self.assertEqual(self.countPOP3(), 0)
        self.assertEqual(self.inbox().select()[1], [b"0"])

    def test_pop3DeleteWithoutQuit(self) -> None:
        """
        A message that was deleted over POP3 by a client that lost its
        connection is still there.
        """
        client = self.pop3()
        client.dele(1)
        client.close()
        self.assertEqual(self.countPOP3(), 1)

    def test_pop3Reset(self) -> None:
        """
        A client that thinks again deletes nothing.
        """
        client = self.pop3()
        client.dele(1)
        client.rset()
        client.quit()
        self.assertEqual(self.countPOP3(), 1)

    def test_imapExpunge(self) -> None:
        """
        A message that was expunged over IMAP4 stays away after a restart, and
        the others stay, with their UIDs.
        """
        client = self.inbox()
        self.append(client)
        self.ok(client.store("1", "+FLAGS", r"(\Deleted)"))
        self.assertEqual(self.ok(client.expunge()), [b"1"])
        self.assertEqual(self.ok(client.search(None, "ALL")), [b"1"])
        client.logout()
        self.server = self.restart(self.server, self.auth)
        client = self.inbox()
        self.assertEqual(self.ok(client.search(None, "ALL")), [b"1"])
        self.assertEqual(self.ok(client.fetch("1", "(UID)")), [b"1 (UID 2)"])
        self.assertEqual(self.countPOP3(), 1)

    def test_imapFlags(self) -> None:
        """
        Flags are added, taken away and replaced, answered, and last.
        """
        client = self.inbox()
        for item, flags, expected in [
            ("+FLAGS", r"(\Flagged \Seen)", rb"1 (FLAGS (\Flagged \Seen))"),
            ("-FLAGS", r"(\Seen)", rb"1 (FLAGS (\Flagged))"),
            ("FLAGS", r"(\Answered \Draft)", rb"1 (FLAGS (\Answered \Draft))"),
        ]:
            self.assertEqual(self.ok(client.store("1", item, flags)), [expected])
        client.logout()
        self.server = self.restart(self.server, self.auth)
        found = self.ok(self.inbox().fetch("1", "(FLAGS)"))
        self.assertEqual(found, [rb"1 (FLAGS (\Answered \Draft))"])

    def test_imapExpungeTells(self) -> None:
        """
        EXPUNGE tells the numbers of what it removes as RFC 3501 wants it, so
        that a client that follows them ends up with what is left.
        """
        client = self.inbox()
        for _ in range(3):
            self.append(client)
        known = self.ok(client.uid("SEARCH", None, "ALL"))[0].split()
        self.ok(client.store("1:2,4", "+FLAGS", r"(\Deleted)"))
        for number in self.ok(client.expunge()):
            del known[int(number) - 1]
        self.assertEqual(self.ok(client.uid("SEARCH", None, "ALL"))[0].split(), known)
        self.assertEqual(known, [b"3"])

    def test_imapAppend(self) -> None:
        """
        A message that a client puts in comes back with its text, its flags and
        its date.
        """
        client = self.inbox()
        date = '" 1-Feb-2003 04:05:06 +0000"'
        self.ok(client.append("INBOX", r"(\Seen \Flagged)", date, LETTER))
        items = "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
        (head, content), *_ = self.ok(client.fetch("2", items))
        self.assertEqual(content, LETTER)
        self.assertIn(rb"FLAGS (\Flagged \Seen)", head)
        self.assertIn(b"RFC822.SIZE %d" % len(LETTER), head)
        self.assertRegex(head, rb'INTERNALDATE "[ 0]1-Feb-2003 04:05:06 \+0000"')

    def test_imapFetch(self) -> None:
        """
        A client fetches headers, text and envelope by number and by UID.
        """
        client = self.inbox()
        self.append(client)
        headers = self.ok(client.fetch("2", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        self.assertEqual(headers[0][1].strip(), b"Subject: Tea & <b>cakes</b>")
        text = self.ok(client.uid("FETCH", "2", "(BODY.PEEK[TEXT])"))
        self.assertEqual(text[0][1], LETTER.partition(b"\r\n\r\n")[2])
        (envelope,) = self.ok(client.fetch("2", "(ENVELOPE)"))
        self.assertIn(b'"Tea & <b>cakes</b>"', envelope)
        (structure,) = self.ok(client.fetch("1", "(BODYSTRUCTURE)"))
        self.assertIn(b'"text" "plain"', structure)

    def assertFinds(self, *searches: tuple[str, bytes]) -> None:
        """
        Assert what searches find if the welcome is the first message, and a
        letter that is read the second.

        @param searches: each a criterion, and the numbers that it finds.
        """
        client = self.inbox()
        self.append(client, r"(\Seen)")
        for criterion, found in searches:
            numbers = self.ok(client.search(None, criterion))[0] or b""
            self.assertEqual(numbers, found, criterion)

    def test_imapSearch(self) -> None:
        """
        SEARCH finds messages by flag, text, size and UID.
        """
        self.assertFinds(
            ("ALL", b"1 2"),
            ("SEEN", b"2"),
            ("UNSEEN", b"1"),
            ("NOT SEEN", b"1"),
            ("OR SEEN UNSEEN", b"1 2"),
            ("DELETED", b""),
            ("BODY five", b"2"),
            ("UID 2:*", b"2"),
            (f"SMALLER {len(LETTER) + 1}", b"2"),
        )

    def test_imapClose(self) -> None:
        """
        A client that closes the mailbox removes what is marked, as RFC 3501
        has it.
        """
        client = self.inbox()
        self.ok(client.store("1", "+FLAGS", r"(\Deleted)"))
        self.ok(client.close())
        self.assertEqual(self.ok(client.select()), [b"0"])

    def test_imapStatus(self) -> None:
        """
        STATUS counts the messages, and those that are unread.
        """
        client = self.inbox()
        self.append(client, r"(\Seen)")
        (status,) = self.ok(client.status("INBOX", "(MESSAGES UNSEEN UIDNEXT)"))
        figures = dict(re.findall(rb"(\w+) (\d+)", status.partition(b"(")[2]))
        self.assertEqual(figures, {b"MESSAGES": b"2", b"UNSEEN": b"1", b"UIDNEXT": b"3"})

    def test_imapReadOnly(self) -> None:
        """
        A client that opens the mailbox with EXAMINE reads, and changes nothing.
        """
        client = self.server.imap("alice", "sesame")
        self.addCleanup(hangUp, client)
        self.assertEqual(self.ok(client.select(readonly=True)), [b"1"])
        self.assertRefused(client.store, "1", "+FLAGS", r"(\Deleted)")
        self.assertRefused(client.expunge)
        self.ok(client.fetch("1", "(BODY[])"))
        client.logout()
        client = self.inbox()
        self.assertEqual(self.ok(client.fetch("1", "(FLAGS)")), [b"1 (FLAGS ())"])
        self.server.stop()
        self.assertNotIn("Traceback", self.server.log)

    def test_imapFolders(self) -> None:
        """
        There is one folder, INBOX, and a client that wants another is refused.
        """
        client = self.inbox()
        (folder,) = self.ok(client.list())
        self.assertIn(b'"INBOX"', folder)
        for command, *args in [
            (client.select, "Drafts"),
            (client.create, "Drafts"),
            (client.delete, "INBOX"),
            (client.rename, "INBOX", "Drafts"),
        ]:
            self.assertRefused(command, *args)
        self.server.stop()
        self.assertNotIn("Traceback", self.server.log)

    def test_apart(self) -> None:
        """
        One user's changes leave another user's mailbox alone.
        """
        self.append(self.inbox())
        bob = self.server.pop3("bob", "tulip")
        self.assertEqual(bob.stat()[0], 1)
        bob.dele(1)
        bob.quit()
        self.assertEqual(self.countPOP3(), 2)

    def test_pageEscapes(self) -> None:
        """
        A message can't put HTML into the page that shows it.
        """
        self.append(self.inbox())
        page = self.server.http("alice", "sesame")
        self.assertIn("&lt;script&gt;alert(&#x27;five&#x27;)&lt;/script&gt;", page)
        self.assertIn("Tea &amp; &lt;b&gt;cakes&lt;/b&gt;", page)
        self.assertNotIn("<script", page)

    def test_storeIsPrivate(self) -> None:
        """
        Nobody else on the machine can read the mail.
        """
        self.assertEqual(self.countPOP3(), 1)
        mode = (self.folder / "store.sqlite").stat().st_mode
        self.assertEqual(mode & 0o077, 0)


class MissingFileTests(ServerTests, SynchronousTestCase):
    """
    Tests for C{--auth=file:} of a file that comes later.
    """

    def setUp(self) -> None:
        super().setUp()
        self.path = self.folder / "later"
        self.server = self.start(f"--auth=file:{self.path}")

    def test_warns(self) -> None:
        """
        The server starts, and warns of the file that isn't there.
        """
        self.server.stop()
        self.assertIn(f"Warning: not a valid file: {self.path}\n", self.server.log)

    def test_temporaryFailure(self) -> None:
        """
        Until the file comes nobody gets in, and where the protocol can say so,
        nobody is told that his password is wrong; the log names the file.
        """
        for logIn, answer in [
            (self.server.pop3, "-ERR"),
            (self.server.imap, "The password file can't be read"),
            (self.server.http, "401"),
        ]:
            refused = self.assertRaises(Refused, logIn, "alice", "sesame")
            self.assertIn(answer, refused.answer)
        self.server.stop()
        self.assertIn(f"The password file {self.path} can't be read", self.server.log)
        self.assertNotIn("sesame", self.server.log)

    def logsIn(self, secret: str) -> None:
        """
        Assert that Alice can log in after a file with her secret has come.
        """
        self.assertRaises(Refused, self.server.pop3, "alice", "sesame")
        self.path.write_text(f"alice:{secret}\n")
        self.server.pop3("alice", "sesame").quit()
        self.server.imap("alice", "sesame").logout()
        self.server.http("alice", "sesame")
        self.assertRaises(Refused, self.server.pop3, "alice", "wrong")

    def test_comesLater(self) -> None:
        """
        As soon as the file is there, users log in without a restart.
        """
        self.logsIn("sesame")

    def test_hashesComeLater(self) -> None:
        """
        The same holds for a file with hashes.
        """
        self.logsIn(self.hashed("sesame"))


class CommandLineTests(ServerTests, SynchronousTestCase):
    """
    Tests for command lines that can't take effect: the server ends at once, and
    says in one line what would be right.
    """

    def assertEnds(self, *options: str, says: str) -> str:
        """
        Assert that the server refuses a command line.

        @param says: what the line says, as a regular expression.

        @return: the line.
        """
        store = f"--store={self.folder / 'store.sqlite'}"
        done = subprocess.run(
            [*TWISTD, store, *options],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "80"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        (line,) = done.stderr.splitlines()
        self.assertRegex(line, says)
        self.assertFalse((self.folder / "store.sqlite").exists())
        return line

    def test_unknownType(self) -> None:
        """
        For an auth type that doesn't exist, those that do are listed.
        """
        self.assertEnds("--auth=nosuchtype", says="nosuchtype.*anonymous, file, memory")

    def test_oddMemory(self) -> None:
        """
        A name without a password is told.
        """
        self.assertEnds("--auth=memory:odd", says="--auth=memory: .*without a password")

    def test_secretIsNotRepeated(self) -> None:
        """
        A password on a command line that is wrong doesn't come back in what the
        server says.
        """
        for options in (
            ["--auth=memory:alice:SECRET:odd"],
            ["--auth=memory:alice:SECRET:alice:SECRET"],
            ["--auth=memory:alice:SECRET", "--pop3=xx"],
            ["--auth=memroy:alice:SECRET"],
        ):
            self.assertNotIn("SECRET", self.assertEnds(*options, says="twistd myapp: "))

    def test_fileWithoutName(self) -> None:
        """
        A C{file} without the name of one is told.
        """
        self.assertEnds("--auth=file", says="--auth=file: .*requires a filename")
        self.assertEnds("--auth=file:", says="--auth=file: .*requires a filename")

    def test_noAuth(self) -> None:
        """
        Without any C{--auth}, an example is shown.
        """
        self.assertEnds(says="--auth is missing.*--auth=file:/")

    def test_wrongPlace(self) -> None:
        """
        A place to listen at that makes no sense is told, with one that does.
        """
        self.assertEnds(
            "--auth=memory:alice:sesame", "--pop3=xx", says="--pop3=xx: .*tcp:1110"
        )

    def test_nobodyCouldLogIn(self) -> None:
        """
        A protocol that was asked for by name, and to which nobody could log in,
        is told.
        """
        self.assertEnds(
            "--auth=anonymous", "--http=tcp:0", says="--http: nobody could log in"
        )

    def test_unwritableStore(self) -> None:
        """
        A store in a folder that doesn't exist is told.
        """
        missing = self.folder / "missing"
        self.assertEnds(
            "--auth=memory:alice:sesame",
            f"--store={missing / 'store'}",
            says=f"--store: .*{re.escape(str(missing))}",
        )
